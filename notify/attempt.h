// SPDX-License-Identifier: Apache-2.0
// One attempt to bring a message to its channel.
#pragma once

#include <functional>
#include <string>

#include "courier/clock.h"

namespace jit::notify {

struct Attempted {
  bool delivered = false;
  std::string why;        // for people, where it was not: escaped where it is written, and without secrets of the channel
  courier::Ms wait = 0;   // the other side asked for a pause of that length
};
using AttemptDone = std::function<void(const Attempted&)>;

// Ending it early calls nobody.
class Attempt {
 public:
  Attempt() = default;
  virtual ~Attempt() = default;
  Attempt(const Attempt&) = delete;
  Attempt& operator=(const Attempt&) = delete;
};

}  // namespace jit::notify
