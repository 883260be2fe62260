// SPDX-License-Identifier: Apache-2.0
// Warnings of the gate: one line each in the journal, and few of each source, however often it happens.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

namespace jit::gate {

// At most kBurst lines of a source in kWindow; the first line after says how many were left out.
class LogLimit {
 public:
  using Time = std::chrono::steady_clock::time_point;
  static constexpr unsigned kBurst = 5;
  static constexpr std::chrono::seconds kWindow{10};
  static constexpr std::size_t kSources = 1024;

  struct Pass {
    bool print = false;
    unsigned left_out = 0;
  };
  Pass pass(std::uint32_t source, Time now);

 private:
  struct Seen {
    Time since;
    unsigned lines = 0;
    unsigned left_out = 0;
  };
  std::unordered_map<std::uint32_t, Seen> seen_;
};

class Log {
 public:
  // `uid`: the real uid of the peer. The text must be escaped already.
  void warn(std::uint32_t uid, std::string_view text);

 private:
  LogLimit limit_;
};

}  // namespace jit::gate
