// SPDX-License-Identifier: Apache-2.0
#include "cli/agent.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>

namespace jit::cli {

namespace {

constexpr char kAgent[] = "/usr/bin/pkttyagent";
constexpr int kReadyMs = 5000;
constexpr int kNotifyFd = 3;  // in the agent

// Without --fallback: polkit takes such an agent only where logind knows the session, and the password belongs to this
// terminal. Nothing of the environment: what it shows and asks is its own. Nor signals that we hold back: it must end when told.
pid_t spawn(int notify) {
  posix_spawn_file_actions_t actions;
  if (posix_spawn_file_actions_init(&actions) != 0) return -1;
  posix_spawn_file_actions_adddup2(&actions, notify, kNotifyFd);
  std::string program = kAgent, process = "--process", pid = std::to_string(getpid()), fd = "--notify-fd", number = std::to_string(kNotifyFd),
              path = "PATH=/usr/bin:/bin";
  std::array<char*, 6> argv{program.data(), process.data(), pid.data(), fd.data(), number.data(), nullptr};
  std::array<char*, 2> env{path.data(), nullptr};
  pid_t child = -1;
  posix_spawnattr_t how;
  if (posix_spawnattr_init(&how) == 0) {
    sigset_t none;
    sigemptyset(&none);
    const bool set = posix_spawnattr_setsigmask(&how, &none) == 0 && posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGMASK) == 0;
    if (!set || posix_spawn(&child, kAgent, &actions, &how, argv.data(), env.data()) != 0) child = -1;
    posix_spawnattr_destroy(&how);
  }
  posix_spawn_file_actions_destroy(&actions);
  return child;
}

}  // namespace

PasswordAgent::PasswordAgent() {
  if (geteuid() == 0 || isatty(STDIN_FILENO) == 0 || isatty(STDERR_FILENO) == 0 || access(kAgent, X_OK) != 0) return;
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return;
  // dup2 onto itself would keep the flag that closes it.
  const int notify = ends[1] == kNotifyFd ? fcntl(ends[1], F_DUPFD_CLOEXEC, kNotifyFd + 1) : ends[1];
  if (notify >= 0) pid_ = spawn(notify);
  if (notify >= 0 && notify != ends[1]) close(notify);
  close(ends[1]);
  // It closes its end when it is registered, or dies.
  pollfd end{ends[0], 0, 0};
  while (pid_ > 0 && poll(&end, 1, kReadyMs) < 0 && errno == EINTR) {
  }
  close(ends[0]);
}

PasswordAgent::~PasswordAgent() {
  if (pid_ <= 0) return;
  // It may stand stopped by the terminal: as systemctl ends its own.
  kill(pid_, SIGTERM);
  kill(pid_, SIGCONT);
  while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace jit::cli
