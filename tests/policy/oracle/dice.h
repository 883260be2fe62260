// SPDX-License-Identifier: Apache-2.0
// Where chance comes from: a seed, or the bytes of a fuzzer and then a seed made of them.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace jit::policy::oracle {

class Dice {
 public:
  // Mixed, or the dice of two seeds would roll the same numbers one after the other.
  explicit Dice(std::uint64_t seed) : state_(mixed(seed)) {}
  explicit Dice(std::span<const std::uint8_t> bytes) : state_(14695981039346656037U), bytes_(bytes) {
    for (const std::uint8_t byte : bytes) state_ = (state_ ^ byte) * 1099511628211U;
  }

  std::uint64_t next() {
    if (!bytes_.empty()) {
      const std::uint64_t out = bytes_.front() * 0x0101010101010101U;
      bytes_ = bytes_.subspan(1);
      return out;
    }
    state_ += 0x9e3779b97f4a7c15U;
    return mixed(state_);
  }
  // 0 to n - 1; n is not 0.
  std::uint32_t below(std::size_t n) { return static_cast<std::uint32_t>(next() % n); }
  bool percent(unsigned chance) { return below(100) < chance; }
  template <class List>
  const auto& one_of(const List& list) {
    return list[below(std::size(list))];
  }
  template <class T>
  void shuffle(std::vector<T>& list) {
    for (std::size_t left = list.size(); left > 1; --left) std::swap(list[left - 1], list[below(left)]);
  }

 private:
  // splitmix64
  static std::uint64_t mixed(std::uint64_t x) {
    x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27U)) * 0x94d049bb133111ebU;
    return x ^ (x >> 31U);
  }

  std::uint64_t state_;
  std::span<const std::uint8_t> bytes_;
};

}  // namespace jit::policy::oracle
