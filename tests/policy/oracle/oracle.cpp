// SPDX-License-Identifier: Apache-2.0
// How several matching rules combine. Quotations are from the policy language's document.
#include "tests/policy/oracle/oracle.h"

#include <algorithm>
#include <array>
#include <tuple>

namespace jit::policy::oracle {
namespace {

struct Proposal {
  const Rule* permit = nullptr;
  std::vector<const Rule*> guards, observing;
  Offer offer;
  std::uint32_t rules_give = 0;  // before what was asked
  enum class State : std::uint8_t { kFeasible, kCannotTell, kInfeasible } state = State::kFeasible;
  std::vector<std::string> missing;

  std::size_t requirements() const {
    return (offer.reason_required ? 1U : 0U) + offer.tickets.size() + (offer.record ? 1U : 0U) + offer.notify.size() +
           (offer.review_s != 0 ? 1U : 0U);
  }
  std::uint32_t seats() const {
    std::uint32_t out = 0;
    for (const Seat& seat : offer.seats) out += seat.count;
    return out;
  }
};

template <class T>
void add_once(std::vector<T>& list, const T& item) {
  if (std::ranges::count(list, item) == 0) list.push_back(item);
}

// "seats = the permit's plus every guard's (per set the larger count; other sets add; sets are compared by name)"
void add_seat(std::vector<Seat>& seats, const Need& need) {
  for (Seat& seat : seats) {
    if (seat.set == need.from.text()) {
      seat.count = std::max(seat.count, need.count);
      return;
    }
  }
  seats.push_back({need.from.text(), need.count});
}

// "`votes` the strictest; `machines` and `self` only if all allow; `match` if any; ladders united, over the approvals that
// the permit and its guards name (a rule without one has no say)"; "`wait` = minimum"
void merge_approvals(const Model& model, const std::vector<const Rule*>& rules, Offer& offer) {
  bool first = true;
  offer.wait_s = 600;
  for (const Rule* rule : rules) {
    if (rule->approval.empty()) continue;
    const Approval& approval = approval_named(model, rule->approval);
    for (const Need& need : approval.need) add_seat(offer.seats, need);
    offer.votes = std::max(offer.votes, approval.votes.value_or(model.votes.value_or(Votes::kAny)));
    offer.machines = approval.machines && (first || offer.machines);
    offer.self = approval.self && (first || offer.self);
    offer.match = offer.match || approval.match;
    const std::uint32_t wait = approval.wait_s.value_or(600);
    offer.wait_s = first ? wait : std::min(offer.wait_s, wait);
    for (const Step& step : approval.escalate) add_once(offer.ladder, step);
    first = false;
  }
  // "a step at or after the united `wait` never happens"
  std::erase_if(offer.ladder, [&](const Step& step) { return step.after_s >= offer.wait_s; });
}

// "`require` merged by kind (longest reason, soonest review, every ticket pattern and channel)"
void merge_require(const std::vector<const Rule*>& rules, Offer& offer) {
  for (const Rule* rule : rules) {
    const Require& require = rule->require;
    if (require.reason_min) {
      offer.reason_required = true;
      offer.reason_min = std::max(offer.reason_min, *require.reason_min);
    }
    for (const std::string& ticket : require.tickets) add_once(offer.tickets, ticket);
    offer.record = offer.record || require.record;
    for (const std::string& channel : require.notify) add_once(offer.notify, channel);
    if (require.review_s) offer.review_s = offer.review_s == 0 ? *require.review_s : std::min(offer.review_s, *require.review_s);
  }
  // `ticket` alone names no pattern: where one must match, that there is any text says no more.
  if (offer.tickets.size() > 1) std::erase(offer.tickets, std::string());
}

// "sudo has command, tty, session; su tty, session; ssh and login session, login"; "polkit: `scope` has no effect"
bool door_has(Door door, Scope scope) {
  switch (door) {
    case Door::kSudo: return scope != Scope::kLogin;
    case Door::kSu: return scope == Scope::kTty || scope == Scope::kSession;
    case Door::kSsh:
    case Door::kLogin: return scope == Scope::kSession || scope == Scope::kLogin;
    case Door::kPolkit: break;
  }
  return true;
}

// "`scope` defaults to `login` at ssh and login, `command` where `run` is given, else `tty`."
Scope default_scope(const Rule& permit, Door door) {
  if (door == Door::kSsh || door == Door::kLogin) return Scope::kLogin;
  return permit.tests.run ? Scope::kCommand : Scope::kTty;
}

// "`give`, `max`, `wait` = minimum, `give` never above `max`; `scope` = narrowest"; "A request for longer than `max` gets
// `max`, and the answer says so."
void merge_times(const std::vector<const Rule*>& rules, const Request& request, Proposal& out) {
  const Rule& permit = *out.permit;
  Offer& offer = out.offer;
  offer.max_s = permit.max_s.value();
  out.rules_give = permit.give_s.value_or(offer.max_s);  // "`max` is required; `give` defaults to it"
  offer.scope = permit.scope.value_or(default_scope(permit, request.door));
  if (!door_has(request.door, offer.scope)) out.state = Proposal::State::kInfeasible;
  for (const Rule* rule : rules) {
    if (rule->max_s) offer.max_s = std::min(offer.max_s, *rule->max_s);
    if (rule->give_s) out.rules_give = std::min(out.rules_give, *rule->give_s);
    if (!rule->scope) continue;
    offer.scope = std::min(offer.scope, *rule->scope);
    // "a scope of the permit or of any applicable guard that the door lacks makes the offer infeasible"
    if (!door_has(request.door, *rule->scope)) out.state = Proposal::State::kInfeasible;
  }
  out.rules_give = std::min(out.rules_give, offer.max_s);
  offer.give_s = request.asked_s ? std::min(*request.asked_s, offer.max_s) : out.rules_give;
  offer.shortened = request.asked_s && *request.asked_s > offer.max_s;
}

bool blank(char c) { return c == ' ' || c == '\t'; }

// "Reason length is code points of the trimmed text"
std::size_t length(std::string_view text) {
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  std::size_t out = 0;
  for (const char c : text) out += (static_cast<unsigned char>(c) & 0xc0U) != 0x80U ? 1U : 0U;
  return out;
}

// "Ticket patterns: literal text, `#` for a digit"; "a ticket pattern matches the whole text"
bool ticket_fits(std::string_view pattern, std::string_view ticket) {
  if (pattern.empty()) return !ticket.empty();
  if (pattern.size() != ticket.size()) return false;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const bool digit = ticket[i] >= '0' && ticket[i] <= '9';
    if (pattern[i] == '#' ? !digit : pattern[i] != ticket[i]) return false;
  }
  return true;
}

// "One that the front end cannot honour makes the offer infeasible"; "An offer that lacks text which the front end can ask
// for is `needs`"
void judge_obligations(const Request& request, Proposal& out) {
  const Offer& offer = out.offer;
  // "`record` is honoured at sudo only, with its I/O log"
  if (offer.record && !(request.recorder && request.door == Door::kSudo)) out.state = Proposal::State::kInfeasible;
  if (!offer.notify.empty() && !request.can_notify) out.state = Proposal::State::kInfeasible;
  if (offer.review_s != 0 && !request.can_review) out.state = Proposal::State::kInfeasible;
  // "`JIT_REASON` is shown as "from environment" and never satisfies break-glass."
  const bool counts = !(offer.break_glass && request.reason_from_environment);
  const std::size_t given = counts ? length(request.reason) : 0;
  if (offer.reason_required && (given == 0 || given < offer.reason_min)) out.missing.emplace_back("reason");
  for (const std::string& pattern : offer.tickets) {
    if (!ticket_fits(pattern, request.ticket)) add_once(out.missing, std::string("ticket"));
  }
  if (!out.missing.empty() && !request.can_ask) out.state = Proposal::State::kInfeasible;
}

// "`on-expiry` defaults to `end` for shells and logins, and to `finish` where `run` is given: ... within `run-max` (24h)"
void set_expiry(const Rule& permit, Offer& offer) {
  offer.on_expiry = permit.on_expiry.value_or(permit.tests.run ? Expiry::kFinish : Expiry::kEnd);
  offer.run_max_s = offer.on_expiry == Expiry::kEnd ? 0 : permit.run_max_s.value_or(86400);
  offer.warn_before_s = permit.warn_before_s.value_or(std::vector<std::uint32_t>{300, 60});
  std::ranges::sort(offer.warn_before_s, std::greater<>());
}

Proposal propose(const Model& model, const Rule& permit, const std::vector<const Rule*>& guards, const Request& request) {
  Proposal out;
  out.permit = &permit;
  out.guards = guards;
  out.offer.rule = permit.id;
  out.offer.break_glass = permit.break_glass;
  out.offer.claim_s = permit.claim_s.value_or(600);
  std::vector<const Rule*> rules = guards;
  rules.insert(rules.begin(), &permit);
  merge_approvals(model, rules, out.offer);
  merge_require(rules, out.offer);
  merge_times(rules, request, out);
  set_expiry(permit, out.offer);
  judge_obligations(request, out);
  if (out.state == Proposal::State::kInfeasible) return out;
  const Fill filled = fill(model, out.offer, request);
  if (filled == Fill::kNo) out.state = Proposal::State::kInfeasible;
  if (filled == Fill::kCannotTell) out.state = Proposal::State::kCannotTell;
  return out;
}

// "Order offers by: feasible, then "cannot tell", fewer seats, fewer requirements (after merging), longer `give`, id."
bool better(const Proposal& a, const Proposal& b) {
  const auto key = [](const Proposal& p) { return std::tuple(p.state, p.seats(), p.requirements(), -std::int64_t{p.rules_give}, p.permit->id); };
  return key(a) < key(b);
}

void name_rules(const Proposal& proposal, Decision& out) {
  add_once(out.rules, proposal.permit->id);
  for (const Rule* guard : proposal.guards) add_once(out.rules, guard->id);
  for (const Rule* guard : proposal.observing) add_once(out.observed, Observed{guard->id, ""});
}

Outcome would_be(const Proposal& proposal) { return proposal.offer.seats.empty() ? Outcome::kAllow : Outcome::kApproval; }

// "Outcomes: allow, deny, approval, needs. An offer that lacks text which the front end can ask for is `needs`, and carries
// what it would become."
Decision answer(const Proposal& proposal) {
  Decision out;
  out.offer = proposal.offer;
  out.outcome = proposal.missing.empty() ? would_be(proposal) : Outcome::kNeeds;
  out.then = would_be(proposal);
  out.missing = proposal.missing;
  name_rules(proposal, out);
  return out;
}

// "If only break-glass is left: `needs` a choice". What the chosen one lacks is asked for then: "a deliberate second step".
Decision choice(const std::vector<const Proposal*>& left) {
  Decision out;
  out.outcome = Outcome::kNeeds;
  out.offer = left.front()->offer;
  out.then = would_be(*left.front());
  out.missing = {"choice"};
  for (const Proposal* proposal : left) {
    name_rules(*proposal, out);
    out.choices.push_back({});
    out.choices.back().rule = proposal->permit->id;
  }
  return out;
}

// "2. Collect applicable guards; for a permit marked `break-glass`, leave out those whose `yields-to` names it."
std::vector<const Rule*> guards_of(const Model& model, const Rule& permit, const Request& request, bool observing) {
  std::vector<const Rule*> out;
  for (const Rule& guard : model.rules) {
    // "observe: logged, not applied"
    if (guard.permit || guard.observe != observing || !guard_applies_to(model, permit, guard, request)) continue;
    if (permit.break_glass && std::ranges::count(guard.yields_to, permit.id) > 0) continue;
    out.push_back(&guard);
  }
  return out;
}

void note(const Model& model, const Rule& permit, const Request& request, Decision& out) {
  add_once(out.near, permit.id);
  for (const Rule& guard : model.rules) {
    if (!guard.permit && guard_applies_to(model, permit, guard, request)) add_once(out.near, guard.id);
  }
}

bool tied(const Proposal& a, const Proposal& b) {
  return a.state == b.state && a.seats() == b.seats() && a.requirements() == b.requirements() && a.rules_give == b.rules_give;
}

// "A permit facing a `deny` is dropped; none left: deny, with every reason." `denied` names what stood in the way.
std::vector<Proposal> proposals_of(const Model& model, const Request& request, Decision& denied) {
  std::vector<Proposal> out;
  for (const Rule& permit : model.rules) {
    if (!permit.permit || (!request.via.empty() && request.via != permit.id) || !permit_matches(model, permit, request)) continue;
    Proposal proposal = propose(model, permit, guards_of(model, permit, request, false), request);
    proposal.observing = guards_of(model, permit, request, true);
    note(model, permit, request, denied);
    name_rules(proposal, denied);
    const bool drop = std::ranges::any_of(proposal.guards, [](const Rule* guard) { return guard->deny.has_value(); });
    if (!drop) out.push_back(std::move(proposal));
  }
  std::ranges::sort(out, better);
  if (out.size() > 1 && tied(out[0], out[1])) denied.why.emplace_back("tie");
  return out;
}

// "1. Collect matching permits; none: deny (the reason also lists the `deny` texts of the guards that apply)."
void name_deniers(const Model& model, const Request& request, Decision& out) {
  const Rule nobody;
  for (const Rule& guard : model.rules) {
    if (guard.permit || !guard_applies_to(model, nobody, guard, request)) continue;
    if (guard.observe) {
      out.observed.push_back({guard.id, ""});
    } else if (guard.deny) {
      out.rules.push_back(guard.id);
    }
  }
}

Decision choose(const Model& model, const Request& request, Decision& denied) {
  // "A `pam_jit` line in a service of no covered door denies."
  if (std::ranges::count(model.covers, request.door) == 0) return denied;
  // "durations are one positive integer": nothing lasts no time.
  if (request.asked_s == 0U) return denied;
  const std::vector<Proposal> proposals = proposals_of(model, request, denied);
  if (denied.near.empty() && request.via.empty()) name_deniers(model, request, denied);
  std::vector<const Proposal*> glass;
  for (const Proposal& proposal : proposals) {
    if (proposal.state == Proposal::State::kInfeasible) continue;
    // "`--via id` names another, and if that makes an infeasible offer or none: deny, nothing else is tried."
    if (!request.via.empty()) return answer(proposal);
    // "The first that is not break-glass and not infeasible is proposed"
    if (!proposal.permit->break_glass) return answer(proposal);
    glass.push_back(&proposal);
  }
  // "If only break-glass is left: `needs` a choice, or a deny that names `--via` where nobody can be asked."
  return glass.empty() || !request.can_ask ? denied : choice(glass);
}

}  // namespace

Decision decide(const Model& model, const Request& request) {
  Decision denied;
  Decision out = choose(model, request, denied);
  out.near = denied.near;
  out.why = denied.why;
  return out;
}

// "A grant covers a request only if the permit it came from matches that request now"; "a permit that is gone ... covers
// nothing any more"; "At every use the applicable guards run: a `deny` refuses that use; other tightening counts for new
// requests."
bool use_refused(const Model& model, const std::string& permit, const Request& request) {
  if (std::ranges::count(model.covers, request.door) == 0) return true;
  const auto rule = std::ranges::find(model.rules, permit, &Rule::id);
  if (rule == model.rules.end() || !rule->permit || !permit_matches(model, *rule, request)) return true;
  const auto guards = guards_of(model, *rule, request, false);
  if (std::ranges::any_of(guards, [](const Rule* guard) { return guard->deny.has_value(); })) return true;
  // Of other tightening only `record` counts for a grant that is there: what runs unrecorded is never seen again.
  const bool records = rule->require.record || std::ranges::any_of(guards, [](const Rule* guard) { return guard->require.record; });
  return records && !request.recorder;
}

}  // namespace jit::policy::oracle
