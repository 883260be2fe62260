// SPDX-License-Identifier: Apache-2.0
#include "tests/evidence/keys.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include <stdexcept>

#include "evidence/algorithms.h"
#include "evidence/wire.h"

namespace jit::test {

using evidence::bytes_of;
using evidence::text_of;
using evidence::WireWriter;

namespace {

EVP_PKEY* evp(const std::shared_ptr<Opaque>& key) { return reinterpret_cast<EVP_PKEY*>(key.get()); }

void must(bool holds) {
  if (!holds) throw std::runtime_error("OpenSSL failed in a test");
}

EVP_PKEY* generate(Pair::Family family, unsigned bits, unsigned exponent) {
  if (family == Pair::Family::kEd25519) return EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
  if (family == Pair::Family::kP256) return EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256");
  EVP_PKEY_CTX* context = EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr);
  BIGNUM* e = BN_new();
  EVP_PKEY* key = nullptr;
  must(BN_set_word(e, exponent) == 1 && EVP_PKEY_keygen_init(context) == 1 && EVP_PKEY_CTX_set_rsa_keygen_bits(context, static_cast<int>(bits)) == 1 &&
       EVP_PKEY_CTX_set1_rsa_keygen_pubexp(context, e) == 1 && EVP_PKEY_generate(context, &key) == 1);
  BN_free(e);
  EVP_PKEY_CTX_free(context);
  return key;
}

Bytes number(EVP_PKEY* key, const char* name) {
  BIGNUM* value = nullptr;
  must(EVP_PKEY_get_bn_param(key, name, &value) == 1);
  Bytes out(static_cast<std::size_t>(BN_num_bytes(value)));
  BN_bn2bin(value, out.data());
  BN_free(value);
  return out;
}

std::string_view name_of(SshKeyType type) {
  switch (type) {
    case SshKeyType::kEd25519: return "ssh-ed25519";
    case SshKeyType::kEcdsaP256: return "ecdsa-sha2-nistp256";
    case SshKeyType::kRsa: return "ssh-rsa";
    case SshKeyType::kTokenEd25519: return "sk-ssh-ed25519@openssh.com";
    case SshKeyType::kTokenEcdsaP256: return "sk-ecdsa-sha2-nistp256@openssh.com";
  }
  return {};
}

Pair::Family family_of(SshKeyType type) {
  if (type == SshKeyType::kRsa) return Pair::Family::kRsa;
  return type == SshKeyType::kEd25519 || type == SshKeyType::kTokenEd25519 ? Pair::Family::kEd25519 : Pair::Family::kP256;
}

}  // namespace

Pair::Pair(Family family, unsigned bits, unsigned exponent)
    : key_(reinterpret_cast<Opaque*>(generate(family, bits, exponent)), [](Opaque* key) { EVP_PKEY_free(reinterpret_cast<EVP_PKEY*>(key)); }) {
  must(key_ != nullptr);
}

Bytes Pair::point() const {
  Bytes out(evidence::kP256PointBytes);
  std::size_t length = out.size();
  if (EVP_PKEY_is_a(evp(key_), "ED25519") == 1) {
    must(EVP_PKEY_get_raw_public_key(evp(key_), out.data(), &length) == 1);
  } else {
    must(EVP_PKEY_get_octet_string_param(evp(key_), OSSL_PKEY_PARAM_PUB_KEY, out.data(), out.size(), &length) == 1);
  }
  out.resize(length);
  return out;
}

Bytes Pair::modulus() const { return number(evp(key_), OSSL_PKEY_PARAM_RSA_N); }
Bytes Pair::exponent() const { return number(evp(key_), OSSL_PKEY_PARAM_RSA_E); }

Bytes Pair::sign(std::string_view message, std::string_view hash) const {
  const bool edwards = EVP_PKEY_is_a(evp(key_), "ED25519") == 1;
  const EVP_MD* const md = edwards ? nullptr : EVP_get_digestbyname(std::string(hash).c_str());
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  Bytes out(2048);
  std::size_t length = out.size();
  must(EVP_DigestSignInit(context, nullptr, md, nullptr, evp(key_)) == 1 &&
       EVP_DigestSign(context, out.data(), &length, reinterpret_cast<const unsigned char*>(message.data()), message.size()) == 1);
  EVP_MD_CTX_free(context);
  out.resize(length);
  return out;
}

Bytes mpint(Bytes magnitude) {
  if (!magnitude.empty() && (magnitude[0] & 0x80U) != 0) magnitude.insert(magnitude.begin(), 0);
  return magnitude;
}

Bytes pair_of_der(const Bytes& der) {
  const unsigned char* at = der.data();
  ECDSA_SIG* pair = d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size()));
  must(pair != nullptr);
  const auto bytes = [](const BIGNUM* value) {
    Bytes out(static_cast<std::size_t>(BN_num_bytes(value)));
    BN_bn2bin(value, out.data());
    return mpint(out);
  };
  const Bytes out = WireWriter().string(bytes(ECDSA_SIG_get0_r(pair))).string(bytes(ECDSA_SIG_get0_s(pair))).bytes();
  ECDSA_SIG_free(pair);
  return out;
}

SshSigner::SshSigner(SshKeyType type, unsigned bits) : type_(type), name_(name_of(type)), pair_(family_of(type), bits) {
  WireWriter writer;
  writer.string(name_);
  if (type == SshKeyType::kRsa) {
    writer.string(mpint(pair_.exponent())).string(mpint(pair_.modulus()));
  } else {
    if (family_of(type) == Pair::Family::kP256) writer.string(std::string_view("nistp256"));
    writer.string(pair_.point());
  }
  if (evidence::in_token(type)) writer.string(std::string_view("ssh:"));
  blob_ = writer.bytes();
}

std::string SshSigner::text() const { return std::string(name_) + " " + evidence::base64(blob_) + " test"; }

Bytes SshSigner::raw(std::string_view message, const Make& make) const {
  std::string told(message);
  if (evidence::in_token(type_)) {
    const char flags = static_cast<char>(make.flags);
    told = text_of(WireWriter().raw(text_of(evidence::hash_of(evidence::HashName::kSha256, "ssh:"))).raw({&flags, 1}).number(make.counter)
                       .raw(text_of(evidence::hash_of(evidence::HashName::kSha256, message))).bytes());
  }
  if (type_ == SshKeyType::kRsa) return pair_.sign(told, make.type == "rsa-sha2-256" ? "SHA256" : make.type == "ssh-rsa" ? "SHA1" : "SHA512");
  if (family_of(type_) == Pair::Family::kP256) return pair_of_der(pair_.sign(told, "SHA256"));
  return pair_.sign(told, "");
}

Bytes SshSigner::sign(std::string_view message, const Make& make) const {
  const auto hash = evidence::hash_of(make.hash == "sha256" ? evidence::HashName::kSha256 : evidence::HashName::kSha512, message);
  const Bytes what = WireWriter().raw("SSHSIG").string(std::string_view(make.purpose)).string(std::string_view(make.reserved))
                         .string(std::string_view(make.hash)).string(hash).bytes();
  const std::string type = !make.type.empty() ? make.type : type_ == SshKeyType::kRsa ? "rsa-sha2-512" : name();
  WireWriter inner;
  inner.string(std::string_view(type)).string(make.raw ? *make.raw : raw(text_of(what), make));
  const char flags = static_cast<char>(make.flags);
  if (evidence::in_token(type_)) inner.raw({&flags, 1}).number(make.counter);
  inner.raw(make.behind_inner);
  return WireWriter().raw(make.magic).number(make.version).string(make.blob ? *make.blob : blob_).string(std::string_view(make.purpose))
      .string(std::string_view(make.reserved)).string(std::string_view(make.hash)).string(inner.bytes()).raw(make.behind).bytes();
}

}  // namespace jit::test
