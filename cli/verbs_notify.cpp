// SPDX-License-Identifier: Apache-2.0
// jitctl notify: what becomes of messages; and whether this host's couriers come through.
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "cli/client.h"
#include "cli/commands.h"
#include "cli/documents.h"
#include "cli/format.h"

namespace jit::cli {
namespace {

constexpr char kNotifier[] = "/usr/libexec/jit/jit-notify";
constexpr char kUser[] = "_jit-notify";

}  // namespace

Exit Verbs::courier_status(std::string_view name, const std::string& none) {
  const auto client = Client::connect();
  if (!client) return out.fail(client.failure());
  const auto status = (*client)->status();
  if (!status) return out.fail(status.failure());
  Json found = Json::array();
  const Json& couriers = member(*status, "couriers");
  if (couriers.is_array()) {
    for (const Json& each : couriers) {
      if (text_of(each, "name") == name) found.push_back(each);
    }
  }
  if (json()) return print(found, {});
  if (found.empty()) {
    out.line(none);
    return Exit::kNo;
  }
  const Json& courier = found[0];
  const bool reached = member(courier, "reached").is_boolean() && member(courier, "reached").get<bool>();
  const std::string_view good = name == "relay" ? "connected" : "all channels take messages";
  const std::string_view bad = name == "relay" ? "not connected" : "not all channels take messages";
  out.line(std::string(name) + ": " + std::string(reached ? good : bad) + (reached ? "" : " (" + text_of(courier, "why") + ")") + " since " + short_time(text_of(courier, "since")));
  return reached ? Exit::kDone : Exit::kNo;
}

// The notifier itself, as its user, so that it reads and reaches what the service does; its unit's sandbox is not there.
Exit Verbs::notify_test() {
  if (geteuid() != 0) return out.fail({Exit::kNotAllowed, "a test sends in the name of this host, so it is for root: type sudo jitctl notify test"});
  const passwd* const user = getpwnam(kUser);
  if (user == nullptr || access(kNotifier, X_OK) != 0) return out.fail({Exit::kNotAllowed, "jit-notify is not installed here: install the package jit-notify"});
  std::array<char, 256> host{};
  gethostname(host.data(), host.size() - 1);
  std::string program = kNotifier, verb = "test", channel = args.words[0], name = host.data();
  const std::array<char*, 5> argv{program.data(), verb.data(), channel.data(), name.data(), nullptr};
  std::string path = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
  const std::array<char*, 2> environment{path.data(), nullptr};
  if (chdir("/") == 0 && setgroups(0, nullptr) == 0 && setgid(user->pw_gid) == 0 && setuid(user->pw_uid) == 0) execve(argv[0], argv.data(), environment.data());
  return out.fail({Exit::kNo, std::string("jit-notify cannot be run: ") + std::strerror(errno)});
}

}  // namespace jit::cli
