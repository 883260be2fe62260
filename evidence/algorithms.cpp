// SPDX-License-Identifier: Apache-2.0
#include "evidence/algorithms.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include <algorithm>
#include <array>
#include <memory>
#include <stdexcept>

namespace jit::evidence {
namespace {

struct FreeOpenssl {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  void operator()(BIGNUM* number) const { BN_free(number); }
  void operator()(BN_CTX* context) const { BN_CTX_free(context); }
  void operator()(ECDSA_SIG* signature) const { ECDSA_SIG_free(signature); }
  void operator()(OSSL_PARAM* params) const { OSSL_PARAM_free(params); }
  void operator()(OSSL_PARAM_BLD* builder) const { OSSL_PARAM_BLD_free(builder); }
  void operator()(unsigned char* bytes) const { OPENSSL_free(bytes); }
};
template <typename T>
using Owned = std::unique_ptr<T, FreeOpenssl>;

using View = std::span<const std::uint8_t>;

Owned<BIGNUM> number_of(View bytes) {
  return Owned<BIGNUM>(bytes.size() > INT32_MAX ? nullptr : BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr));
}

const EVP_MD* md_of(HashName hash) { return hash == HashName::kSha256 ? EVP_sha256() : EVP_sha512(); }

// `md`: null for a scheme with a hash of its own.
bool good(EVP_PKEY* key, const EVP_MD* md, std::string_view message, View signature) {
  if (key == nullptr) return false;
  const Owned<EVP_MD_CTX> context(EVP_MD_CTX_new());
  return context && EVP_DigestVerifyInit(context.get(), nullptr, md, nullptr, key) == 1 &&
         EVP_DigestVerify(context.get(), signature.data(), signature.size(), reinterpret_cast<const unsigned char*>(message.data()),
                          message.size()) == 1;
}

Owned<EVP_PKEY> key_from(const char* type, OSSL_PARAM* params) {
  const Owned<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* key = nullptr;
  if (!context || params == nullptr || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params) != 1) {
    return nullptr;
  }
  return Owned<EVP_PKEY>(key);
}

Owned<EVP_PKEY> p256_key(View point) {
  if (point.size() != kP256PointBytes || point[0] != POINT_CONVERSION_UNCOMPRESSED) return nullptr;
  const Owned<OSSL_PARAM_BLD> builder(OSSL_PARAM_BLD_new());
  if (!builder || OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) != 1 ||
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()) != 1) {
    return nullptr;
  }
  const Owned<OSSL_PARAM> params(OSSL_PARAM_BLD_to_param(builder.get()));
  return key_from("EC", params.get());
}

Owned<EVP_PKEY> rsa_key(View modulus, View exponent) {
  const auto n = number_of(modulus);
  const auto e = number_of(exponent);
  const Owned<OSSL_PARAM_BLD> builder(OSSL_PARAM_BLD_new());
  if (!n || !e || !builder || OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) != 1) {
    return nullptr;
  }
  const Owned<OSSL_PARAM> params(OSSL_PARAM_BLD_to_param(builder.get()));
  return key_from("RSA", params.get());
}

// Arithmetic modulo p = 2^255 - 19; a step that fails makes all that follow fail.
class Field {
 public:
  Field() : context_(BN_CTX_new()), p_(BN_new()) {
    ok_ = context_ && p_ && BN_one(p_.get()) == 1 && BN_lshift(p_.get(), p_.get(), 255) == 1 && BN_sub_word(p_.get(), 19) == 1;
  }
  using Number = Owned<BIGNUM>;
  Number small(BN_ULONG value) { return made([&](BIGNUM* out) { return BN_set_word(out, value); }); }
  Number product(const Number& a, const Number& b) {
    return made([&](BIGNUM* out) { return BN_mod_mul(out, a.get(), b.get(), p_.get(), context_.get()); });
  }
  Number difference(const Number& a, const Number& b) {
    return made([&](BIGNUM* out) { return BN_mod_sub(out, a.get(), b.get(), p_.get(), context_.get()); });
  }
  bool below(const Number& a) const { return ok_ && BN_cmp(a.get(), p_.get()) < 0; }
  bool nonzero(const Number& a) const { return ok_ && BN_is_zero(a.get()) == 0; }
  bool square(const Number& a) const { return ok_ && BN_kronecker(a.get(), p_.get(), context_.get()) == 1; }
  bool ok() const { return ok_; }

 private:
  template <typename Step>
  Number made(Step step) {
    Number out(BN_new());
    ok_ = ok_ && out && step(out.get()) == 1;
    return out;
  }
  Owned<BN_CTX> context_;
  Number p_;
  bool ok_ = false;
};

}  // namespace

Bytes hash_of(HashName hash, std::string_view bytes) {
  Bytes out(EVP_MAX_MD_SIZE);
  unsigned length = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), out.data(), &length, md_of(hash), nullptr) != 1) throw std::runtime_error("SHA-2 is not available");
  out.resize(length);
  return out;
}

bool ed25519_usable(std::span<const std::uint8_t> key) {
  if (key.size() != kEd25519KeyBytes) return false;
  std::array<std::uint8_t, kEd25519KeyBytes> bytes{};
  std::ranges::reverse_copy(key, bytes.begin());
  bytes[0] &= 0x7fU;  // the sign of x; where x is 0 both signs are refused below, as y = 1 and y = -1
  const auto y = number_of(bytes);
  Field field;
  if (!y || !field.below(y)) return false;
  // -x^2 + y^2 = 1 + d x^2 y^2 with d = -121665/121666, so x^2 = u/v with u = y^2 - 1, v = d y^2 + 1.
  const auto a = field.small(121665);
  const auto b = field.small(121666);
  const auto one = field.small(1);
  const auto yy = field.product(y, y);
  const auto u = field.difference(yy, one);
  const auto v = field.difference(b, field.product(a, yy));  // v times b
  const bool on_curve = field.square(field.product(b, field.product(u, v)));
  // Orders: 1 and 2 have u = 0, 4 has y = 0, 8 has a double of order 4: d y^4 + 2 y^2 - 1 = 0.
  const auto eight = field.difference(field.product(b, field.difference(field.product(field.small(2), yy), one)), field.product(a, field.product(yy, yy)));
  return on_curve && field.ok() && field.nonzero(y) && field.nonzero(u) && field.nonzero(eight);
}

bool ed25519_good(std::span<const std::uint8_t> key, std::string_view message, std::span<const std::uint8_t> signature) {
  if (!ed25519_usable(key) || signature.size() != kEd25519SignatureBytes) return false;
  const Owned<EVP_PKEY> made(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, key.data(), key.size()));
  return good(made.get(), nullptr, message, signature);
}

bool p256_usable(std::span<const std::uint8_t> point) {
  const auto key = p256_key(point);
  const Owned<EVP_PKEY_CTX> context(key ? EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr) : nullptr);
  return context && EVP_PKEY_public_check(context.get()) == 1;
}

bool p256_good(std::span<const std::uint8_t> point, std::string_view message, std::span<const std::uint8_t> r, std::span<const std::uint8_t> s) {
  constexpr std::size_t kOrderBytes = 32;
  if (r.empty() || s.empty() || r.size() > kOrderBytes || s.size() > kOrderBytes) return false;
  const Owned<ECDSA_SIG> pair(ECDSA_SIG_new());
  auto first = number_of(r);
  auto second = number_of(s);
  if (!pair || !first || !second || ECDSA_SIG_set0(pair.get(), first.get(), second.get()) != 1) return false;
  (void)first.release();  // the pair has them now
  (void)second.release();
  unsigned char* der = nullptr;
  const int length = i2d_ECDSA_SIG(pair.get(), &der);
  const Owned<unsigned char> owned(der);
  if (length <= 0) return false;
  return good(p256_key(point).get(), EVP_sha256(), message, View(der, static_cast<std::size_t>(length)));
}

bool rsa_usable(std::span<const std::uint8_t> modulus, std::span<const std::uint8_t> exponent) {
  constexpr std::size_t kRsaExponentBytes = 8;
  const auto n = number_of(modulus);
  const auto e = number_of(exponent);
  return n && e && exponent.size() <= kRsaExponentBytes && BN_num_bits(n.get()) >= kRsaBitsMin && BN_num_bits(n.get()) <= kRsaBitsMax &&
         BN_is_odd(n.get()) == 1 && BN_is_odd(e.get()) == 1 && BN_num_bits(e.get()) >= 17;
}

bool rsa_good(std::span<const std::uint8_t> modulus, std::span<const std::uint8_t> exponent, HashName hash, std::string_view message,
              std::span<const std::uint8_t> signature) {
  if (!rsa_usable(modulus, exponent) || signature.size() != modulus.size()) return false;
  return good(rsa_key(modulus, exponent).get(), md_of(hash), message, signature);
}

}  // namespace jit::evidence
