// SPDX-License-Identifier: Apache-2.0
// Any text as a policy and as people.d: a policy or findings, never both errors and a policy; and what loads decides.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "evidence/text.h"
#include "policy/policy.h"

namespace {

using namespace jit::policy;

void require(bool holds) {
  if (!holds) std::abort();
}

Policy::Loaded load(std::string_view rules, std::string_view people) {
  const std::array<Source, 2> sources{Source{"rules.toml", std::string(rules)},
                                      Source{"more.toml", "schema = 1\nset.more = [\"group:sre\"]\n"}};
  const std::array<Source, 1> persons{Source{"people.toml", std::string(people)}};
  const std::array<std::string, 1> tags{"db"};
  const Policy::Loaded loaded = Policy::load({sources, persons, tags, jit::evidence::sha256_hex});
  const auto error = [](const Finding& finding) { return finding.code.starts_with('E'); };
  require((loaded.policy == nullptr) == std::ranges::any_of(loaded.findings, error));
  for (const Finding& finding : loaded.findings) require(!finding.message.empty() && !finding.text().empty());
  return loaded;
}

void ask_everything(const Policy& policy) {
  Identity root, alice;
  root.uid = 0;
  root.user = root.person = "root";
  root.groups_known = true;
  alice.uid = 1001;
  alice.user = "alice";
  alice.person = policy.person_name("alice", 1001);
  alice.groups_known = true;
  alice.groups_all = alice.groups_any = {"sre", "dba"};
  for (unsigned i = 0; i < 5U * 3 * 2 * 2; ++i) {
    Request request;
    request.door = static_cast<Door>(i % 5);
    request.from.kind = static_cast<Origin::Kind>(i / 5 % 3);
    request.target_verified = i / 15 % 2 == 0;
    request.can_ask = i / 30 % 2 == 0;
    request.subject = &alice;
    request.target = request.door == Door::kSsh || request.door == Door::kLogin ? &alice : &root;
    request.root = &root;
    const Decision decision = policy.decide(request);
    require(decision.offer.has_value() || decision.outcome == Outcome::kDeny);
    require(policy.covers(request.door) || decision.outcome == Outcome::kDeny);
    if (!decision.offer) {
      require(!decision.why.empty());
      continue;
    }
    const Offer& offer = *decision.offer;
    require(offer.give_s > 0 && offer.give_s <= offer.max_s && offer.wait_s > 0 && offer.claim_s > 0);
    require((decision.outcome == Outcome::kAllow) <= offer.seats.empty());
    require(!policy.refuses_use(offer.rule, offer.fingerprint, request));
    require(policy.refuses_use(offer.rule, "", request).has_value());
    for (const Seat& seat : offer.seats) {
      (void)policy.members(seat.set, 0);
      (void)policy.may_fill(seat.set, alice, 0);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Policy::Loaded loaded = load(text, "version = 1\n[[person]]\nname = \"alice\"\nusers = [\"alice\"]\n");
  if (loaded.policy) ask_everything(*loaded.policy);
  (void)load("schema = 1\nsettings.covers = [\"sudo\"]\n", text);
  return 0;
}
