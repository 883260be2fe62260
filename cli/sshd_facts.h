// SPDX-License-Identifier: Apache-2.0
// What sshd itself says of its configuration (sshd -T), as far as our lines depend on it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace jit::cli {

struct SshdFacts {
  bool there = false;           // an sshd is installed, and told
  std::string problem;          // it is installed, and does not tell: why
  std::map<std::string, std::string, std::less<>> settings;  // as sshd -T prints them, names in lower case
  // Each way in that talks (keyboard-interactive) has proven a key before, and none takes a password by itself: only then may a line
  // of ours stand in auth.
  bool asks_after_key = false;

  std::string get(std::string_view name) const;
};

// Of what sshd -T printed. Pure.
SshdFacts read_sshd(std::string_view printed);
SshdFacts sshd_facts();  // runs it

}  // namespace jit::cli
