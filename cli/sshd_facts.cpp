// SPDX-License-Identifier: Apache-2.0
#include "cli/sshd_facts.h"

#include <unistd.h>

#include <algorithm>

#include "cli/run_tool.h"
#include "evidence/text.h"

namespace jit::cli {

namespace {

constexpr const char* kSshd = "/usr/sbin/sshd";

// Lists of methods, each "publickey,keyboard-interactive:pam"; "any" allows each alone.
bool talks_after_key(std::string_view lists) {
  bool talks = false;
  while (!lists.empty()) {
    std::string_view list = lists.substr(0, lists.find(' '));
    lists.remove_prefix(std::min(list.size() + 1, lists.size()));
    bool key = false;
    while (!list.empty()) {
      const std::string_view method = list.substr(0, list.find(','));
      list.remove_prefix(std::min(method.size() + 1, list.size()));
      if (method == "any" || method == "password") return false;
      if (method.starts_with("keyboard-interactive")) {
        if (!key) return false;
        talks = true;
      }
      key = key || method == "publickey" || method == "hostbased";
    }
  }
  return talks;
}

}  // namespace

std::string SshdFacts::get(std::string_view name) const {
  const auto found = settings.find(name);
  return found == settings.end() ? "" : found->second;
}

SshdFacts read_sshd(std::string_view printed) {
  SshdFacts out;
  while (!printed.empty()) {
    const std::string_view line = printed.substr(0, printed.find('\n'));
    printed.remove_prefix(std::min(line.size() + 1, printed.size()));
    const std::size_t blank = line.find(' ');
    if (blank != std::string_view::npos) out.settings.emplace(std::string(line.substr(0, blank)), std::string(line.substr(blank + 1)));
  }
  out.there = !out.settings.empty();
  out.asks_after_key = talks_after_key(out.get("authenticationmethods")) && out.get("kbdinteractiveauthentication") == "yes";
  return out;
}

SshdFacts sshd_facts() {
  SshdFacts out;
  if (access(kSshd, X_OK) != 0) return out;
  const auto done = run_tool({kSshd, "-T"});
  if (!done || done->code != 0) {
    out.problem = "sshd -T does not tell its settings (" + (done ? evidence::escape_to(done->error, 200) : std::string("no answer")) + ")";
    return out;
  }
  return read_sshd(done->out);
}

}  // namespace jit::cli
