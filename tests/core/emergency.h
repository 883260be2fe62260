// SPDX-License-Identifier: Apache-2.0
// A world with a break-glass permit, and a carol who signs.
#pragma once

#include "tests/core/signing.h"

namespace jit::core_test {

inline const std::string kEmergencies = R"(
[[permit]]
id = "glass"
who = ["set:staff"]
door = ["sudo"]
as = ["user:root"]
require = ["reason:20", "review:1d"]
break-glass = true
max = "10m"
[[permit]]
id = "limited"
who = ["set:staff"]
door = ["sudo"]
as = ["user:limited"]
approval = "one"
give = "15m"
max = "15m"
scope = "tty"
)";

struct Emergency : World {
  Emergency() { use(load_policy(kRules + kEmergencies, people_with_keys({{"carol", kCarol}}))); }

  // Who asks for more is root already: only what is signed counts.
  Reply<Request> carol(const Id& id, std::optional<std::uint32_t> for_s = {}, const std::string& scope = {}) {
    evidence::Vote vote = vote_for(held.requests.at(id), "carol", kCarol);
    vote.duration_s = for_s;
    vote.scope = scope;
    return carry(*this, sealed(vote, key_of(kCarol)), {who(kCarol)});
  }

  Ask glass(std::uint32_t uid = kAlice) {
    Ask out = ask(uid);
    out.via = "glass";
    out.reason = "the pager rings and nobody answers";
    out.reason_from = ReasonFrom::kPrompt;
    return out;
  }
  Grant active(std::uint32_t uid = kAlice, const std::string& target = "root") {
    Ask it = ask(uid, target);
    submit(it);
    CHECK(vote(kBob, only_request()).error().empty());
    CHECK(bound(bind(it)).allow);
    return only_grant();
  }
};

}  // namespace jit::core_test
