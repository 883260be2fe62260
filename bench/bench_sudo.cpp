// SPDX-License-Identifier: Apache-2.0
// bench_sudo COUNT USER USER...: `sudo -n true` by each of these users in turn. Prints a list of times for each, in their order.
// Each user has a process of his own, which waits for its turn: only sudo itself is timed.
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <deque>

#include "bench/asker.h"

namespace {

using namespace jit;

constexpr std::size_t kWarmUp = 20;

class Turn {
 public:
  explicit Turn(const char* name) : name_(name) {
    int go[2], done[2];
    if (pipe(go) != 0 || pipe(done) != 0) bench::fail("no pipe");
    const bench::User user = bench::user_of(name);
    const pid_t child = fork();
    if (child < 0) bench::fail("no process");
    if (child == 0) {
      setsid();
      bench::become(user);
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (chdir("/") != 0) _exit(1);
      ::close(go[1]);
      serve(go[0], done[1]);
    }
    go_ = go[1];
    done_ = done[0];
    ::close(go[0]);
    ::close(done[1]);
  }

  bench::Ns take() {
    const char byte = 0;
    bench::Ns time = 0;
    if (write(go_, &byte, 1) != 1 || read(done_, &time, sizeof time) != sizeof time) bench::fail("%s's process ended", name_);
    if (time < 0) bench::fail("sudo of %s failed with %d", name_, static_cast<int>(-time));
    return time;
  }

 private:
  [[noreturn]] static void serve(int go, int done) {
    char program[] = "/usr/bin/sudo", word[] = "sudo", flag[] = "-n", command[] = "true", path[] = "PATH=/usr/bin:/bin";
    char* const argv[] = {word, flag, command, nullptr};
    char* const environment[] = {path, nullptr};
    char byte = 0;
    while (read(go, &byte, 1) == 1) {
      const bench::Ns begin = bench::now_ns();
      pid_t pid = 0;
      int status = 0;
      if (posix_spawn(&pid, program, nullptr, nullptr, argv, environment) != 0 || waitpid(pid, &status, 0) != pid) _exit(1);
      bench::Ns time = bench::now_ns() - begin;
      if (status != 0) time = -(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
      if (write(done, &time, sizeof time) != sizeof time) _exit(1);
    }
    _exit(0);
  }

  const char* name_;
  int go_ = -1, done_ = -1;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) bench::fail("COUNT USER...");
  const std::size_t count = bench::number(argv[1]);
  std::deque<Turn> users;
  for (int i = 2; i < argc; ++i) users.emplace_back(argv[i]);
  std::vector<std::vector<bench::Ns>> times(users.size());
  for (std::size_t i = 0; i < count + kWarmUp; ++i) {
    for (std::size_t u = 0; u < users.size(); ++u) {
      const bench::Ns time = users[u].take();
      if (i >= kWarmUp) times[u].push_back(time);
    }
  }
  for (std::size_t u = 0; u < users.size(); ++u) std::printf("%s%s", u == 0 ? "[" : ", ", bench::list_of(times[u]).c_str());
  std::puts("]");
  return 0;
}
