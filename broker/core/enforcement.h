// SPDX-License-Identifier: Apache-2.0
// The end of what runs under a grant, as the core sees it. Who holds it are the enforcer and systemd, by their own clocks: what
// is said here only moves it, or ends it before its time.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "broker/core/model.h"

namespace jit::core {

// Nobody that was let through under it may run longer.
BootMs last_end(const Grant& grant);

// What is held although the time of its grant is over: it may finish.
struct Finishing {
  Grant grant;                     // as they are stored
  std::optional<Request> request;
};

// Called on the core's thread; nobody waits for it. What cannot be said now is said later, by comparing what is held.
class Enforcement {
 public:
  virtual void move_end(const Id& grant, BootMs end) = 0;
  virtual void warn(const Id& grant, std::uint32_t minutes) = 0;  // 0: it is over, what runs may finish
  // Until then somebody who was let through before may still come to the enforcer, and must be told.
  virtual void end(const Id& grant, BootMs until) = 0;
  // `then`: once, also at once, on the core's thread. Nothing: it cannot be asked now.
  virtual void finishing(std::function<void(const std::optional<std::vector<Finishing>>&)> then) = 0;

 protected:
  ~Enforcement() = default;
};

// What an end met with, as the enforcer tells it.
struct EndReport {
  struct Left {
    std::uint32_t pid = 0;
    std::uint32_t uid = 0;
    std::string name;  // whatever the process calls itself
  };
  Id grant;
  std::string person;  // whose grant it was; empty: not known
  std::uint32_t uid = policy::kNoUid;
  std::uint32_t number = 0;
  std::string why;  // "end", "asked", "outer", "account"
  std::uint32_t ended = 0;
  std::vector<Left> survivors, beyond;
  std::vector<std::string> later;  // paths
  std::uint32_t left_out = 0;
};

}  // namespace jit::core
