// SPDX-License-Identifier: Apache-2.0
// jit-relay: see relay.h. Everything of it comes from /etc/jit/relay.toml; it takes no argument.
#include <sys/prctl.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>

#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>

#include "evidence/at_exit.h"
#include "evidence/text.h"
#include "relay/credentials/jwt.h"
#include "relay/relay.h"

namespace {

constexpr char kFile[] = "/etc/jit/relay.toml";

int failed(const std::string& why) {
  std::fprintf(stderr, SD_ERR "%s\n", jit::evidence::escape(why).c_str());
  sd_notify(0, ("STATUS=" + jit::evidence::escape(why)).c_str());
  return 1;
}

int run() {
  std::string why;
  const auto text = jit::relay::read_small_file(kFile, why);
  if (!text) return failed(why);
  const auto settings = jit::relay::read_settings(*text, "", why);
  if (!settings) return failed(std::string(kFile) + ": " + why);
  if (settings->none) {
    sd_notify(0, "READY=1\nSTATUS=there is nothing to do");  // else an end would count as a failure
    std::fprintf(stderr, SD_NOTICE "transport = \"none\": there is nothing to do\n");
    return 0;
  }
  const auto credentials = jit::relay::read_small_file(settings->credentials, why);
  if (!credentials) return failed(why);
  const auto claims = jit::relay::read_credentials(*credentials);
  if (!claims || claims->name.size() != 32) return failed(settings->credentials + " holds no credentials of a host: jitctl relay issue-host makes some");
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
  if (code >= 0) {
    jit::relay::Relay relay(event, *settings, claims->name);
    code = relay.start();
    if (code >= 0) sd_notify(0, "READY=1");
    if (code >= 0) code = sd_event_loop(event);
  }
  sd_event_unref(event);
  return code < 0 ? failed("the system bus: " + std::string(std::strerror(-code))) : code;
}

}  // namespace

int main(int argc, char**) {
  if (argc != 1) return failed("jit-relay takes no argument: see jit-relay(8)");
  jit::evidence::keep_crypto_at_exit();
  std::signal(SIGPIPE, SIG_IGN);
  prctl(PR_SET_DUMPABLE, 0);  // it holds credentials
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  try {
    return run();
  } catch (const std::exception& error) {
    return failed(error.what());
  }
}
