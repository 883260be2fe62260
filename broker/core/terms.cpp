// SPDX-License-Identifier: Apache-2.0
#include "broker/core/terms.h"

#include <algorithm>

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
  view.ticket = ask.ticket;
  view.reason_from_environment = ask.reason_from == ReasonFrom::kEnvironment;
  view.urgency = name_of(ask.urgency);
  view.can_ask = ask.can_ask;
  view.asked_s = ask.asked_s;
  view.via = ask.via;
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
  view.ticket = request.ticket;
  view.reason_from_environment = request.reason_from == ReasonFrom::kEnvironment;
  view.urgency = name_of(request.urgency);
  view.asked_s = request.asked_s;
  view.via = request.offer.rule;
  view.command = policy_view(request.command, request.argv);
  return view;
}

Tightened tighten(const policy::Decision& now, const policy::Offer& terms) {
  if (now.outcome == policy::Outcome::kDeny || !now.offer || now.offer->rule != terms.rule) {
    return "the policy changed: " + (now.why.empty() ? std::string("no rule allows this any more") : now.why.front());
  }
  if (now.outcome == policy::Outcome::kNeeds) return std::string("the policy changed: it asks for more text now");
  for (const policy::Seat& seat : now.offer->seats) {
    const auto held = std::ranges::find(terms.seats, seat.set, &policy::Seat::set);
    if (held == terms.seats.end() || held->count < seat.count) {
      return "the policy changed: it asks more people of " + seat.set + " now";
    }
  }
  policy::Offer tighter = terms;  // the seats stay as of submit
  tighter.fingerprint = now.offer->fingerprint;
  tighter.give_s = std::min(terms.give_s, now.offer->give_s);
  tighter.max_s = std::min(terms.max_s, now.offer->max_s);
  tighter.claim_s = std::min(terms.claim_s, now.offer->claim_s);
  tighter.scope = std::min(terms.scope, now.offer->scope);
  return tighter;
}

namespace {

class Hashed {
 public:
  void text(std::string_view value) {
    number(value.size());
    bytes_.append(value);
  }
  void number(std::uint64_t value) {
    for (int shift = 56; shift >= 0; shift -= 8) bytes_.push_back(static_cast<char>((value >> shift) & 255));
  }
  void maybe(const std::optional<std::uint32_t>& value) {
    number(value.has_value() ? 1 : 0);
    number(value.value_or(0));
  }
  std::string hex() const { return evidence::sha256_hex(bytes_); }

 private:
  std::string bytes_;
};

}  // namespace

std::string digest_of(const Request& request) {
  Hashed hashed;
  hashed.text("pam-jit request 2");
  hashed.text(request.id.text());
  hashed.number(static_cast<std::uint64_t>(request.kind));
  hashed.text(policy::name_of(request.door));
  hashed.text(request.service);
  const policy::Identity& who = *request.subject.identity;
  hashed.number(who.uid);
  hashed.text(who.user);
  hashed.text(who.person);
  hashed.number(request.subject.loginuid);
  hashed.number(request.subject.audit_session);
  hashed.number(static_cast<std::uint64_t>(request.subject.origin.kind));
  hashed.text(request.subject.origin.peer.text());
  hashed.text(request.subject.tty);
  hashed.number(request.target->uid);
  hashed.text(request.target->user);
  hashed.number(request.target_verified ? 1 : 0);
  hashed.number(request.argv.size());
  for (const std::string& word : request.argv) hashed.text(word);
  hashed.number((request.command.known ? 1U : 0U) | (request.command.verified ? 2U : 0U) |
                (request.command.digest_bound ? 4U : 0U));
  hashed.text(request.command.path);
  hashed.number(request.command.words_at);
  for (const auto* list : {&request.command.options, &request.command.env}) {
    hashed.number(list->size());
    for (const std::string& word : *list) hashed.text(word);
  }
  hashed.text(request.cwd);
  hashed.text(request.reason);
  hashed.text(name_of(request.reason_from));
  hashed.text(request.ticket);
  hashed.text(name_of(request.urgency));
  hashed.maybe(request.asked_s);
  hashed.text(request.via);
  hashed.text(request.offer.rule);
  hashed.text(request.offer.fingerprint);
  hashed.number(request.offer.seats.size());
  for (const policy::Seat& seat : request.offer.seats) {
    hashed.text(seat.set);
    hashed.number(seat.count);
  }
  hashed.number(request.offer.give_s);
  hashed.number(request.offer.max_s);
  hashed.number(request.offer.wait_s);
  hashed.number(request.offer.claim_s);
  hashed.text(policy::name_of(request.offer.scope));
  hashed.text(request.policy_hash);
  hashed.text(request.boot_id);
  hashed.number(static_cast<std::uint64_t>(request.created));
  hashed.number(static_cast<std::uint64_t>(request.deadline));
  return hashed.hex();
}

}  // namespace jit::core
