// SPDX-License-Identifier: Apache-2.0
// Many real users whose programs wait at the gate. Each process has one user as its real uid and holds some connections, each with a
// command of its own.
#pragma once

#include <string>
#include <vector>

#include "bench/asker.h"

namespace jit::bench {

// What a process of the crowd tells: one write each, smaller than PIPE_BUF.
struct Report {
  enum Kind : std::uint32_t { kPending, kDecided, kFailed };
  Kind kind = kFailed;
  Ns when = 0;
  char request[40] = {};
  char text[200] = {};  // what came instead of what was expected
};

class Crowd {
 public:
  Crowd();
  Crowd(const Crowd&) = delete;
  Crowd& operator=(const Crowd&) = delete;

  // Starts `processes` of these users and holds `each` connections in every one: pending when this returns. Their requests.
  // Users are named b<uid>.
  std::vector<std::string> pause(uid_t first, std::size_t users, std::size_t processes, std::size_t each);
  // The next decision; the end where something else is reported, or nothing within 10 s.
  Report decided();
  // Whether every connection that is not decided still waits.
  void check();

 private:
  void start(const User& user, std::size_t each);
  Report next(int timeout_ms);
  int read_ = -1, write_ = -1;
  std::size_t commands_ = 0;
};

}  // namespace jit::bench
