// SPDX-License-Identifier: Apache-2.0
#include "tests/gate/bed.h"

#include <dirent.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

#include "tests/gate/fake_directory.h"

namespace jit::test {

Bed::Bed(gate::Options options) {
  Notes::get().reset();
  Users::get().reset();
  char name[] = "/tmp/gate-test-XXXXXX";
  if (mkdtemp(name) == nullptr) throw std::runtime_error("no folder");
  folder_ = name;
  chmod(name, 0755);  // for peers that are not root
  path_ = folder_ + "/gate";
  wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  thread_ = std::thread([this, options] { serve(options); });
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return ready_; });
}

Bed::~Bed() {
  run([this](gate::Server&) { stop_ = true; });
  thread_.join();
  close(wake_);
  unlink(path_.c_str());
  rmdir(folder_.c_str());
  Notes::get().reset();
}

void Bed::serve(gate::Options options) {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, nullptr);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path_.c_str(), sizeof address.sun_path - 1);
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) < 0 || listen(fd, 4096) < 0) std::abort();
  chmod(path_.c_str(), 0666);
  sd_event* loop = nullptr;
  if (sd_event_new(&loop) < 0) std::abort();
  {
    directory::Directory directory([](std::function<void()>) {});
    gate::Server server(loop, fd, directory, options);
    core::Core core = make_core();
    server.serve(core);
    const auto on_wake = [](sd_event_source*, int wake, uint32_t, void* data) {
      auto* bed = static_cast<Bed*>(data);
      eventfd_t count = 0;
      eventfd_read(wake, &count);
      for (;;) {
        std::unique_lock lock(bed->mutex_);
        if (bed->work_.empty()) return 0;
        const auto work = std::move(bed->work_.front());
        bed->work_.pop_front();
        lock.unlock();
        work();
      }
    };
    sd_event_add_io(loop, nullptr, wake_, EPOLLIN, on_wake, this);
    {
      const std::lock_guard lock(mutex_);
      server_ = &server;
      ready_ = true;
      changed_.notify_all();
    }
    while (!stop_) {
      if (sd_event_run(loop, UINT64_MAX) < 0) std::abort();
    }
  }
  sd_event_unref(loop);
}

void Bed::run(const std::function<void(gate::Server&)>& work) {
  bool done = false;
  std::unique_lock lock(mutex_);
  work_.push_back([&] {
    work(*server_);
    const std::lock_guard inner(mutex_);
    done = true;
    changed_.notify_all();
  });
  eventfd_write(wake_, 1);
  changed_.wait(lock, [&] { return done; });
}

void Bed::answer_all(core::Answer answer) {
  notes().on_each([this, answer](const Told& told) {
    if (told.what == "submit" || told.what == "resume") server_->answer(told.conn, answer);
    if (told.what == "bind") server_->bound(told.conn, {answer.verdict == core::Verdict::kAllow, answer.cause, {}, 0, 0});
  });
}

core::Answer pending() {
  core::Answer out;
  out.verdict = core::Verdict::kPending;
  out.cause = "approval-needed";
  out.id.bytes.fill(0xab);
  out.secret = "00112233445566778899aabbccddeeff";
  out.text = {"pam_jit: waiting for bob"};
  out.deadline_s = 600;
  return out;
}

core::Answer answer(core::Verdict verdict, std::string cause) {
  core::Answer out;
  out.verdict = verdict;
  out.cause = std::move(cause);
  return out;
}

pid_t start_child(const std::function<int()>& body) {
  const pid_t child = fork();
  if (child == 0) {
    int status = 99;
    try {
      status = body();
    } catch (const std::exception& error) {
      std::fprintf(stderr, "child: %s\n", error.what());
    }
    _exit(status);
  }
  return child;
}

int wait_for_child(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int in_child(const std::function<int()>& body) { return wait_for_child(start_child(body)); }

std::size_t open_descriptors() {
  DIR* folder = opendir("/proc/self/fd");
  std::size_t count = 0;
  while (readdir(folder) != nullptr) ++count;
  closedir(folder);
  return count - 3;  // ".", "..", and the folder itself
}

}  // namespace jit::test
