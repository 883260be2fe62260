// SPDX-License-Identifier: Apache-2.0
// A command of the admin that takes a message on its standard input: no shell, an environment of its own, so much time, and
// so much of what it says. It has taken the message when it ends with 0.
#pragma once

#include <systemd/sd-event.h>

#include <string>
#include <vector>

#include "notify/attempt.h"

namespace jit::notify {

class Exec final : public Attempt {
 public:
  static constexpr std::size_t kSaid = 400;  // bytes of its output that are told where it failed

  Exec(sd_event* event, const std::vector<std::string>& command, std::string input, std::uint32_t timeout_s, AttemptDone done);
  ~Exec() override;

 private:
  int spawn(const std::vector<std::string>& command);
  void feed();
  void listen();
  void ended();
  void finish(Attempted attempted);  // last: it may delete this
  void end_all();  // it, and what it left behind
  static int on_input(sd_event_source* source, int fd, std::uint32_t events, void* self);
  static int on_output(sd_event_source* source, int fd, std::uint32_t events, void* self);
  static int on_end(sd_event_source* source, int fd, std::uint32_t events, void* self);
  static int on_time(sd_event_source* source, std::uint64_t time, void* self);
  static int on_failed(sd_event_source* source, void* self);

  sd_event* event_;
  std::string input_, said_;
  std::size_t fed_ = 0;
  std::uint32_t timeout_s_;
  AttemptDone done_;
  pid_t pid_ = 0;  // 0: nothing runs
  int in_ = -1, out_ = -1, pidfd_ = -1;
  std::string failed_;
  sd_event_source *input_source_ = nullptr, *output_source_ = nullptr, *end_source_ = nullptr, *time_source_ = nullptr, *failed_source_ = nullptr;
};

}  // namespace jit::notify
