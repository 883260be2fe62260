// SPDX-License-Identifier: Apache-2.0
// What a grant covers: what its scope binds must be equal. (That its permit still says yes is the policy's question.)
#pragma once

#include "broker/core/core.h"

namespace jit::core {

bool is_login(policy::Door door);

// The facts of one attempt that a grant may bind.
struct Attempt {
  std::uint32_t uid = policy::kNoUid;
  policy::Door door = policy::Door::kSudo;
  std::uint32_t target_uid = policy::kNoUid;
  policy::Origin origin;
  std::span<const std::string> argv;
  const Command* command = nullptr;  // never null
  bool takes_group = false;          // of another group than the target's own (sudo -g)
  std::string_view cwd;
  Terminal terminal;
  std::uint32_t audit_session = policy::kNoUid;
  Process process;
  std::string_view ssh_key;
};

Attempt attempt_of(const Ask& ask);

// Total: false for an ended grant, one past its claim window or its end, and for another user, door or target. A command is compared
// for scope command, and where it takes a group, which no wider scope covers; at a login the origin always, and the key where both are
// known; terminal, session and connection bind at first use.
bool covers(const Grant& grant, const Attempt& attempt, BootMs now);

// In use, and bound to a connection, or to a call without a terminal or session: nothing that comes is covered by it. It lives on
// for what runs under it.
bool is_spent(const Grant& grant);

// Is what was asked for, or given, the same program with the same bytes? What was resolved is never matched by a claim; a claim
// is taken for what was resolved where the path is the one that was shown.
bool same_command(const Command& given, const Command& asked);

// What was shown and signed names another place than he comes from now; the rule and its people judged that one. What was asked
// ahead of time names none.
bool from_elsewhere(const Request& request, const Ask& ask);

// Do two attempts ask for the same thing? One live request for each (person, door, target, command).
bool same_ask(const Request& request, const Ask& ask);

}  // namespace jit::core
