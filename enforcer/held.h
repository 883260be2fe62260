// SPDX-License-Identifier: Apache-2.0
// What is held under one grant, and its record in /run/jit-enforcer, by which an enforcer that died goes on.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "enforcer/proc.h"

namespace jit::enforcer {

// A process that a door handed over: all that it starts is in its scope or session.
struct Leader {
  pid_t pid = 0;
  std::uint64_t start = 0;
  std::string session_before;  // the unit it was in when it came: another one now is its own
  std::int64_t end = 0;        // boot_ms: of what it opens
  std::int64_t hard = 0;       // the end that systemd gives its session; 0: none, as he was root already
  Fd process;
  std::int64_t kill_at = 0;    // as of a scope
};

// A unit of systemd's with what runs in it.
struct Scope {
  std::string unit;           // "jit-<id>.scope", "jit-<id>-2.scope"; "session-3.scope" of a login session
  std::string path;           // of its cgroup
  std::int64_t started = 0;   // boot_ms
  std::int64_t end = 0;       // boot_ms: a shell ends with its grant, and a program that may finish goes on
  std::int64_t hard = 0;      // the end that systemd holds; 0: none
  bool coming = false;        // systemd was asked for it, and has not said that it is there: it may make it late
  // While the grant goes on, and this does not.
  std::int64_t kill_at = 0;     // boot_ms; 0: it is not ending
  std::int64_t give_up_at = 0;  // then what is left is a survivor
  bool told = false;
};

struct Held {
  std::string id;             // 32 hex digits
  std::string outer;          // id of the grant it was started under; empty: none
  std::int64_t outer_end = 0;   // boot_ms: of the scope or session there; the grant may go on
  std::int64_t outer_hard = 0;  // the end that systemd holds there
  std::int64_t end = 0;       // boot_ms: the last one of all below
  std::int64_t hard = 0;      // the last one that systemd holds
  std::int64_t adopted = 0;   // boot_ms of the first one
  std::int64_t adopted_wall = 0;  // Unix time, seconds
  std::uint32_t audit_session = kNoNumber;
  std::uint32_t scopes_made = 0;
  std::vector<Leader> leaders;
  std::vector<Scope> scopes;  // one takes in who comes and ends when it does
  std::vector<Scope> sessions;  // the login sessions that its leaders opened
};

bool is_id(std::string_view text);
// "jit-<32 hex digits>.scope" or "jit-<32 hex digits>-N.scope": the id; else empty.
std::string id_of_unit(std::string_view unit);

std::string write_held(const Held& held);
// Leaders without their pidfd. Nothing: it is damaged.
std::optional<Held> read_held(std::string_view text);

}  // namespace jit::enforcer
