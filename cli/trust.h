// SPDX-License-Identifier: Apache-2.0
// ~/.config/jit/approver.toml: who an approver is, and the keys of the hosts that he answers to. Nothing that another host signed
// is shown to him.
//   person = "bob"
//   key = "/home/bob/.ssh/vote"   # which one signs, where several are at hand
//   [relay]
//   servers = ["tls://relay.example.org:4222"]
//   credentials = "/home/bob/.config/jit/relay.creds"
//   ca = "/home/bob/.config/jit/relay-ca.crt"    # without it: the system's certificates
//   [[host]]
//   name = "db1"
//   key = "ssh-ed25519 AAAA..."
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/exit.h"
#include "evidence/signature.h"
#include "relay/credentials/settings_file.h"

namespace jit::cli {

struct TrustedHost {
  std::string name;
  evidence::PublicKey key;
};

struct Approver {
  std::string person;  // empty: not said
  std::string key;     // the file of the key that signs; empty: the one that is at hand
  std::vector<TrustedHost> hosts;
  std::optional<relay::SettingsFile> relay;  // none: he answers hosts on their own bus only
  const TrustedHost* host(const std::string& fingerprint) const;
  bool knows(const std::string& name, const std::string& fingerprint) const;  // that this key is the one of the host he calls so
};

std::string approver_file();  // its path; empty: no home
// A file that is not there says nothing; one that others could write, or that is wrong, is a failure with its place.
Result<Approver> read_approver();
Result<Nothing> trust_host(const std::string& name, const evidence::PublicKey& key);  // one more line, durable

}  // namespace jit::cli
