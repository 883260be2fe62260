// SPDX-License-Identifier: Apache-2.0
// A FIDO token made of software, for ssh-keygen -w (OpenSSH 8.9 to 9.9, PROTOCOL.u2f "SSH U2F key types", sk-api.h). Its key handle is
// the private key itself: fit for tests and nothing else. It says that it was touched, and where the key asks for it that a person was
// verified, which takes its PIN, 1234; with SOFT_TOKEN_UNTOUCHED in the environment it says neither.
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace {

using Octets = std::vector<std::uint8_t>;

constexpr std::uint32_t kApiVersion = 0x000a0000;
constexpr std::uint32_t kEcdsa = 0;
constexpr int kFailed = -1, kPinRequired = -3;
constexpr char kPin[] = "1234";
constexpr std::uint8_t kTouch = 1, kPerson = 4;
constexpr std::size_t kHandle = 32;

std::uint8_t* copied(const Octets& bytes) {
  auto* const out = static_cast<std::uint8_t*>(std::malloc(bytes.size() + 1));  // ssh-sk-helper frees it
  if (out != nullptr) std::memcpy(out, bytes.data(), bytes.size());
  return out;
}

Octets sha256(const void* bytes, std::size_t length) {
  Octets out(32);
  EVP_Digest(bytes, length, out.data(), nullptr, EVP_sha256(), nullptr);
  return out;
}

EVP_PKEY* ecdsa_of(const std::uint8_t* scalar) {
  EC_GROUP* const group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
  EC_POINT* const point = EC_POINT_new(group);
  BIGNUM* const secret = BN_bin2bn(scalar, kHandle, nullptr);
  Octets encoded(65);
  EC_POINT_mul(group, point, secret, nullptr, nullptr, nullptr);
  EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, encoded.data(), encoded.size(), nullptr);
  OSSL_PARAM_BLD* const builder = OSSL_PARAM_BLD_new();
  OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0);
  OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, encoded.data(), encoded.size());
  OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_PRIV_KEY, secret);
  OSSL_PARAM* const params = OSSL_PARAM_BLD_to_param(builder);
  EVP_PKEY_CTX* const context = EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr);
  EVP_PKEY* key = nullptr;
  if (EVP_PKEY_fromdata_init(context) == 1) EVP_PKEY_fromdata(context, &key, EVP_PKEY_KEYPAIR, params);
  EVP_PKEY_CTX_free(context);
  OSSL_PARAM_free(params);
  OSSL_PARAM_BLD_free(builder);
  BN_free(secret);
  EC_POINT_free(point);
  EC_GROUP_free(group);
  return key;
}

EVP_PKEY* key_of(std::uint32_t algorithm, const std::uint8_t* handle) {
  return algorithm == kEcdsa ? ecdsa_of(handle) : EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, handle, kHandle);
}

}  // namespace

extern "C" {

struct sk_enroll_response {
  std::uint8_t flags;
  std::uint8_t* public_key;
  std::size_t public_key_len;
  std::uint8_t* key_handle;
  std::size_t key_handle_len;
  std::uint8_t* signature;
  std::size_t signature_len;
  std::uint8_t* attestation_cert;
  std::size_t attestation_cert_len;
  std::uint8_t* authdata;
  std::size_t authdata_len;
};

struct sk_sign_response {
  std::uint8_t flags;
  std::uint32_t counter;
  std::uint8_t* sig_r;
  std::size_t sig_r_len;
  std::uint8_t* sig_s;
  std::size_t sig_s_len;
};

std::uint32_t sk_api_version() { return kApiVersion; }

int sk_enroll(std::uint32_t algorithm, const std::uint8_t*, std::size_t, const char*, std::uint8_t flags, const char*, void*, sk_enroll_response** out) {
  EVP_PKEY* const key = algorithm == kEcdsa ? EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256") : EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
  Octets handle(kHandle), encoded(65);
  std::size_t length = encoded.size();
  if (algorithm == kEcdsa) {
    BIGNUM* secret = nullptr;
    EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_PRIV_KEY, &secret);
    BN_bn2binpad(secret, handle.data(), kHandle);
    BN_free(secret);
    EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, encoded.data(), encoded.size(), &length);
  } else {
    std::size_t secret = handle.size();
    EVP_PKEY_get_raw_private_key(key, handle.data(), &secret);
    EVP_PKEY_get_raw_public_key(key, encoded.data(), &length);
  }
  EVP_PKEY_free(key);
  encoded.resize(length);
  *out = static_cast<sk_enroll_response*>(std::calloc(1, sizeof(sk_enroll_response)));
  if (*out == nullptr) return kFailed;
  (*out)->flags = flags;
  (*out)->public_key = copied(encoded);
  (*out)->public_key_len = encoded.size();
  (*out)->key_handle = copied(handle);
  (*out)->key_handle_len = handle.size();
  return 0;
}

int sk_sign(std::uint32_t algorithm, const std::uint8_t* data, std::size_t length, const char* application, const std::uint8_t* handle, std::size_t handle_length,
            std::uint8_t flags, const char* pin, void*, sk_sign_response** out) {
  if ((flags & kPerson) != 0 && (pin == nullptr || std::strcmp(pin, kPin) != 0)) return kPinRequired;
  EVP_PKEY* const key = handle_length == kHandle ? key_of(algorithm, handle) : nullptr;
  if (key == nullptr) return kFailed;
  const bool untouched = std::getenv("SOFT_TOKEN_UNTOUCHED") != nullptr;
  const std::uint8_t told = untouched ? std::uint8_t{0} : static_cast<std::uint8_t>(kTouch | (flags & kPerson));
  constexpr std::uint32_t kCount = 5;
  Octets what = sha256(application, std::strlen(application));
  for (const std::uint8_t byte : {told, std::uint8_t{0}, std::uint8_t{0}, std::uint8_t{0}, std::uint8_t{kCount}}) what.push_back(byte);
  const Octets hash = sha256(data, length);
  what.insert(what.end(), hash.begin(), hash.end());
  Octets raw(128);
  std::size_t size = raw.size();
  EVP_MD_CTX* const context = EVP_MD_CTX_new();
  const bool made = EVP_DigestSignInit(context, nullptr, algorithm == kEcdsa ? EVP_sha256() : nullptr, nullptr, key) == 1 &&
                    EVP_DigestSign(context, raw.data(), &size, what.data(), what.size()) == 1;
  EVP_MD_CTX_free(context);
  EVP_PKEY_free(key);
  *out = static_cast<sk_sign_response*>(std::calloc(1, sizeof(sk_sign_response)));
  if (!made || *out == nullptr) return kFailed;
  raw.resize(size);
  (*out)->flags = told;
  (*out)->counter = kCount;
  if (algorithm != kEcdsa) {
    (*out)->sig_r = copied(raw);
    (*out)->sig_r_len = raw.size();
    return 0;
  }
  const unsigned char* at = raw.data();
  ECDSA_SIG* const pair = d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(raw.size()));
  Octets r(static_cast<std::size_t>(BN_num_bytes(ECDSA_SIG_get0_r(pair)))), s(static_cast<std::size_t>(BN_num_bytes(ECDSA_SIG_get0_s(pair))));
  BN_bn2bin(ECDSA_SIG_get0_r(pair), r.data());
  BN_bn2bin(ECDSA_SIG_get0_s(pair), s.data());
  ECDSA_SIG_free(pair);
  (*out)->sig_r = copied(r);
  (*out)->sig_r_len = r.size();
  (*out)->sig_s = copied(s);
  (*out)->sig_s_len = s.size();
  return 0;
}

int sk_load_resident_keys(const char*, void*, void*, std::size_t* count) {
  *count = 0;
  return 0;
}
}
