// SPDX-License-Identifier: Apache-2.0
// Who calls: uid and pid as the bus knows them, everything else from /proc, the directory and people.d. Never from
// arguments.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "broker/core/core.h"
#include "broker/directory/voters.h"

namespace jit::bus {

// One connection to the bus, as the bus itself and the kernel describe it.
struct Sender {
  std::string name;  // unique name
  std::uint32_t uid = policy::kNoUid;
  std::uint32_t loginuid = policy::kNoUid;
  std::optional<std::vector<std::uint32_t>> gids;  // none: the bus does not tell
  bool in_session = true;
};

// The loginuid of a process of this uid (kNoUid: not set, or a kernel without audit). Nothing where the process is gone
// or another user's: then nobody can say whether the caller is the requester under another account.
std::optional<std::uint32_t> loginuid_of(std::uint32_t pid, std::uint32_t uid, const std::string& proc = "/proc");

// Does the process run in a login session of this uid, or in his user manager while he has one? True also where logind does
// not run: then nobody keeps sessions here.
bool in_session_of(std::uint32_t pid, std::uint32_t uid);

// On the core's thread. An uid that the directory does not know is still a caller: no user name, no known groups.
void make_caller(directory::Directory& directory, const core::Core& core, const Sender& sender,
                 std::function<void(core::Caller)> made);

// Person and roles by the policy in force.
void apply_policy(core::Caller& caller, const policy::Policy* policy);

}  // namespace jit::bus
