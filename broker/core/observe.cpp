// SPDX-License-Identifier: Apache-2.0
// Doors and guards that only observe: decided and logged as "would have", and nothing comes of it.
#include "broker/core/impl.h"

namespace jit::core {

namespace {

// "deny: freeze", "ask 1 of set:sre", "ask for a reason", "allow".
std::string would_be(const policy::Decision& decision) {
  switch (decision.outcome) {
    case policy::Outcome::kAllow: return "allow";
    case policy::Outcome::kApproval: return "ask " + (decision.offer ? texts::seats(decision.offer->seats) : std::string("somebody"));
    case policy::Outcome::kNeeds: {
      std::string out = "ask for a ";
      for (const std::string& each : decision.missing) out += (out.back() == ' ' ? "" : ", ") + each;
      if (decision.then == policy::Outcome::kApproval && decision.offer) out += ", then ask " + texts::seats(decision.offer->seats);
      return out;
    }
    case policy::Outcome::kDeny: break;
  }
  return "deny: " + (decision.why.empty() ? std::string("no rule allows this") : decision.why.front());
}

std::string rule_of(const policy::Decision& decision) {
  if (decision.offer) return decision.offer->rule;
  return decision.rules.empty() ? std::string() : decision.rules.front();
}

}  // namespace

void Core::Impl::observe(Conn conn, const std::shared_ptr<const Ask>& ask) {
  observing[ask->door] = clock.wall();
  Answer answer;
  answer.cause = "observed";
  std::string would, rule, kept;
  if (policy() == nullptr) {
    would = "deny: no policy is in force";
  } else if (!policy()->covers(ask->door)) {
    would = "deny: the policy does not cover this door";
  } else if (ask->subject.identity->uid == policy::kNoUid || ask->target->uid == policy::kNoUid) {
    would = "deny: this user is not known here";
  } else if (const LiveGrant* grant = covering_grant(*ask)) {
    would = "allow";
    rule = grant->grant.rule;
    answer.verdict = Verdict::kAllow;
  } else {
    const Sight sight = look(*ask);
    const policy::Decision decision = policy()->decide(sight.view);
    would = would_be(decision);
    rule = rule_of(decision);
    kept = record(sight, decision, ask->command.words_at);
    if (decision.outcome == policy::Outcome::kAllow) answer.verdict = Verdict::kAllow;
    note_guards(*ask, decision, kept);
  }
  note_observed(*ask, "door", rule, would, kept);
  // The line lets it in whatever the answer is, so a login from here has happened.
  Batch batch;
  saw_origin(ask->subject, ask->door, batch);
  if (!batch.nets.empty()) {
    batch.entries.push_back(events::network_seen(*ask));
    commit(std::move(batch), [](bool) {});
  }
  // A session that opens now finds its hand-over, and is told that it is observed.
  hand_over(ask, Id{});
  gate.answer(conn, answer);
}

void Core::Impl::note_observed(const Ask& ask, std::string_view by, const std::string& rule, const std::string& would,
                               const std::string& kept) {
  if (!first_of_flood(ask, "observed " + rule + ": " + would)) return;
  log(events::observed(ask, by, rule, would, kept, policy() != nullptr ? policy()->hash() : std::string()));
}

void Core::Impl::note_guards(const Ask& ask, const policy::Decision& decision, const std::string& kept) {
  for (const policy::Observed& each : decision.observed) note_observed(ask, "guard", each.rule, each.would, kept);
}

std::vector<std::pair<policy::Door, WallMs>> Core::observing() const {
  constexpr WallMs kSeen = WallMs{30} * 86'400'000;
  std::vector<std::pair<policy::Door, WallMs>> out;
  for (const auto& [door, last] : impl_->observing) {
    if (impl_->clock.wall() - last <= kSeen) out.emplace_back(door, last);
  }
  return out;
}

}  // namespace jit::core
