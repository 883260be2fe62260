// SPDX-License-Identifier: Apache-2.0
// polkit's own agent on this terminal, for as long as this lives: it asks for the password here.
#pragma once

#include <sys/types.h>

#include <chrono>

namespace jit::cli {

constexpr std::chrono::seconds kPasswordMax(120);  // for a call that may ask for it: longer than the broker waits

class PasswordAgent {
 public:
  PasswordAgent();  // without a terminal, without pkttyagent(1), and for root: nothing is started
  ~PasswordAgent();
  PasswordAgent(const PasswordAgent&) = delete;
  PasswordAgent& operator=(const PasswordAgent&) = delete;

 private:
  pid_t pid_ = -1;
};

}  // namespace jit::cli
