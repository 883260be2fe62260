// SPDX-License-Identifier: Apache-2.0
// An approver in a process of his own, with a connection to the system bus that is open already.
#pragma once

#include <string>

#include "bench/asker.h"

namespace jit::bench {

class Voter {
 public:
  explicit Voter(const char* user);
  Voter(const Voter&) = delete;
  Voter& operator=(const Voter&) = delete;

  struct Times {
    Ns sent = 0, answered = 0;
  };
  void approve(const std::string& request);  // sends; does not wait
  Times done();                              // of the last approve; the end where it was refused

 private:
  int ask_ = -1, answer_ = -1;
};

}  // namespace jit::bench
