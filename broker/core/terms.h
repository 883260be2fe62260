// SPDX-License-Identifier: Apache-2.0
// The terms of a waiting request under the policy in force: as of submit, and from then on only tighter.
#pragma once

#include <optional>
#include <string>
#include <variant>

#include "broker/core/core.h"

namespace jit::core {

// now: Unix time, seconds.
policy::Request policy_view(const Ask& ask, std::int64_t now);
// root: what the directory says of uid 0; must outlive the view.
policy::Request policy_view(const Request& request, const policy::Identity& root, std::int64_t now);

// Break-glass is chosen by name, and the module has no question for it: it is refused with the line to type.
bool wants_choice(const policy::Decision& decision);
policy::Decision where_none_can_choose(const policy::Policy& policy, const Ask& ask, std::int64_t now);

// Refused only because nobody can be asked for a text? Then this is what would be asked.
std::optional<policy::Decision> needs_if_asked(const policy::Policy& policy, const Ask& ask, std::int64_t now);

// The new terms, or why the request ends ("the policy changed: ...").
using Tightened = std::variant<policy::Offer, std::string>;
Tightened tighten(const policy::Policy& policy, const Request& request, const policy::Offer& terms,
                  const policy::Identity& root, std::int64_t now);

// hex SHA-256 over every immutable field but digest and secret_hash, each with its length: injective.
std::string digest_of(const Request& request);

}  // namespace jit::core
