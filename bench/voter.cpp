// SPDX-License-Identifier: Apache-2.0
#include "bench/voter.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include <array>
#include <csignal>

namespace jit::bench {
namespace {

constexpr std::size_t kId = 32;

[[noreturn]] void vote(const User& user, int ask, int answer) {
  become(user);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  sd_bus* bus = nullptr;
  if (const int r = sd_bus_open_system(&bus); r < 0) fail("no system bus: error %d", -r);
  std::array<char, kId + 1> id{};
  while (read(ask, id.data(), kId) == kId) {
    sd_bus_error error{};
    Voter::Times times;
    times.sent = now_ns();
    const int r = sd_bus_call_method(bus, "org.pamjit.Broker1", "/org/pamjit/Broker1", "org.pamjit.Broker1.Requests", "Vote",
                                     &error, nullptr, "sba{sv}", id.data(), 1, 0);
    times.answered = now_ns();
    if (r < 0) fail("the vote for %s was refused: %s: %s", id.data(), error.name, error.message);
    if (write(answer, &times, sizeof times) != sizeof times) break;
  }
  _exit(0);
}

}  // namespace

Voter::Voter(const char* name) {
  int ask[2], answer[2];
  if (pipe2(ask, O_CLOEXEC) != 0 || pipe2(answer, O_CLOEXEC) != 0) fail("no pipe");
  const User user = user_of(name);
  const pid_t pid = fork();
  if (pid < 0) fail("no process");
  if (pid == 0) {
    ::close(ask[1]);
    ::close(answer[0]);
    vote(user, ask[0], answer[1]);
  }
  ::close(ask[0]);
  ::close(answer[1]);
  ask_ = ask[1];
  answer_ = answer[0];
}

void Voter::approve(const std::string& request) {
  if (request.size() != kId || write(ask_, request.data(), kId) != kId) fail("the approver's process ended");
}

Voter::Times Voter::done() {
  Times times;
  if (read(answer_, &times, sizeof times) != sizeof times) fail("the approver's process ended");
  return times;
}

}  // namespace jit::bench
