// SPDX-License-Identifier: Apache-2.0
// From what was reported and what /proc says to what the core decides on: the look-ups of users and groups, side by side.
#pragma once

#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "broker/core/core.h"
#include "broker/directory/directory.h"
#include "broker/gate/caller.h"
#include "broker/gate/context.h"

namespace jit::gate {

// A deny that never reaches the core.
struct Refusal {
  std::string cause;              // "identity", "unknown-user", "target", "service", "limit"
  std::vector<std::string> text;  // for the person, escaped
  std::string log;                // for the journal, escaped
};

Refusal refuse_identity(const std::string& why);

// "alice", 1000 -> the person's name by people.d.
using PersonOf = std::function<std::string(const std::string& user, std::uint32_t uid)>;

// True: it was taken as it is, before anybody looked at the files that its command names.
using Unseen = std::function<bool(core::Ask&)>;

// Calls done once, maybe before it returns, on the core's thread; or not at all, where `unseen` has taken it.
using Asked = std::function<void(std::variant<core::Ask, Refusal>)>;
void make_ask(directory::Directory& directory, Context context, Caller caller, policy::Door door, policy::Origin from,
              PersonOf person_of, Unseen unseen, Asked done);

using Bound = std::function<void(std::variant<core::BindAsk, Refusal>)>;
void make_bind(directory::Directory& directory, const Bind& bind, const Caller& caller, policy::Door door,
               PersonOf person_of, Bound done);

}  // namespace jit::gate
