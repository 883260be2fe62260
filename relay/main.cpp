// SPDX-License-Identifier: Apache-2.0
// jit-relay: see relay.h. Everything of it comes from /etc/jit/relay.toml; it takes no argument.
#include <systemd/sd-daemon.h>

#include <cstdio>
#include <exception>
#include <memory>

#include "courier/process.h"
#include "courier/refusal.h"
#include "evidence/at_exit.h"
#include "relay/credentials/jwt.h"
#include "relay/relay.h"

namespace {

using jit::courier::failed;
using jit::courier::refused;

constexpr char kFile[] = "/etc/jit/relay.toml";

int run() {
  std::string why;
  const auto text = jit::relay::read_small_file(kFile, why);
  if (!text) return refused(why);
  const auto settings = jit::relay::read_settings(*text, "", why);
  if (!settings) return refused(std::string(kFile) + ": " + why);
  if (settings->none) {
    sd_notify(0, "READY=1\nSTATUS=there is nothing to do");  // else an end would count as a failure
    std::fprintf(stderr, SD_NOTICE "transport = \"none\": there is nothing to do\n");
    return 0;
  }
  const auto credentials = jit::relay::read_small_file(settings->credentials, why);
  if (!credentials) return refused(why);
  const auto claims = jit::relay::read_credentials(*credentials);
  if (!claims || claims->name.size() != 32) return refused(settings->credentials + " holds no credentials of a host: jitctl relay issue-host makes some");
  if (const std::string told = jit::relay::told_to_others(settings->credentials, true); !told.empty()) jit::courier::log(SD_WARNING, told);
  return jit::courier::run([&](sd_event* event) {
    auto relay = std::make_shared<jit::relay::Relay>(event, *settings, claims->name);
    const int code = relay->start();
    return std::pair(code, std::shared_ptr<void>(std::move(relay)));
  });
}

}  // namespace

int main(int argc, char**) {
  if (!jit::courier::standard_files_open()) return 1;
  if (argc != 1) return failed("jit-relay takes no argument: see jit-relay(8)");
  jit::evidence::keep_crypto_at_exit();
  jit::courier::keep_to_itself();
  try {
    return run();
  } catch (const std::exception& error) {
    return failed(error.what());
  }
}
