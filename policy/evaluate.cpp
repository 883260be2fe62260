// SPDX-License-Identifier: Apache-2.0
#include "policy/evaluate.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "policy/explain.h"
#include "policy/match.h"

namespace jit::policy {
namespace {

using State = Evaluation::State;
using Refusal = Evaluation::Refusal;

constexpr std::size_t kMostNear = 1024;  // permits that an explanation looks at

Index::Bound key_of(const Evaluation::Proposal& proposal) {
  return {static_cast<std::uint32_t>(proposal.state), proposal.terms.seat_count(), proposal.terms.requirement_count(),
          ~proposal.terms.give_of_rules()};
}

bool better(const Evaluation::Choice& a, const Evaluation::Choice& b) {
  return a.bound != b.bound ? a.bound < b.bound : a.permit->id < b.permit->id;
}

bool better(const Evaluation::Proposal& a, const Evaluation::Proposal& b) {
  return better({a.permit, key_of(a)}, {b.permit, key_of(b)});
}

// Mostly the sets are plainly large enough, or plainly not listable; only else are people matched one by one.
State fill(const RuleSet& policy, const Terms& terms, const Request& request, Seating& room) {
  if (!terms.asks_people()) return State::kFeasible;
  // The requester is at most two members: his person, and a user name of his.
  const auto plenty = static_cast<std::uint32_t>(terms.seat_count() + 2 + request.absent.size());
  const Quorum quorum = terms.quorum();
  bool sure = quorum.votes == Votes::kAny && !quorum.self;
  bool open = false;
  for (const SeatRef& seat : quorum.seats) {
    const Approval::Known& known = seat.need->known;
    const bool unlisted = known.open_ended && known.people == 0;
    open = open || unlisted;
    sure = sure && !known.varies && (unlisted || known.people >= plenty);
  }
  if (sure) return open ? State::kCannotTell : State::kFeasible;
  switch (terms.can_fill(policy, request, room)) {
    case Filling::Answer::kYes: return State::kFeasible;
    case Filling::Answer::kCannotTell: return State::kCannotTell;
    case Filling::Answer::kNo: break;
  }
  return State::kInfeasible;
}

class Evaluator {
 public:
  Evaluator(const RuleSet& policy, const Index& index, const Request& request, Evaluation& out)
      : policy_(policy), index_(index), request_(request), out_(out), scene_{policy, request, &out.read} {}

  void run() {
    if (request_.subject == nullptr || request_.target == nullptr || request_.root == nullptr) return refuse(Refusal::kIncomplete);
    if (!policy_.covers(request_.door)) return refuse(Refusal::kNotCovered);
    if (request_.asked_s == 0U) return refuse(Refusal::kNoLength);
    collect_guards();
    if (!request_.via.empty()) return named();
    index_.permits(request_, out_.permits);
    if (ordinary()) return accept();
    if (break_glass()) return choose();
    if (out_.matched.empty()) return nothing();
  }

  bool prefers(const Rule& a, const Rule& b) {
    collect_guards();
    propose(a);
    std::swap(out_.current, out_.best);
    propose(b);
    return better(out_.best, out_.current);
  }

 private:
  void refuse(Refusal refusal) { out_.refusal = refusal; }

  void collect_guards() {
    const bool claim = target_is_claim(request_);
    index_.guards(request_, out_.guards);
    for (const std::uint32_t position : out_.guards.found) {
      const Rule& guard = policy_.guards[position];
      const Evaluation::Hit hit{&guard, whole(guard, scene_, *request_.target) != Truth::kFalse,
                                claim && whole(guard, scene_, *request_.root) != Truth::kFalse};
      if (hit.claimed || hit.root) out_.hits.push_back(hit);
    }
  }

  void propose(const Rule& permit) {
    Evaluation::Proposal& made = out_.current;
    made.permit = &permit;
    made.terms.begin(policy_, permit, request_.door);
    if (waives_any(permit)) {
      add_guards(permit, made.terms);
    } else {
      made.terms.add(shared(permit));
    }
    made.terms.finish(request_);
    made.state = made.terms.flaws().empty() ? fill(policy_, made.terms, request_, out_.room) : State::kInfeasible;
    if (made.state != State::kInfeasible) return;
    const std::vector<Flaw>& flaws = made.terms.flaws();
    if (flaws.empty()) note({&permit, {Fault::kSeats, nullptr}});
    // Who is refused need not hear what else would be missing.
    const bool denied = std::ranges::find(flaws, Fault::kDenied, &Flaw::fault) != flaws.end();
    for (const Flaw& flaw : flaws) {
      if (!denied || flaw.fault == Fault::kDenied) note({&permit, flaw});
    }
  }

  void add_guards(const Rule& permit, Terms& terms) {
    for (const Evaluation::Hit& hit : out_.hits) {
      if (!hit.guard->observe && concerns(hit, permit, request_)) terms.add(*hit.guard);
    }
  }

  bool waives_any(const Rule& permit) const {
    return permit.break_glass && std::ranges::any_of(out_.hits, [&](const Evaluation::Hit& hit) { return waives(permit, *hit.guard); });
  }

  // The same for all permits that waive nothing, but for those that name the target of a claim: gathered once for each kind.
  const Terms& shared(const Rule& permit) {
    Evaluation::Shared& held = permit.unverified_as ? out_.for_claims : out_.for_either;
    if (!held.known) {
      held.terms.begin_guards(policy_, request_.door);
      add_guards(permit, held.terms);
      held.terms.finish_guards(Evaluation::kMostReasons);
      held.known = true;
    }
    return held.terms;
  }

  void note(const Evaluation::Reason& reason) {
    if (out_.reasons.size() < Evaluation::kMostReasons) out_.reasons.push_back(reason);
  }

  // Looks from the best rank on, and no further than something better can come.
  bool ordinary() {
    bool found = false;
    std::uint32_t done = Index::kNoKind;  // a kind that has its offer: the others of it differ by a later id only
    for (const std::uint32_t rank : out_.permits.found) {
      const Index::Ranked& ranked = index_.permit(rank);
      if (found && ranked.kind == done) continue;
      if (found && ranked.bound > key_of(out_.best)) break;
      if (ranked.rule->break_glass || !permit_matches(*ranked.rule, scene_)) continue;
      out_.matched.push_back(ranked.rule);
      propose(*ranked.rule);
      if (out_.current.state == State::kInfeasible) continue;
      done = ranked.kind;
      if (found && !better(out_.current, out_.best)) continue;
      std::swap(out_.current, out_.best);
      found = true;
    }
    return found;
  }

  bool break_glass() {
    for (const std::uint32_t rank : out_.permits.found) {
      const Rule& permit = *index_.permit(rank).rule;
      if (!permit.break_glass || !permit_matches(permit, scene_)) continue;
      out_.matched.push_back(&permit);
      propose(permit);
      if (out_.current.state == State::kInfeasible) continue;
      const bool first = out_.choices.empty();
      out_.choices.push_back({&permit, key_of(out_.current)});
      if (first || better(out_.current, out_.best)) std::swap(out_.current, out_.best);
    }
    std::ranges::sort(out_.choices, [](const Evaluation::Choice& a, const Evaluation::Choice& b) { return better(a, b); });
    return !out_.choices.empty();
  }

  void accept() {
    const Terms& terms = out_.best.terms;
    const bool lacks = terms.lacks_reason() || terms.lacks_ticket();
    out_.outcome = lacks ? Outcome::kNeeds : terms.asks_people() ? Outcome::kApproval : Outcome::kAllow;
  }

  // Break-glass is a deliberate second step.
  void choose() {
    if (!request_.can_ask) return refuse(Refusal::kOnlyBreakGlass);
    out_.outcome = Outcome::kNeeds;
  }

  void named() {
    const Rule* permit = policy_.permit_named(request_.via);
    if (permit == nullptr) return refuse(Refusal::kNoSuchPermit);
    if (!permit_matches(*permit, scene_)) {
      out_.near.push_back(permit);
      return refuse(Refusal::kNamedMismatch);
    }
    out_.matched.push_back(permit);
    propose(*permit);
    if (out_.current.state == State::kInfeasible) return;
    std::swap(out_.current, out_.best);
    accept();
  }

  // The nearest permits of this subject, all that are equally near.
  void nothing() {
    refuse(Refusal::kNothingPermits);
    index_.permits_for(*request_.subject, kMostNear, out_.permits);
    unsigned least = std::numeric_limits<unsigned>::max();
    for (const std::uint32_t rank : out_.permits.found) {
      const Rule* permit = index_.permit(rank).rule;
      const unsigned far = distance(*permit, scene_);
      if (far > least) continue;
      if (far < least) out_.near.clear();
      least = far;
      out_.near.push_back(permit);
    }
    std::ranges::sort(out_.near, {}, [](const Rule* rule) -> const std::string& { return rule->id; });
  }

  const RuleSet& policy_;
  const Index& index_;
  const Request& request_;
  Evaluation& out_;
  const Scene scene_;
};

}  // namespace

bool waives(const Rule& permit, const Rule& guard) {
  return permit.break_glass && std::ranges::find(guard.yields_to, permit.id, &Text::value) != guard.yields_to.end();
}

bool concerns(const Evaluation::Hit& hit, const Rule& permit, const Request& request) {
  if (!hit.claimed && (permit.unverified_as || !target_is_claim(request))) return false;
  return !waives(permit, *hit.guard);
}

bool preferred(const Rule& a, const Rule& b, const RuleSet& policy, const Index& index, const Request& request) {
  Evaluation out;
  return Evaluator(policy, index, request, out).prefers(a, b);
}

void evaluate(const RuleSet& policy, const Index& index, const Request& request, Evaluation& out) {
  out.outcome = Outcome::kDeny;
  out.refusal = Refusal::kNone;
  out.best.permit = nullptr;
  out.choices.clear();
  out.for_claims.known = out.for_either.known = false;
  out.hits.clear();
  out.matched.clear();
  out.reasons.clear();
  out.near.clear();
  out.read.clear();
  Evaluator(policy, index, request, out).run();
}

}  // namespace jit::policy
