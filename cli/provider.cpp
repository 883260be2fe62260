// SPDX-License-Identifier: Apache-2.0
#include "cli/provider.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <vector>

namespace jit::cli {

namespace {

std::int64_t now_ms() {
  timespec ts{};
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return std::int64_t{ts.tv_sec} * 1000 + ts.tv_nsec / 1'000'000;
}

class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  ~Fd() { reset(); }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  int get() const { return fd_; }
  void reset() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
  }

 private:
  int fd_;
};

// In the child: only what is safe between fork and exec.
[[noreturn]] void become(char* const* argv, char* const* env, int out) {
  setpgid(0, 0);
  const int empty = open("/dev/null", O_RDONLY);
  if (empty < 0 || dup2(empty, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0) _exit(127);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  signal(SIGPIPE, SIG_DFL);
  execve(argv[0], argv, env);
  _exit(127);
}

// Until `fd` can be read; false: the time is over.
bool ready(int fd, std::int64_t deadline) {
  for (;;) {
    const std::int64_t left = deadline - now_ms();
    if (left <= 0) return false;
    pollfd one{fd, POLLIN, 0};
    const int got = poll(&one, 1, static_cast<int>(std::min<std::int64_t>(left, 600'000)));
    if (got > 0) return true;
    if (got < 0 && errno != EINTR) return false;
  }
}

Failure failed(std::string why) { return {Exit::kNo, "the provider " + std::move(why) + ", so its fact is not set"}; }

}  // namespace

Result<std::string> run_provider(std::span<const std::string> command, std::int64_t timeout_ms) {
  std::vector<char*> argv;
  for (const std::string& word : command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  std::array<std::string, 2> names{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8"};
  std::array<char*, 3> env{names[0].data(), names[1].data(), nullptr};
  int ends[2] = {-1, -1};
  if (pipe2(ends, O_CLOEXEC) != 0) return failed(std::string("cannot be started: ") + std::strerror(errno));
  const Fd in(ends[0]);
  Fd out(ends[1]);
  const pid_t pid = fork();
  if (pid < 0) return failed(std::string("cannot be started: ") + std::strerror(errno));
  if (pid == 0) become(argv.data(), env.data(), out.get());
  setpgid(pid, pid);  // on both sides: whichever runs first
  out.reset();
  const Fd process(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  const std::int64_t deadline = now_ms() + timeout_ms;

  std::string text;
  std::string why;
  while (why.empty()) {
    if (!ready(in.get(), deadline)) {
      why = "took too long";
      break;
    }
    std::array<char, 1024> chunk{};
    const ssize_t got = read(in.get(), chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    text.append(chunk.data(), static_cast<std::size_t>(got));
    if (text.size() > kOutputMax) why = "printed more than " + std::to_string(kOutputMax) + " bytes";
  }
  if (why.empty() && !ready(process.get(), deadline)) why = "took too long";
  // What it left behind goes too: nothing of a provider outlives its run.
  kill(-pid, SIGKILL);
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (why.empty() && !(WIFEXITED(status) && WEXITSTATUS(status) == 0)) {
    why = WIFEXITED(status) ? "failed with exit code " + std::to_string(WEXITSTATUS(status)) : std::string("was ended by a signal");
  }
  if (!why.empty()) return failed(why);
  if (text.ends_with('\n')) text.pop_back();
  if (text.find('\n') != std::string::npos) return failed("printed more than one line");
  return text;
}

}  // namespace jit::cli
