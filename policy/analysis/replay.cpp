// SPDX-License-Identifier: Apache-2.0
#include "policy/analysis/replay.h"

#include <algorithm>
#include <limits>
#include <span>

#include "policy/explain.h"
#include "policy/render.h"

namespace jit::policy::analysis {
namespace {

// A door asks for no longer text.
constexpr std::size_t kReasonMost = 1U << 20U;

std::string joined(std::span<const std::string> words, std::string_view between) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : std::string(between)) + word;
  return out;
}

std::string terms_text(const Given& terms) {
  std::vector<std::string> out;
  for (const Seat& seat : terms.seats) out.push_back(std::to_string(seat.count) + " of " + seat.set);
  if (!terms.seats.empty()) out.push_back("wait " + format_duration(terms.wait_s));
  if (!terms.seats.empty() && terms.votes != Votes::kAny) out.push_back("votes " + std::string(name_of(terms.votes)));
  out.insert(out.end(), terms.require.begin(), terms.require.end());
  out.push_back(format_duration(terms.give_s) + " of " + format_duration(terms.max_s));
  out.emplace_back(name_of(terms.scope));
  return joined(out, ", ");
}

Answer answer_of(const Decision& decision) {
  Answer out;
  out.outcome = decision.outcome;
  if (decision.outcome == Outcome::kNeeds) {
    out.then = decision.then;
    out.missing = decision.missing;
  }
  out.rules = decision.rules;
  if (decision.offer) {
    out.rule = decision.offer->rule;
    out.terms = given(*decision.offer);
  }
  return out;
}

Outcome then_of(const Terms& terms) { return terms.asks_people() ? Outcome::kApproval : Outcome::kAllow; }

}  // namespace

const PastFacts::Held* PastFacts::at(std::string_view name) const {
  const auto found = std::ranges::find(held_, name, &Held::name);
  return found == held_.end() ? nullptr : &*found;
}

const Reading* PastFacts::find(std::string_view name) const {
  // Vouched for until now only: unknown also where a declared fact has an initial value, which no NaN equals.
  static const Reading kUnknown{std::numeric_limits<double>::quiet_NaN(), 1, 1};
  const Held* const held = at(name);
  return held != nullptr && held->reading ? &*held->reading : &kUnknown;
}

void PastFacts::add(std::string name, std::optional<Value> value) {
  held_.push_back({std::move(name), std::nullopt});
  if (value) held_.back().reading = Reading{std::move(*value), 0, {}};
}

Given given(const Offer& offer) {
  Given out;
  out.seats = offer.seats;
  out.votes = offer.votes;
  out.require = requirements(offer);
  out.give_s = offer.give_s;
  out.max_s = offer.max_s;
  out.wait_s = offer.wait_s;
  out.scope = offer.scope;
  return out;
}

std::string Answer::text() const {
  std::string out(name_of(outcome));
  if (outcome == Outcome::kNeeds) out += ' ' + joined(missing, ", ") + ", then " + std::string(name_of(then));
  std::vector<std::string> others = rules;
  std::erase(others, rule);
  if (!rule.empty()) out += " by " + rule;
  if (!others.empty()) out += (rule.empty() ? " by " : " with ") + joined(others, ", ");
  return out;
}

// Without a text for people, which is made for the few that differ.
bool Replay::same(const Past& past, const Request& request) {
  const Answer& was = past.answer;
  if (evaluation_.outcome != was.outcome) return false;
  deciding_rules(evaluation_, request, rules_);
  if (!std::ranges::equal(rules_, was.rules, {}, [](const Rule* rule) -> const std::string& { return rule->id; })) return false;
  if (evaluation_.outcome == Outcome::kDeny) return was.rule.empty();
  const bool choose = !evaluation_.choices.empty();
  const Evaluation::Proposal& offered = evaluation_.best;
  if (offered.permit->id != was.rule) return false;
  if (was.outcome == Outcome::kNeeds) {
    const Terms& terms = offered.terms;
    const std::size_t missing = choose ? 1 : (terms.lacks_reason() ? 1U : 0U) + (terms.lacks_ticket() ? 1U : 0U);
    const auto names = [&](std::string_view name) { return std::ranges::find(was.missing, name) != was.missing.end(); };
    if (missing != was.missing.size() || choose != names("choice") || then_of(terms) != was.then) return false;
    if (!choose && (terms.lacks_reason() != names("reason") || terms.lacks_ticket() != names("ticket"))) return false;
  }
  return !was.terms || *was.terms == given(offered.terms.render());
}

void Replay::add(Past& past) {
  ++decisions_;
  for (Identity* who : {&past.subject, &past.target}) who->person = policy_.person_name(who->user, who->uid);
  if (past.claimed()) past.root.person = policy_.person_name(past.root.user, past.root.uid);
  reason_.assign(std::min(past.reason_length, kReasonMost), 'x');
  Request request;
  request.door = past.door;
  request.subject = &past.subject;
  request.target = &past.target;
  request.root = &past.root;
  request.target_verified = past.target_verified;
  request.from = past.from;
  request.reason = reason_;
  request.ticket = past.ticket;
  request.reason_from_environment = past.reason_from_environment;
  request.urgency = past.urgency;
  request.can_ask = past.can_ask;
  request.asked_s = past.asked_s;
  request.via = past.via;
  request.command = {past.command_known, past.command_verified, past.path, past.words, past.options, past.env, past.digest_bound};
  request.now = past.now;
  request.seats_at = past.seats_at;
  request.facts = &past.facts;
  request.recorder = past.recorder;
  request.can_notify = past.can_notify;
  request.can_review = past.can_review;
  request.absent = past.absent;
  policy_.evaluate(request, evaluation_);

  missing_facts_.clear();
  for (const FactTest* test : evaluation_.read) {
    // The urgency is part of the request.
    if (test->name == "urgency" || past.facts.has(test->name)) continue;
    if (std::ranges::find(missing_facts_, test->name) == missing_facts_.end()) missing_facts_.push_back(test->name);
  }
  for (const std::string& name : missing_facts_) ++unknown_[name];
  if (same(past, request)) return;

  ++changed_;
  std::ranges::sort(missing_facts_);
  const Answer now = answer_of(render(evaluation_, {policy_.rules(), request, nullptr}));
  std::string before = past.answer.text(), after = now.text();
  if (before == after && past.answer.terms && now.terms) {
    before += ": " + terms_text(*past.answer.terms);
    after += ": " + terms_text(*now.terms);
  }
  Change& change = changes_[{past.person, before, after, missing_facts_}];
  if (change.count++ > 0) return;
  change.person = past.person;
  change.before = std::move(before);
  change.after = std::move(after);
  change.from = past.answer;
  change.to = now;
  change.unknown = missing_facts_;
  change.time = past.time;
  change.id = past.id;
}

std::vector<Change> Replay::changes() const {
  std::vector<Change> out;
  for (const auto& [key, change] : changes_) out.push_back(change);
  return out;
}

}  // namespace jit::policy::analysis
