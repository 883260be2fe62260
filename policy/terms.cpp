// SPDX-License-Identifier: Apache-2.0
#include "policy/terms.h"

#include <algorithm>
#include <array>
#include <functional>
#include <tuple>

namespace jit::policy {
namespace {

constexpr std::uint32_t kWait = 600;  // where no approval says it
constexpr std::uint32_t kClaim = 600;
constexpr std::uint32_t kRunMax = 86400;
constexpr std::array<std::uint32_t, 2> kWarnBefore{300, 60};

void least(std::optional<std::uint32_t>& value, const std::optional<std::uint32_t>& other) {
  if (other) value = std::min(value.value_or(*other), *other);
}

// Into a short list that is kept in the order of its texts, once each.
void add_text(std::vector<const std::string*>& list, const std::string& text) {
  const auto at = std::ranges::lower_bound(list, text, {}, [](const std::string* held) -> const std::string& { return *held; });
  if (at == list.end() || **at != text) list.insert(at, &text);
}

const std::string& set_of(const SeatRef& seat) { return seat.need->seat.set; }

std::int64_t votes_at(const Request& request) { return request.seats_at != 0 ? request.seats_at : request.now; }

auto order_of(const Step& step) { return std::tie(step.after_s, step.add, step.to, step.notify); }

Scope usual_scope(const Rule& permit, Door door) {
  if (door == Door::kSsh || door == Door::kLogin) return Scope::kLogin;
  return permit.tests.run ? Scope::kCommand : Scope::kTty;
}

}  // namespace

bool door_has(Door door, Scope scope) {
  switch (door) {
    case Door::kSudo: return scope != Scope::kLogin;
    case Door::kSu: return scope == Scope::kTty || scope == Scope::kSession;
    case Door::kSsh:
    case Door::kLogin: return scope == Scope::kSession || scope == Scope::kLogin;
    case Door::kPolkit: return true;  // has no effect there: the grant ends with the answer
  }
  return false;
}

std::size_t reason_length(std::string_view reason) {
  constexpr std::string_view kSpace = " \t\n\v\f\r";
  const std::size_t first = reason.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return 0;
  reason = reason.substr(first, reason.find_last_not_of(kSpace) - first + 1);
  return static_cast<std::size_t>(std::ranges::count_if(reason, [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }));
}

bool ticket_fits(std::string_view pattern, std::string_view ticket) {
  if (pattern.empty()) return reason_length(ticket) > 0;
  return std::ranges::equal(pattern, ticket, [](char want, char got) { return want == '#' ? got >= '0' && got <= '9' : want == got; });
}

void Terms::begin(const RuleSet& policy, const Rule& permit, Door door) {
  reset(policy, door, permit.scope.value_or(usual_scope(permit, door)));
  permit_ = &permit;
  add(permit);
}

void Terms::begin_guards(const RuleSet& policy, Door door) { reset(policy, door, Scope::kLogin); }

void Terms::finish_guards(std::size_t flaws) {
  const auto denies = [](const Flaw& flaw) { return flaw.fault == Fault::kDenied; };
  if (std::ranges::any_of(flaws_, denies)) std::erase_if(flaws_, [&](const Flaw& flaw) { return !denies(flaw); });
  if (flaws_.size() > flaws) flaws_.resize(flaws);
}

void Terms::reset(const RuleSet& policy, Door door, Scope scope) {
  policy_ = &policy;
  permit_ = nullptr;
  door_ = door;
  seats_.clear();
  tickets_.clear();
  notify_.clear();
  ladder_.clear();
  flaws_.clear();
  reason_min_ = review_s_ = give_ = max_ = wait_ = std::nullopt;
  votes_ = Votes::kAny;
  scope_ = scope;
  approvals_ = machines_ = self_ = match_ = record_ = shortened_ = lacks_reason_ = lacks_ticket_ = false;
}

// Per set the larger count, other sets add; in the order of names, so that the order of rules does not show.
void Terms::add_seat(const SeatRef& seat) {
  const auto at = std::ranges::lower_bound(seats_, set_of(seat), {}, set_of);
  if (at == seats_.end() || set_of(*at) != set_of(seat)) {
    seats_.insert(at, seat);
  } else {
    at->count = std::max(at->count, seat.count);
  }
}

void Terms::add_step(const Step& step) {
  const auto at = std::ranges::lower_bound(ladder_, step, [](const Step& a, const Step& b) { return order_of(a) < order_of(b); },
                                           [](const Step* held) -> const Step& { return *held; });
  if (at == ladder_.end() || !(**at == step)) ladder_.insert(at, &step);
}

void Terms::add_approval(const Approval& approval) {
  for (const Approval::Need& need : approval.need) add_seat({&need, need.seat.count});
  votes_ = std::max(votes_, approval.votes.value_or(policy_->votes.value_or(Votes::kAny)));
  machines_ = approval.machines && (machines_ || !approvals_);
  self_ = approval.self && (self_ || !approvals_);
  match_ = match_ || approval.match;
  least(wait_, approval.wait_s.value_or(kWait));
  for (const Approval::Rung& rung : approval.escalate) add_step(rung.step);
  approvals_ = true;
}

void Terms::add_requirements(const Requirements& require) {
  if (require.reason_min) reason_min_ = std::max(reason_min_.value_or(0), *require.reason_min);
  for (const std::string& ticket : require.tickets) add_text(tickets_, ticket);
  for (const std::string& channel : require.notify) add_text(notify_, channel);
  record_ = record_ || require.record;
  least(review_s_, require.review_s);
}

void Terms::add(const Rule& rule) {
  if (rule.deny) flaws_.push_back({Fault::kDenied, &rule});
  if (rule.approval != nullptr) add_approval(*rule.approval);
  add_requirements(rule.require);
  least(give_, rule.give_s);
  least(max_, rule.max_s);
  if (!rule.scope) return;
  scope_ = std::min(scope_, *rule.scope);
  if (!door_has(door_, *rule.scope)) flaws_.push_back({Fault::kScope, &rule});
}

void Terms::add(const Terms& guards) {
  for (const SeatRef& seat : guards.seats_) add_seat(seat);
  for (const Step* step : guards.ladder_) add_step(*step);
  if (guards.approvals_) {
    votes_ = std::max(votes_, guards.votes_);
    machines_ = guards.machines_ && (machines_ || !approvals_);
    self_ = guards.self_ && (self_ || !approvals_);
    match_ = match_ || guards.match_;
    approvals_ = true;
  }
  if (guards.reason_min_) reason_min_ = std::max(reason_min_.value_or(0), *guards.reason_min_);
  for (const std::string* ticket : guards.tickets_) add_text(tickets_, *ticket);
  for (const std::string* channel : guards.notify_) add_text(notify_, *channel);
  record_ = record_ || guards.record_;
  least(review_s_, guards.review_s_);
  least(wait_, guards.wait_);
  least(give_, guards.give_);
  least(max_, guards.max_);
  scope_ = std::min(scope_, guards.scope_);
  flaws_.insert(flaws_.end(), guards.flaws_.begin(), guards.flaws_.end());
}

void Terms::finish(const Request& request) {
  max_s_ = max_.value_or(0);
  give_of_rules_ = std::min(give_.value_or(max_s_), max_s_);
  give_s_ = request.asked_s ? std::min(*request.asked_s, max_s_) : give_of_rules_;
  shortened_ = request.asked_s && *request.asked_s > max_s_;
  wait_s_ = wait_.value_or(kWait);
  std::erase_if(ladder_, [&](const Step* step) { return step->after_s >= wait_s_; });

  if (record_ && (request.door != Door::kSudo || !request.recorder)) flaws_.push_back({Fault::kRecord, nullptr});
  if (!notify_.empty() && !request.can_notify) flaws_.push_back({Fault::kNotify, nullptr});
  if (review_s_ && !request.can_review) flaws_.push_back({Fault::kReview, nullptr});
  if (reason_min_) {
    const bool counts = !permit_->break_glass || !request.reason_from_environment;
    lacks_reason_ = (counts ? reason_length(request.reason) : 0) < std::max(1U, *reason_min_);
  }
  // Where a pattern must match, that there is any text says no more.
  if (tickets_.size() > 1 && tickets_.front()->empty()) tickets_.erase(tickets_.begin());
  lacks_ticket_ = !std::ranges::all_of(tickets_, [&](const std::string* pattern) { return ticket_fits(*pattern, request.ticket); });
  if (request.can_ask) return;
  if (lacks_reason_) flaws_.push_back({Fault::kReason, nullptr});
  if (lacks_ticket_) flaws_.push_back({Fault::kTicket, nullptr});
}

Terms terms_of(const RuleSet& policy, const Rule& permit, std::span<const Rule* const> guards, Door door) {
  Terms out;
  out.begin(policy, permit, door);
  for (const Rule* guard : guards) out.add(*guard);
  Request able;
  able.door = door;
  able.can_ask = able.recorder = able.can_notify = able.can_review = true;
  out.finish(able);
  return out;
}

std::uint32_t Terms::seat_count() const {
  std::uint32_t out = 0;
  for (const SeatRef& seat : seats_) out += seat.count;
  return out;
}

std::uint32_t Terms::requirement_count() const {
  const std::size_t any_text = tickets_.size() > 1 && tickets_.front()->empty() ? 1 : 0;
  return static_cast<std::uint32_t>((reason_min_ ? 1U : 0U) + tickets_.size() - any_text + notify_.size() + (record_ ? 1U : 0U) + (review_s_ ? 1U : 0U));
}

Filling Terms::can_fill(const RuleSet& policy, const Request& request) const {
  return policy::can_fill(policy, quorum(request.absent), request.subject, votes_at(request));
}

Filling::Answer Terms::can_fill(const RuleSet& policy, const Request& request, Seating& room) const {
  return policy::can_fill(policy, quorum(request.absent), request.subject, votes_at(request), room);
}

Offer Terms::render() const {
  Offer out;
  out.rule = permit_->id;
  out.fingerprint = permit_->fingerprint;
  for (const SeatRef& seat : seats_) out.seats.push_back({set_of(seat), seat.count});
  out.reason_required = reason_min_.has_value();
  out.reason_min = reason_min_.value_or(0);
  out.give_s = give_s_;
  out.max_s = max_s_;
  out.wait_s = wait_s_;
  out.claim_s = permit_->claim_s.value_or(kClaim);
  out.scope = scope_;
  out.shortened = shortened_;
  for (const std::string* ticket : tickets_) out.tickets.push_back(*ticket);
  out.record = record_;
  for (const std::string* channel : notify_) out.notify.push_back(*channel);
  out.review_s = review_s_.value_or(0);
  out.votes = votes_;
  out.machines = machines_;
  out.match = match_;
  out.self = self_;
  for (const Step* step : ladder_) out.ladder.push_back(*step);
  out.break_glass = permit_->break_glass;
  out.on_expiry = permit_->on_expiry.value_or(permit_->tests.run ? Expiry::kFinish : Expiry::kEnd);
  if (out.on_expiry != Expiry::kEnd) out.run_max_s = permit_->run_max_s.value_or(kRunMax);
  out.warn_before_s = permit_->warn_before_s.value_or(std::vector<std::uint32_t>(kWarnBefore.begin(), kWarnBefore.end()));
  std::ranges::sort(out.warn_before_s, std::greater<>());
  return out;
}

}  // namespace jit::policy
