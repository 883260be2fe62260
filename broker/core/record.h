// SPDX-License-Identifier: Apache-2.0
// What one decision was made from, and how: enough to make it again. Stands as "decision" in the fields of the entry that
// the decision led to: request.created, grant.created, access.denied, access.observed, request.cancelled.
//   outcome, then, missing, rule   the answer; rule: of the offer
//   terms                          of the offer {seats [{set, count}], votes, require, give_s, max_s, wait_s, scope}
//   rules, near                    ids that decided; ids of the permits that came nearest
//   observed                       [{rule, would}]: guards that only observe
//   read                           {name: literal of the language, or null where it was unknown}
//   policy, tags                   hashes of the whole policy and of the host's tags
//   input                          what was asked, as the policy saw it:
//     at                           Unix time, seconds
//     seats_at                     the same, where whether people can fill the seats was judged by another time
//     subject {user, uid, person, groups_known, groups_all, groups_any}, and target the same; target_verified
//     root                         the same, where the target was only claimed: rules see root too then
//     door, from ("local", "unknown" or an address), via, urgency, asked_s, ticket, can_ask
//     reason {length, from_environment}   length: code points of the trimmed text, which itself stands beside the decision
//     command {known, verified, digest_bound, path, words_at, options, env}   its words: those of argv, which stands beside
//             the decision, from words_at on
//     honours [of record, notify, review]
// Every text is escaped. The entry stays in the database: journald gets its type and ids only.
#pragma once

#include <string>
#include <string_view>

#include "policy/policy.h"

namespace jit::core {

// JSON. words_at: of the command, see model.h.
std::string record_of(const policy::Request& view, const policy::Decision& decision, std::uint32_t words_at,
                      std::string_view policy_hash, std::string_view tags_hash);

}  // namespace jit::core
