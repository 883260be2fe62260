// SPDX-License-Identifier: Apache-2.0
// facts.d/NAME.toml: the program that finds out the value of one fact. Strict keys:
//   command = ["/usr/lib/tool", "arg"]   an absolute path and its arguments; no shell
//   timeout = "10s"                      at most 10m; the default is 10s
//   for     = "5m"                       how long the value is vouched for
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "policy/policy.h"

namespace jit::config {

struct Provider {
  std::vector<std::string> command;
  std::uint32_t timeout_s = 10;
  std::uint32_t for_s = 0;
};

// Of a fact: 1 to 64 of a-z, 0-9, - and _, beginning with a letter; so it can be part of a user's name and a file's.
bool provider_name(std::string_view name);

// Nothing: `findings` say why. `name`: as the file stands in findings.
std::optional<Provider> parse_provider(const std::string& name, std::string_view text, std::vector<policy::Finding>& findings);

// Reads ETC/facts.d/NAME.toml as safely as the policy: only root can have written it.
std::optional<Provider> read_provider(const std::string& etc, const std::string& name, bool check_owner,
                                      std::vector<policy::Finding>& findings);

}  // namespace jit::config
