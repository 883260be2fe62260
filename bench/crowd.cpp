// SPDX-License-Identifier: Apache-2.0
#include "bench/crowd.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <deque>

#include "bench/peer.h"

namespace jit::bench {
namespace {

constexpr std::size_t kAtOnce = 64;  // connections that are being made; the rest waits its turn

static_assert(sizeof(Report) < PIPE_BUF);

void tell(int pipe, Report::Kind kind, Ns when, const std::string& request, const std::string& text) {
  Report report;
  report.kind = kind;
  report.when = when;
  std::snprintf(report.request, sizeof report.request, "%s", request.c_str());
  std::snprintf(report.text, sizeof report.text, "%s", text.c_str());
  if (write(pipe, &report, sizeof report) != sizeof report) _exit(1);
}

// One process: submits, then waits for each to be decided.
[[noreturn]] void wait_at_gate(const User& user, std::size_t first, std::size_t each, int pipe) {
  become_asker(user);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  pam::Proof proof;
  if (!proof.take()) fail("no descriptor of this process");
  std::deque<Peer> peers(each);
  std::vector<std::string> requests;
  for (std::size_t i = 0; i < each; ++i) {
    const std::string argv = std::string("sudo\0true\0", 10) + std::to_string(first + i) + '\0';
    peers[i].open(pam::kGate.socket.data());
    const Answer answer = peers[i].submit(sudo_context(user, argv), proof);
    requests.push_back(answer.id);
    tell(pipe, answer.word == "pending" ? Report::kPending : Report::kFailed, now_ns(), answer.id,
         user.name + ": " + answer.word + " " + answer.cause + " " + answer.text);
  }
  std::vector<pollfd> items;
  for (const Peer& peer : peers) items.push_back({peer.fd(), POLLIN, 0});
  for (std::size_t left = each; left > 0;) {
    if (poll(items.data(), items.size(), -1) < 0) _exit(1);
    for (std::size_t i = 0; i < each; ++i) {
      Answer answer;
      if (items[i].fd < 0 || items[i].revents == 0 || !peers[i].decided(answer)) continue;
      const Ns when = now_ns();
      tell(pipe, answer.word == "allow" ? Report::kDecided : Report::kFailed, when, requests[i],
           user.name + ": " + answer.word + " " + answer.cause + " " + answer.text);
      peers[i].close();
      items[i].fd = -1;
      --left;
    }
  }
  _exit(0);
}

}  // namespace

Crowd::Crowd() {
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) != 0) fail("no pipe");
  read_ = fds[0];
  write_ = fds[1];
  std::signal(SIGCHLD, SIG_IGN);  // they end when they want
}

void Crowd::start(const User& user, std::size_t each) {
  std::fflush(nullptr);
  const pid_t pid = fork();
  if (pid < 0) fail("no process");
  if (pid == 0) wait_at_gate(user, commands_, each, write_);
  commands_ += each;
}

Report Crowd::next(int timeout_ms) {
  pollfd item{read_, POLLIN, 0};
  Report report;
  if (poll(&item, 1, timeout_ms) <= 0) fail("no process of the crowd said anything within %d ms", timeout_ms);
  if (read(read_, &report, sizeof report) != sizeof report) fail("a report was cut");
  if (report.kind == Report::kFailed) fail("a paused program got another answer: %s", report.text);
  return report;
}

std::vector<std::string> Crowd::pause(uid_t first, std::size_t users, std::size_t processes, std::size_t each) {
  std::vector<std::string> requests;
  const std::size_t all = users * processes;
  for (std::size_t started = 0; requests.size() < all * each;) {
    while (started < all && started * each < requests.size() + std::max(kAtOnce, each)) {
      const uid_t uid = first + static_cast<uid_t>(started / processes);
      start({"b" + std::to_string(uid), uid, user_of(("b" + std::to_string(uid)).c_str()).gid}, each);
      ++started;
    }
    const Report report = next(60'000);
    if (report.kind != Report::kPending) fail("decided before anybody voted: %s", report.text);
    requests.emplace_back(report.request);
  }
  return requests;
}

Report Crowd::decided() {
  const Report report = next(10'000);
  if (report.kind != Report::kDecided) fail("no decision but: %s", report.text);
  return report;
}

void Crowd::check() {
  pollfd item{read_, POLLIN, 0};
  while (poll(&item, 1, 0) > 0) fail("a paused program did not wait: %s", next(0).text);
}

}  // namespace jit::bench
