// SPDX-License-Identifier: Apache-2.0
#include "cli/run_tool.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "cli/client.h"

namespace jit::cli {

namespace {

constexpr std::size_t kPrintedMost = 1024UL * 1024;
constexpr std::int64_t kMinute = 60'000;

struct Pipe {
  int read = -1, write = -1;
  Pipe() {
    int ends[2] = {-1, -1};
    if (pipe2(ends, O_CLOEXEC) == 0) read = ends[0], write = ends[1];
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() { shut(read), shut(write); }
  static void shut(int& fd) {
    if (fd >= 0) close(fd);
    fd = -1;
  }
};

// One round; false: this end has come.
bool take(int fd, std::string& text) {
  std::array<char, 4096> chunk{};
  const ssize_t got = read(fd, chunk.data(), chunk.size());
  if (got < 0 && errno == EINTR) return true;
  if (got <= 0) return false;
  if (text.size() < kPrintedMost) text.append(chunk.data(), static_cast<std::size_t>(got));
  return true;
}

}  // namespace

std::optional<ToolDone> run_tool(const std::vector<std::string>& words) {
  std::vector<char*> argv;
  for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  std::array<std::string, 2> names{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"};
  std::array<char*, 3> env{names[0].data(), names[1].data(), nullptr};
  Pipe out, error;
  posix_spawn_file_actions_t actions;
  if (out.read < 0 || error.read < 0 || posix_spawn_file_actions_init(&actions) != 0) return std::nullopt;
  pid_t child = -1;
  const bool started = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0) == 0 &&
                       posix_spawn_file_actions_adddup2(&actions, out.write, STDOUT_FILENO) == 0 &&
                       posix_spawn_file_actions_adddup2(&actions, error.write, STDERR_FILENO) == 0 &&
                       posix_spawn(&child, argv[0], &actions, nullptr, argv.data(), env.data()) == 0;
  posix_spawn_file_actions_destroy(&actions);
  if (!started) return std::nullopt;
  Pipe::shut(out.write);
  Pipe::shut(error.write);
  ToolDone done;
  const std::int64_t until = monotonic_ms() + kMinute;
  while (out.read >= 0 || error.read >= 0) {
    std::array<pollfd, 2> both{pollfd{out.read, POLLIN, 0}, pollfd{error.read, POLLIN, 0}};
    const std::int64_t left = until - monotonic_ms();
    if (left <= 0) break;
    if (poll(both.data(), both.size(), static_cast<int>(left)) < 0 && errno != EINTR) break;
    if (both[0].revents != 0 && !take(out.read, done.out)) Pipe::shut(out.read);
    if (both[1].revents != 0 && !take(error.read, done.error)) Pipe::shut(error.read);
  }
  const bool late = monotonic_ms() >= until;
  if (late) kill(child, SIGKILL);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (late) return std::nullopt;
  done.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  done.error = done.error.substr(0, done.error.find('\n'));
  return done;
}

}  // namespace jit::cli
