// SPDX-License-Identifier: Apache-2.0
#include "evidence/sha256.h"

#include <openssl/evp.h>

#include <memory>
#include <stdexcept>

#include "evidence/text.h"

namespace jit::evidence {
namespace {

struct FreeMd {
  void operator()(EVP_MD* md) const { EVP_MD_free(md); }
};
struct FreeMdContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

// SHA256() and EVP_Digest() fetch the algorithm each time, which costs more than a leaf.
EVP_MD* sha256_md() {
  static const std::unique_ptr<EVP_MD, FreeMd> md(EVP_MD_fetch(nullptr, "SHA256", nullptr));
  return md.get();
}

}  // namespace

std::array<std::uint8_t, 32> sha256(std::initializer_list<std::string_view> parts) {
  thread_local const std::unique_ptr<EVP_MD_CTX, FreeMdContext> context(EVP_MD_CTX_new());
  EVP_MD* const md = sha256_md();
  std::array<std::uint8_t, 32> out{};
  bool good = context && md != nullptr && EVP_DigestInit_ex2(context.get(), md, nullptr) == 1;
  for (const std::string_view part : parts) good = good && EVP_DigestUpdate(context.get(), part.data(), part.size()) == 1;
  unsigned length = 0;
  good = good && EVP_DigestFinal_ex(context.get(), out.data(), &length) == 1 && length == out.size();
  if (!good) throw std::runtime_error("SHA-256 is not available");
  return out;
}

struct Sha256::State {
  std::unique_ptr<EVP_MD_CTX, FreeMdContext> context{EVP_MD_CTX_new()};
  bool good = context && sha256_md() != nullptr && EVP_DigestInit_ex2(context.get(), sha256_md(), nullptr) == 1;
};

Sha256::Sha256() : state_(std::make_unique<State>()) {}
Sha256::~Sha256() = default;

void Sha256::add(std::string_view piece) {
  state_->good = state_->good && EVP_DigestUpdate(state_->context.get(), piece.data(), piece.size()) == 1;
}

std::string Sha256::hex() {
  std::array<std::uint8_t, 32> out{};
  unsigned length = 0;
  const bool good = state_->good && EVP_DigestFinal_ex(state_->context.get(), out.data(), &length) == 1 && length == out.size();
  state_->good = false;
  return good ? evidence::hex(out) : std::string();
}

}  // namespace jit::evidence
