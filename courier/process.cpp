// SPDX-License-Identifier: Apache-2.0
#include "courier/process.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>

#include <csignal>
#include <cstdio>
#include <cstring>

#include "evidence/text.h"

namespace jit::courier {

void log(const char* level, const std::string& text) { std::fprintf(stderr, "%s%s\n", level, evidence::escape(text).c_str()); }

int failed(const std::string& why) {
  log(SD_ERR, why);
  sd_notify(0, ("STATUS=" + evidence::escape(why)).c_str());
  return 1;
}

bool standard_files_open() { return fcntl(0, F_GETFD) >= 0 && fcntl(1, F_GETFD) >= 0 && fcntl(2, F_GETFD) >= 0; }

void keep_to_itself() {
  std::signal(SIGPIPE, SIG_IGN);
  prctl(PR_SET_DUMPABLE, 0);
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
}

int run(const std::function<std::pair<int, std::shared_ptr<void>>(sd_event*)>& start) {
  sd_event* event = nullptr;
  int code = sd_event_default(&event);
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTERM);
  sigaddset(&stop, SIGINT);
  sigprocmask(SIG_BLOCK, &stop, nullptr);
  for (const int number : {SIGTERM, SIGINT}) {
    if (code >= 0) code = sd_event_add_signal(event, nullptr, number, nullptr, nullptr);
  }
  // Where the unit wants it.
  if (code >= 0) code = sd_event_set_watchdog(event, 1);
  if (code >= 0) {
    const auto [started, alive] = start(event);
    code = started;
    if (code >= 0) sd_notify(0, "READY=1");
    if (code >= 0) code = sd_event_loop(event);
  }
  sd_event_unref(event);
  return code < 0 ? failed("the system bus: " + std::string(std::strerror(-code))) : code;
}

}  // namespace jit::courier
