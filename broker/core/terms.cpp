// SPDX-License-Identifier: Apache-2.0
#include "broker/core/terms.h"

#include <algorithm>

#include "broker/core/texts.h"
#include "evidence/text.h"

namespace jit::core {

policy::Command policy_view(const Command& command, std::span<const std::string> argv) {
  policy::Command view;
  view.known = command.known;
  view.verified = command.verified;
  view.digest_bound = command.digest_bound;
  view.path = command.path;
  view.words = argv.subspan(std::min<std::size_t>(command.words_at, argv.size()));
  view.options = command.options;
  view.env = command.env;
  return view;
}

policy::Request policy_view(const Ask& ask) {
  policy::Request view;
  view.door = ask.door;
  view.subject = ask.subject.identity.get();
  view.target = ask.target.get();
  view.root = ask.root.get();
  view.target_verified = ask.target_verified;
  view.from = ask.subject.origin;
  view.reason = ask.reason;
  view.reason_from_environment = ask.reason_from == ReasonFrom::kEnvironment;
  view.ticket = ask.ticket;
  view.urgency = name_of(ask.urgency);
  view.can_ask = ask.can_ask;
  view.asked_s = ask.asked_s;
  view.via = ask.via;
  view.can_review = true;
  view.recorder = !ask.recording.empty();
  view.command = policy_view(ask.command, ask.argv);
  return view;
}

policy::Request policy_view(const Request& request, const policy::Identity& root) {
  policy::Request view;
  view.door = request.door;
  view.subject = request.subject.identity.get();
  view.target = request.target.get();
  view.root = &root;
  view.target_verified = request.target_verified;
  view.from = request.subject.origin;
  view.reason = request.reason;
  view.reason_from_environment = request.reason_from == ReasonFrom::kEnvironment;
  view.ticket = request.ticket;
  view.urgency = name_of(request.urgency);
  view.asked_s = request.asked_s;
  view.via = request.offer.rule;
  view.can_review = true;
  view.recorder = !request.recording.empty();
  view.command = policy_view(request.command, request.argv);
  return view;
}

bool wants_choice(const policy::Decision& decision) {
  return std::ranges::find(decision.missing, "choice") != decision.missing.end();
}

std::optional<policy::Decision> needs_if_asked(const policy::Policy& policy, policy::Request view) {
  if (view.can_ask) return std::nullopt;
  view.can_ask = true;
  policy::Decision decision = policy.decide(view);
  if (decision.outcome != policy::Outcome::kNeeds || !decision.offer || wants_choice(decision)) return std::nullopt;
  return decision;
}

namespace {

// "reason", "reason:20", "ticket".
std::vector<std::string> needs_of(const policy::Decision& decision) {
  std::vector<std::string> out = decision.missing;
  for (std::string& need : out) {
    if (need == "reason" && decision.offer && decision.offer->reason_min > 1) need += ":" + std::to_string(decision.offer->reason_min);
  }
  return out;
}

std::vector<Choice> choices_of(const policy::Policy& policy, policy::Request view, const policy::Decision& decision) {
  std::vector<Choice> out;
  for (const policy::Offer& offer : decision.choices) {
    if (out.size() == kChoicesMax) break;
    view.via = offer.rule;
    const policy::Decision chosen = policy.decide(view);
    if (chosen.outcome == policy::Outcome::kDeny || !chosen.offer) continue;
    out.push_back({offer.rule, offer.break_glass, texts::choice(*chosen.offer), needs_of(chosen)});
  }
  return out;
}

}  // namespace

Answer question_of(const policy::Policy& policy, const policy::Request& view, const policy::Decision& decision) {
  Answer out;
  if (wants_choice(decision)) {
    out.cause = "needs-choice";
    out.text = texts::only_choices(decision);
    out.choices = choices_of(policy, view, decision);
    if (out.choices.empty()) return out;
  } else {
    out.cause = "needs-text";
    out.needs = needs_of(decision);
  }
  out.verdict = Verdict::kNeeds;
  return out;
}

namespace {

std::vector<std::string> united(std::vector<std::string> a, const std::vector<std::string>& b) {
  a.insert(a.end(), b.begin(), b.end());
  std::ranges::sort(a);
  a.erase(std::unique(a.begin(), a.end()), a.end());
  return a;
}

// 0: none.
std::uint32_t soonest(std::uint32_t a, std::uint32_t b) { return a == 0 || b == 0 ? std::max(a, b) : std::min(a, b); }

}  // namespace

Tightened tighten(const policy::Decision& now, const policy::Offer& terms, std::string_view changed) {
  const std::string what(changed);
  if (now.outcome == policy::Outcome::kDeny || !now.offer || now.offer->rule != terms.rule) {
    return what + ": " + (now.why.empty() ? std::string("no rule allows this any more") : now.why.front());
  }
  if (now.outcome == policy::Outcome::kNeeds) return what + ": it asks for more text now";
  // Nobody was ever shown one.
  if (now.offer->match && !terms.match) return what + ": it asks for a typed code now";
  for (const policy::Seat& seat : now.offer->seats) {
    const auto held = std::ranges::find(terms.seats, seat.set, &policy::Seat::set);
    if (held == terms.seats.end() || held->count < seat.count) {
      return what + ": it asks more people of " + seat.set + " now";
    }
  }
  policy::Offer tighter = terms;  // the seats stay as of submit
  tighter.fingerprint = now.offer->fingerprint;
  tighter.give_s = std::min(terms.give_s, now.offer->give_s);
  tighter.max_s = std::min(terms.max_s, now.offer->max_s);
  tighter.claim_s = std::min(terms.claim_s, now.offer->claim_s);
  tighter.scope = std::min(terms.scope, now.offer->scope);
  tighter.votes = std::max(terms.votes, now.offer->votes);
  tighter.machines = terms.machines && now.offer->machines;
  tighter.match = terms.match || now.offer->match;
  tighter.self = terms.self && now.offer->self;
  std::erase_if(tighter.ladder, [&](const policy::Step& step) { return std::ranges::find(now.offer->ladder, step) == now.offer->ladder.end(); });
  tighter.reason_required = terms.reason_required || now.offer->reason_required;
  tighter.reason_min = std::max(terms.reason_min, now.offer->reason_min);
  tighter.tickets = united(terms.tickets, now.offer->tickets);
  tighter.record = terms.record || now.offer->record;
  tighter.notify = united(terms.notify, now.offer->notify);
  tighter.review_s = soonest(terms.review_s, now.offer->review_s);
  tighter.on_expiry = std::min(terms.on_expiry, now.offer->on_expiry);
  tighter.run_max_s = tighter.on_expiry == policy::Expiry::kEnd ? 0 : soonest(terms.run_max_s, now.offer->run_max_s);
  tighter.warn_before_s = now.offer->warn_before_s;
  return tighter;
}

}  // namespace jit::core
