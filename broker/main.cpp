// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <exception>
#include <vector>

#include "broker/broker.h"

namespace {

constexpr int kUsage = 2;

bool stdio_is_open() {
  for (int fd = 0; fd < 3; ++fd) {
    if (::fcntl(fd, F_GETFD) < 0) return false;
  }
  return true;
}

int say(const char* text) {
  std::fprintf(stderr, "jit-broker: %s\n", text);
  return kUsage;
}

// Whoever owns this uid decides, so it runs as nobody else, and nothing of root's is left to go back to: a launcher whose
// setuid or setgroups failed unseen is refused here (CVE-2026-35535).
bool runs_as_jit() {
  const passwd* own = ::getpwnam("_jit");
  if (own == nullptr || own->pw_uid == 0 || own->pw_gid == 0) return false;
  uid_t real = 0, effective = 0, saved = 0;
  if (::getresuid(&real, &effective, &saved) != 0) return false;
  if (real != own->pw_uid || effective != own->pw_uid || saved != own->pw_uid) return false;
  gid_t real_group = 0, effective_group = 0, saved_group = 0;
  if (::getresgid(&real_group, &effective_group, &saved_group) != 0) return false;
  if (real_group != own->pw_gid || effective_group != own->pw_gid || saved_group != own->pw_gid) return false;
  const int count = ::getgroups(0, nullptr);
  if (count < 0) return false;
  std::vector<gid_t> groups(static_cast<std::size_t>(count));
  if (::getgroups(count, groups.data()) != count) return false;
  std::vector<gid_t> own_groups(64);
  int own_count = static_cast<int>(own_groups.size());
  if (::getgrouplist("_jit", own->pw_gid, own_groups.data(), &own_count) < 0) return false;
  own_groups.resize(static_cast<std::size_t>(own_count));
  return std::ranges::all_of(groups, [&](gid_t group) { return group != 0 && std::ranges::count(own_groups, group) > 0; });
}

// It holds the host's key: nothing of its memory is for a file, or for anybody who looks through /proc or ptrace.
bool keeps_its_memory() {
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return false;
  rlimit core{};
  if (::getrlimit(RLIMIT_CORE, &core) != 0) return false;
  if (core.rlim_cur == 0 && core.rlim_max == 0) return true;  // as the unit has it, which allows no change of limits
  core = {0, 0};
  return ::setrlimit(RLIMIT_CORE, &core) == 0;
}

// The gate's listening socket, from systemd (or a launcher that hands it over in the same way).
int gate_socket() {
  char** names = nullptr;
  const int count = sd_listen_fds_with_names(1, &names);
  int found = -1;
  for (int i = 0; i < count; ++i) {
    if (std::strcmp(names[i], "gate") == 0 && sd_is_socket_unix(SD_LISTEN_FDS_START + i, SOCK_STREAM, 1, nullptr, 0) > 0) {
      found = SD_LISTEN_FDS_START + i;
    }
    std::free(names[i]);
  }
  std::free(names);
  return found;
}

int on_signal(sd_event_source*, const signalfd_siginfo* info, void* data) {
  auto* self = static_cast<std::pair<jit::broker::Loop*, jit::broker::Broker*>*>(data);
  if (info->ssi_signo == SIGHUP) {
    self->second->reload();
  } else {
    sd_notify(0, "STOPPING=1");
    self->first->exit(0);
  }
  return 0;
}

int serve() {
  const int gate = gate_socket();
  if (gate < 0) return say("no gate socket was handed over; start it with: systemctl start jit-broker.socket jit-broker");
  const std::string boot = jit::broker::boot_id();
  if (boot.empty()) return say("the kernel's boot id cannot be read");
  auto loop = jit::broker::Loop::open();
  if (!loop) return say("no event loop: out of descriptors or memory");
  jit::broker::Broker broker(*loop, gate, boot);
  std::pair<jit::broker::Loop*, jit::broker::Broker*> both{loop.get(), &broker};
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) {
    if (sd_event_add_signal(loop->event(), nullptr, signal, on_signal, &both) < 0) return say("signals cannot be watched");
  }
  sd_event_set_watchdog(loop->event(), true);
  broker.start();
  sd_notify(0, "READY=1");
  return loop->run();
}

}  // namespace

int main(int argc, char** argv) {
  if (!stdio_is_open() || argc < 1) return kUsage;
  if (argc == 2 && std::strcmp(argv[1], "--version") == 0) {
    std::puts("jit-broker " JIT_VERSION);
    return 0;
  }
  if (argc != 1) return say("takes no arguments; it is started by systemd as user _jit");
  if (!runs_as_jit()) return say("runs as user _jit only, with its group and no other identity; it is started by systemd");
  if (!keeps_its_memory()) return say("its memory could be written to a file; start it with LimitCORE=0");
  ::umask(077);
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
  }
  // The signals go to the event loop alone; threads made later inherit the mask.
  sigset_t mask;
  sigemptyset(&mask);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&mask, signal);
  ::pthread_sigmask(SIG_BLOCK, &mask, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  try {
    return serve();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "jit-broker: ends: %s\n", error.what());
    return 1;
  }
}
