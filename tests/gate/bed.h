// SPDX-License-Identifier: Apache-2.0
// A gate on a socket of its own, its loop in a thread; tests are its clients.
#pragma once

#include <sys/types.h>

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "broker/gate/gate.h"
#include "tests/gate/fake_core.h"

namespace jit::test {

class Bed {
 public:
  explicit Bed(gate::Options options = {});
  ~Bed();

  const std::string& path() const { return path_; }
  Notes& notes() { return Notes::get(); }
  void run(const std::function<void(gate::Server&)>& work);  // on the loop; returns when it is done

  // What the core says to each Submit, Resume and Bind.
  void answer_all(core::Answer answer);  // at once, within submit()

 private:
  std::string folder_, path_;
  int wake_ = -1;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> work_;
  bool ready_ = false, stop_ = false;
  gate::Server* server_ = nullptr;
  std::thread thread_;
  void serve(gate::Options options);
};

core::Answer pending();
core::Answer answer(core::Verdict verdict, std::string cause);

// A child that runs this and exits with what it returns. No other thread may be in the allocator then, as one that is just
// starting is: the child would wait for its lock for ever.
pid_t start_child(const std::function<int()>& body);
// Its exit status; -1 when it died of a signal.
int wait_for_child(pid_t child);
int in_child(const std::function<int()>& body);

std::size_t open_descriptors();  // of this process

}  // namespace jit::test
