// SPDX-License-Identifier: Apache-2.0
// One connection to the gate, or to what stands in for it: the calls of the module, without its signals and its person.
#pragma once

#include <string>
#include <string_view>

#include "bench/asker.h"
#include "pam_jit/context.h"
#include "pam_jit/gate.h"

namespace jit::bench {

struct Answer {
  std::string word, id, cause, text;
};

// What alice's `sudo COMMAND` would report. argv: words, each ended by a NUL.
pam::Context sudo_context(const User& user, std::string_view argv);

class Peer {
 public:
  // Every function ends the program where the other side does not answer as the contract says.
  void open(const char* path);
  void close() { bus_.reset(); }
  bool is_open() const { return bus_ != nullptr; }
  int fd() const { return sd_bus_get_fd(bus_.get()); }

  Answer submit(const pam::Context& context, const pam::Proof& proof);
  Answer bind(const char* service, const char* user, int pidfd);
  // Takes in what has come, without waiting. True once Decided was read; a hang-up before that gives the word "gone".
  bool decided(Answer& answer);

 private:
  pam::Message ask(sd_bus_message* call);
  bool wait();
  std::unique_ptr<sd_bus, pam::UnrefBus> bus_;
};

}  // namespace jit::bench
