// SPDX-License-Identifier: Apache-2.0
// The terms of a waiting request under the policy in force: as of submit, and from then on only tighter.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <variant>

#include "broker/core/core.h"
#include "broker/core/ports.h"

namespace jit::core {

policy::Command policy_view(const Command& command, std::span<const std::string> argv);
// Without the time and the facts: see Sight in impl.h.
policy::Request policy_view(const Ask& ask);
// root: what the directory says of uid 0; must outlive the view.
policy::Request policy_view(const Request& request, const policy::Identity& root);

bool wants_choice(const policy::Decision& decision);
// What the door has to ask: texts, or which permit, each with the texts that it wants. A deny where none of these permits can
// be taken after all.
Answer question_of(const policy::Policy& policy, const policy::Request& view, const policy::Decision& decision);

// Refused only because nobody can be asked for a text? Then this is what would be asked.
std::optional<policy::Decision> needs_if_asked(const policy::Policy& policy, policy::Request view);

inline constexpr std::string_view kNotAnyMore = "not allowed any more";  // by the time, or by what was done here since

// The new terms, or why the request ends: "CHANGED: ...", as "a fact changed: change freeze in force".
using Tightened = std::variant<policy::Offer, std::string>;
Tightened tighten(const policy::Decision& now, const policy::Offer& terms, std::string_view changed);

}  // namespace jit::core
