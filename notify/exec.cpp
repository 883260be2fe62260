// SPDX-License-Identifier: Apache-2.0
#include "notify/exec.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

namespace jit::notify {
namespace {

struct Pipe {
  int ends[2] = {-1, -1};
  bool open() { return pipe2(ends, O_CLOEXEC) == 0; }
  int take(int which) {
    const int fd = ends[which];
    ends[which] = -1;
    return fd;
  }
  ~Pipe() {
    for (const int fd : ends) {
      if (fd >= 0) close(fd);
    }
  }
};

void quiet_close(int& fd) {
  if (fd >= 0) close(fd);
  fd = -1;
}

}  // namespace

Exec::Exec(sd_event* event, const std::vector<std::string>& command, std::string input, std::uint32_t timeout_s, AttemptDone done)
    : event_(event), input_(std::move(input)), timeout_s_(timeout_s), done_(std::move(done)) {
  int code = spawn(command);
  if (code >= 0) code = sd_event_add_io(event_, &input_source_, in_, EPOLLOUT, on_input, this);
  if (code >= 0) code = sd_event_add_io(event_, &output_source_, out_, EPOLLIN, on_output, this);
  if (code >= 0) code = sd_event_add_io(event_, &end_source_, pidfd_, EPOLLIN, on_end, this);
  if (code >= 0) code = sd_event_add_time_relative(event_, &time_source_, CLOCK_BOOTTIME, std::uint64_t{timeout_s} * 1'000'000, 100'000, on_time, this);
  if (code >= 0) return;
  // Told from the loop: whoever made this has no place for it yet.
  failed_ = command[0] + ": " + std::strerror(-code);
  if (sd_event_add_defer(event_, &failed_source_, on_failed, this) < 0) sd_event_exit(event_, -ENOMEM);
}

Exec::~Exec() {
  for (sd_event_source* const source : {input_source_, output_source_, end_source_, time_source_, failed_source_}) sd_event_source_disable_unref(source);
  end_all();
  quiet_close(in_);
  quiet_close(out_);
  quiet_close(pidfd_);
}

int Exec::spawn(const std::vector<std::string>& command) {
  Pipe input, output;
  if (!input.open() || !output.open()) return -errno;
  std::vector<char*> argv;
  std::vector<std::string> words = command;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  std::array<std::string, 3> settings{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", "HOME=/"};
  char* const environment[] = {settings[0].data(), settings[1].data(), settings[2].data(), nullptr};

  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_adddup2(&actions, input.ends[0], 0);
  posix_spawn_file_actions_adddup2(&actions, output.ends[1], 1);
  posix_spawn_file_actions_adddup2(&actions, output.ends[1], 2);
  posix_spawn_file_actions_addchdir_np(&actions, "/");
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  // A session of its own: all that it starts is ended with it.
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  pid_t pid = 0;
  const int failed = posix_spawn(&pid, argv[0], &actions, &attributes, argv.data(), environment);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) return -failed;
  pid_ = pid;
  // It was not waited for yet, so the number is still its own.
  pidfd_ = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  if (pidfd_ < 0) return -errno;
  in_ = input.take(1);
  out_ = output.take(0);
  if (fcntl(in_, F_SETFL, O_NONBLOCK) != 0 || fcntl(out_, F_SETFL, O_NONBLOCK) != 0) return -errno;
  return 0;
}

// While nobody has waited for it, the number of its group cannot be another one's.
void Exec::end_all() {
  if (pid_ == 0) return;
  kill(-pid_, SIGKILL);
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = 0;
}

void Exec::feed() {
  while (fed_ < input_.size()) {
    const ssize_t written = write(in_, input_.data() + fed_, input_.size() - fed_);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && errno == EAGAIN) return;
    // One that does not read it all says by its exit status whether that matters.
    if (written < 0) break;
    fed_ += static_cast<std::size_t>(written);
  }
  input_source_ = sd_event_source_disable_unref(input_source_);
  quiet_close(in_);
}

// All of it is read, so that nobody waits for us, and the beginning is kept.
void Exec::listen() {
  std::array<char, 4096> some{};
  for (int times = 0; times < 16; ++times) {
    const ssize_t got = read(out_, some.data(), some.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) {
      output_source_ = sd_event_source_disable_unref(output_source_);
      return;
    }
    said_.append(some.data(), std::min(static_cast<std::size_t>(got), kSaid - std::min(said_.size(), kSaid)));
  }
}

void Exec::ended() {
  siginfo_t how{};
  if (waitid(P_PIDFD, static_cast<id_t>(pidfd_), &how, WEXITED | WNOHANG | WNOWAIT) != 0 || how.si_pid == 0) return;
  end_all();
  listen();
  while (!said_.empty() && (said_.back() == '\n' || said_.back() == ' ')) said_.pop_back();
  const std::string said = said_.empty() ? std::string() : ": " + said_;
  if (how.si_code != CLD_EXITED) return finish({false, "it was ended by signal " + std::to_string(how.si_status) + said, 0});
  if (how.si_status != 0) return finish({false, "it ended with " + std::to_string(how.si_status) + said, 0});
  finish({true, {}, 0});
}

void Exec::finish(Attempted attempted) {
  const AttemptDone done = std::move(done_);
  done_ = nullptr;
  if (done) done(attempted);
}

int Exec::on_input(sd_event_source*, int, std::uint32_t, void* self) {
  static_cast<Exec*>(self)->feed();
  return 0;
}

int Exec::on_output(sd_event_source*, int, std::uint32_t, void* self) {
  static_cast<Exec*>(self)->listen();
  return 0;
}

int Exec::on_end(sd_event_source*, int, std::uint32_t, void* self) {
  static_cast<Exec*>(self)->ended();
  return 0;
}

int Exec::on_time(sd_event_source*, std::uint64_t, void* self) {
  auto* const exec = static_cast<Exec*>(self);
  exec->finish({false, "it did not end within " + std::to_string(exec->timeout_s_) + " s", 0});
  return 0;
}

int Exec::on_failed(sd_event_source*, void* self) {
  auto* const exec = static_cast<Exec*>(self);
  exec->finish({false, exec->failed_, 0});
  return 0;
}

}  // namespace jit::notify
