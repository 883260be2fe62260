// SPDX-License-Identifier: Apache-2.0
// When each request was approved: the broker's entries at journald's socket, which it sends right after the commit and before it
// tells anybody. The kernel stamps them as they are sent, so it does not matter when we read them.
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>

#include "bench/asker.h"

namespace jit::bench {

class Commits {
 public:
  // Takes the socket's place from whoever has it now, for good.
  Commits();
  ~Commits();
  Commits(const Commits&) = delete;
  Commits& operator=(const Commits&) = delete;

  // Of the first entry that its approval brought. Waits for it; the end after 10 s.
  Ns approved(const std::string& request);

 private:
  void run();
  int socket_ = -1;
  std::mutex mutex_;
  std::condition_variable came_;
  std::unordered_map<std::string, Ns> votes_, approvals_;  // by request
  std::thread thread_;
};

}  // namespace jit::bench
