// SPDX-License-Identifier: Apache-2.0
// What the module reports with Submit and Bind, read from the wire. Strict: an unknown or doubled key, a wrong type or
// a value past its limit refuses the whole message.
#pragma once

#include <systemd/sd-bus.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "broker/core/model.h"

namespace jit::gate {

struct Context {
  std::string service;
  std::string phase;  // "auth", "account", "command"
  std::string user, ruser, rhost, tty;
  std::string peer;  // at ssh
  std::string ssh_auth;
  std::string cwd;
  std::vector<std::string> argv;
  std::string reason;
  core::ReasonFrom reason_from = core::ReasonFrom::kNone;
  std::string ticket, via;
  core::Urgency urgency = core::Urgency::kNormal;
  std::optional<std::uint32_t> for_s;
  bool can_ask = false;
  bool observe = false;
  bool resolves = false;  // sudo_jit is loaded, and asks next
  std::uint32_t budget_s = 0;
  // In phase "command": what sudo will run.
  std::vector<std::string> run;
  std::string run_path;  // its folder resolved; empty: nobody can tell
  std::string run_user;  // "#1000" where the uid has no name
  std::string run_group; // of -g; empty: the user's own
  std::uint32_t run_uid = policy::kNoUid;
  std::string recording;
  bool child = false;
  int program = -1;  // of the message; open for reading; -1: none
  // Of the message, not to be closed.
  int pidfd = -1, exe = -1, mnt_ns = -1;
};

struct Bind {
  std::string service, user, ssh_auth;
  int pidfd = -1;  // of the message
};

// Nothing: `problem` says which key and why, escaped.
std::optional<Context> read_context(sd_bus_message* message, std::string& problem);
std::optional<Bind> read_bind(sd_bus_message* message, std::string& problem);

}  // namespace jit::gate
