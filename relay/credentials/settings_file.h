// SPDX-License-Identifier: Apache-2.0
// How to come to the relay: relay.toml of a host, and [relay] in approver.toml of a workstation.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jit::relay {

struct SettingsFile {
  bool none = false;                 // transport = "none": nothing is carried over a relay
  std::vector<std::string> servers;  // tls://HOST:PORT
  std::string credentials;           // paths
  std::string ca;                    // empty: the system's certificates
};

// table: of the file that holds these keys; empty: its top. Nothing: `why` says what is wrong, and where.
std::optional<SettingsFile> read_settings(std::string_view text, std::string_view table, std::string& why);

// The whole of a small file; nothing: `why` says why not.
std::optional<std::string> read_small_file(const std::string& path, std::string& why);

// A secret is what a file of credentials holds: empty, or who else may read it and what to do. `group`: the file's group may.
std::string told_to_others(const std::string& path, bool group);

}  // namespace jit::relay
