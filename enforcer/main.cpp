// SPDX-License-Identifier: Apache-2.0
// jit-enforcer: root, started by its socket, gone when nothing is held. It decides nothing.
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>

#include "enforcer/server.h"

namespace {

using namespace jit::enforcer;

constexpr char kFolder[] = "/run/jit-enforcer";
constexpr std::uint64_t kIdleUs = 30'000'000;

int listening_socket() {
  char** names = nullptr;
  const int count = sd_listen_fds_with_names(1, &names);
  int found = -1;
  for (int i = 0; i < count; ++i) {
    const int fd = SD_LISTEN_FDS_START + i;
    if (std::strcmp(names[i], "enforcer") == 0 && sd_is_socket_unix(fd, SOCK_STREAM, 1, nullptr, 0) > 0) found = fd;
    std::free(names[i]);
  }
  std::free(names);
  return found;
}

struct Idle {
  sd_event* loop;
  const Keeper* keeper;
  const Server* server;
};

// Whoever comes meanwhile starts it again: the socket is systemd's.
int on_idle(sd_event_source* source, std::uint64_t, void* data) {
  const auto& idle = *static_cast<const Idle*>(data);
  if (idle.keeper->is_idle() && idle.server->is_idle()) return sd_event_exit(idle.loop, 0);
  sd_event_source_set_time_relative(source, kIdleUs);
  return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

int fail(const char* what) {
  std::fprintf(stderr, "jit-enforcer: %s\n", what);
  return 1;
}

int serve() {
  const int fd = listening_socket();
  if (fd < 0) return fail("no socket; it is started by jit-enforcer.socket");
  const passwd* broker = ::getpwnam("_jit");
  if (broker == nullptr || broker->pw_uid == 0) return fail("there is no user _jit");
  if (::mkdir(kFolder, 0700) != 0 && errno != EEXIST) return fail("its folder cannot be made");
  sd_event* loop = nullptr;
  if (sd_event_new(&loop) < 0) return fail("no event loop");
  const std::unique_ptr<sd_event, sd_event* (*)(sd_event*)> holder(loop, sd_event_unref);
  sigset_t mask;
  sigemptyset(&mask);
  sigaddset(&mask, SIGTERM);
  sigaddset(&mask, SIGINT);
  ::pthread_sigmask(SIG_BLOCK, &mask, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGHUP, SIG_IGN);
  if (sd_event_add_signal(loop, nullptr, SIGTERM, nullptr, nullptr) < 0 || sd_event_add_signal(loop, nullptr, SIGINT, nullptr, nullptr) < 0 ||
      sd_event_set_watchdog(loop, 1) < 0) {
    return fail("no signals");
  }
  Server server(loop, fd, broker->pw_uid);
  Keeper keeper(loop, kFolder, [&server](const Report& report) { server.tell(report); });
  if (!keeper.start() || !server.serve(keeper)) return fail("it cannot begin");
  Idle idle{loop, &keeper, &server};
  sd_event_source* timer = nullptr;
  if (sd_event_add_time_relative(loop, &timer, CLOCK_MONOTONIC, kIdleUs, 1'000'000, on_idle, &idle) < 0) return fail("no timer");
  const SourcePtr held(timer);
  sd_notify(0, "READY=1");
  return sd_event_loop(loop) < 0 ? 1 : 0;
}

}  // namespace

int main() {
  if (::fcntl(0, F_GETFD) < 0 || ::fcntl(1, F_GETFD) < 0 || ::fcntl(2, F_GETFD) < 0) return 1;
  if (::geteuid() != 0) return fail("it runs as root");
  ::umask(077);
  try {
    return serve();
  } catch (const std::exception& error) {
    return fail(error.what());
  }
}
