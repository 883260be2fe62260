// SPDX-License-Identifier: Apache-2.0
// Policy files that the command line names: the host's own, a folder laid out as /etc/jit, or single files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "broker/config/config.h"
#include "cli/exit.h"

namespace jit::cli {

inline constexpr std::size_t kPolicyFileMax = 4 * 1024 * 1024;  // as the broker's own loader

// "-" is standard input.
Result<std::string> read_policy_file(const std::string& path, std::size_t most = kPolicyFileMax);

enum class Check : std::uint8_t { kNone, kErrors, kAll };

// No path: /etc/jit, with its ownership rules; one folder: the same without them; else single files. Of single files only
// what `check` says is examined; of the others the errors always. kAll asks this machine for what the warnings need to
// know (host_facts.h), wherever the files lie. `tags`: of the host that is meant, instead of those of broker.toml.
using HostTags = std::optional<std::vector<std::string>>;
Result<config::Loaded> load_policy(const std::vector<std::string>& paths, Check check = Check::kNone, const HostTags& tags = {});

// Where no broker.toml and no `tags` say for which host rules are asked, and rules name tags: what was taken; else empty.
std::string tags_note(const config::Loaded& loaded, const HostTags& tags);

// A finding as one printable line.
std::string shown(const policy::Finding& finding);

}  // namespace jit::cli
