// SPDX-License-Identifier: Apache-2.0
// SHA-256 of many small texts: the algorithm is looked up once, a thread keeps its context.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

namespace jit::evidence {

// Of all parts, one behind the other. Throws std::runtime_error where OpenSSL fails.
std::array<std::uint8_t, 32> sha256(std::initializer_list<std::string_view> parts);

// Of what comes piece by piece. hex() is empty where OpenSSL fails; it is called once, at the end.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  void add(std::string_view piece);
  std::string hex();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace jit::evidence
