// SPDX-License-Identifier: Apache-2.0
// A request that nobody made, from the command line: for jitctl policy why and why-not.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "cli/args.h"
#include "cli/exit.h"
#include "policy/analysis/request.h"

namespace jit::cli {

// --user (default: the caller), --groups (default: those of the host's directory), --door, --as, --from, --at, --reason,
// --ticket, --urgency, --via, --for, --fact NAME=VALUE,..., --claimed, and the command after --.
struct WhatIf {
  policy::analysis::AnalysisRequest asked;
  std::optional<std::uint32_t> duration_s;

  static Result<WhatIf> from(const Args& args, const policy::Policy& policy);
  policy::Request request() const;  // views into this
  std::string line() const;         // "alice, sudo as root: systemctl restart nginx"
};

// Of a list with commas.
std::vector<std::string> split(std::string_view text);
// --host-tag: the tags of the host that is meant; nothing: it was not given.
Result<std::optional<std::vector<std::string>>> host_tags(const Args& args);
// --fact.
Result<std::map<std::string, policy::Value>> supposed_facts(const Args& args);

// "true", "12", "0.5", or any other text.
policy::Value value_of(std::string_view text);

}  // namespace jit::cli
