// SPDX-License-Identifier: Apache-2.0
// What sshd itself says of its configuration (sshd -T), as far as our lines depend on it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace jit::cli {

// What a Match block sets, which sshd -T does not tell.
struct SshdMatch {
  std::string where;  // "/etc/ssh/sshd_config:120"
  std::string name;   // "permitrootlogin", "authenticationmethods" or "pamservicename"
  std::string value;
};

struct SshdFacts {
  bool there = false;           // an sshd is installed, and told
  std::string problem;          // it is installed, and does not tell: why
  std::map<std::string, std::string, std::less<>> settings;  // as sshd -T prints them, names in lower case
  // Each way in that talks (keyboard-interactive) has proven a key before, and none takes a password by itself: only then may a line
  // of ours stand in auth.
  bool asks_after_key = false;
  std::vector<SshdMatch> matches;

  std::string get(std::string_view name) const;
  // Each place that has sshd ask PAM for another service than ours, "sshd"; the one of sshd -T has that for its place.
  std::vector<SshdMatch> other_services() const;
  const SshdMatch* talks_without_key() const;  // the first that lets somebody in who talks and has proven no key; null: none
};

// Of what sshd -T printed. Pure.
SshdFacts read_sshd(std::string_view printed);
SshdFacts sshd_facts();  // runs it, and reads /etc/ssh/sshd_config for its Match blocks
std::vector<SshdMatch> read_matches(const std::string& path);  // of the file and what it includes

}  // namespace jit::cli
