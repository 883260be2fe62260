// SPDX-License-Identifier: Apache-2.0
#include "cli/host_facts.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "cli/history.h"
#include "host/channels.h"
#include "host/names.h"
#include "host/rescue.h"
#include "host/writer.h"
#include "policy/compiled.h"

namespace jit::cli {

namespace {

std::optional<std::int64_t> changed(std::string_view file) {
  struct stat st {};
  // A link in the place of a file would be blamed for the time of what it names.
  if (lstat(std::string(file).c_str(), &st) != 0 || !S_ISREG(st.st_mode)) return std::nullopt;
  return st.st_mtim.tv_sec;
}

std::vector<std::string> ids_of(const policy::RuleSet& rules) {
  std::vector<std::string> out;
  for (const auto* list : {&rules.permits, &rules.guards}) {
    for (const policy::Rule& rule : *list) out.push_back(rule.id);
  }
  return out;
}

}  // namespace

policy::analysis::Host host_facts(const policy::Policy& policy, const host::PamFolders& pam) {
  policy::analysis::Host out;
  out.now = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  out.known = host::known;
  out.writer = [](std::string_view path) { return host::writer_of(std::string(path)); };
  out.changed = changed;
  const host::Rescue rescue = host::rescue_of(pam, policy.settings().rescue);
  out.rescue_lines = rescue.lines;
  out.rescue_why = rescue.why;
  out.records = false;
  out.notifies = access("/usr/libexec/jit/jit-notify", X_OK) == 0;
  out.channels = host::channels("/etc/jit/notify.d");
  out.root_password = host::has_password("root");
  out.observing_since = host::observing(pam);
  const auto history = read_history(out.now, out.unused_days, ids_of(policy.rules()));
  if (!history) return out;
  out.history_from = history->from;
  out.used = history->used;
  // The file may have been touched since; what was observed before that counts too.
  for (const auto& [door, since] : history->observed) {
    const auto found = out.observing_since.find(door);
    if (found != out.observing_since.end()) found->second = std::min(found->second, since);
  }
  return out;
}

}  // namespace jit::cli
