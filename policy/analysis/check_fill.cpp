// SPDX-License-Identifier: Apache-2.0
// Seats that nobody can fill: E06 over a permit and the guards that always narrow it, W18 where all keys have ended, E07 in a
// hole of a roster.
#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "policy/analysis/study.h"
#include "policy/evaluate.h"
#include "policy/crew.h"
#include "policy/ticked.h"
#include "policy/terms.h"

namespace jit::policy::analysis {
namespace {

// The seats that every request of this permit must fill.
void check_merged(Study& study, const Entry& permit) {
  const RuleSet& rules = study.rules();
  const std::vector<const Entry*> always = study.always_on(permit);
  if (always.empty()) return;
  Sample shown = study.find(study.allowed_part(permit, permit.region));
  if (!shown.request) return;
  std::vector<const Rule*> guards;
  for (const Entry* guard : always) guards.push_back(guard->rule);
  const Terms terms = terms_of(rules, *permit.rule, guards, shown.request->door);
  const Quorum quorum = terms.quorum();
  Filling filling = could_fill(rules, quorum, nullptr);
  if (filling.answer != Filling::Answer::kNo && permit.rule->tests.who) filling = best_for_requesters(rules, permit.rule->tests.who->leaves, quorum);
  if (filling.answer != Filling::Answer::kNo) return;
  shown.request->via = permit.rule->id;
  if (decide(study.policy(), *shown.request).outcome != Outcome::kDeny) return;
  const Rule& guard = *always.front()->rule;
  study.add("E06", permit.rule->place,
            "nobody can fill the seats that permit " + ticked(permit.rule->id) + " and the guards on it ask together: " + filling.why,
            &guard.place, &*shown.request);
}

// Only ended keys, or revoked ones: the policy loads all the same, or a reload could not revoke the last of them.
void check_keys(Study& study, const Approval& approval) {
  const std::vector<SeatRef> seats = seats_of(approval);
  const Filling filling = could_fill(study.rules(), quorum_of(study.rules(), approval, seats), nullptr, study.host().now);
  if (filling.answer != Filling::Answer::kNo) return;
  for (const Entry& permit : study.permits()) {
    if (permit.rule->approval != &approval) continue;
    Sample asked = study.find(study.allowed_part(permit, permit.region));
    if (!asked.request) continue;
    asked.request->via = permit.rule->id;
    study.add("W18", approval.name.place,
              "the keys of those who could fill approval " + ticked(approval.name.value) + " have ended: " + filling.why +
                  "; put a new key in people.d",
              &permit.rule->place, &*asked.request);
    return;
  }
}

// A stretch in which fewer are on duty than are needed; half-open, Unix time.
struct Hole {
  std::int64_t from = 0, to = 0;
  std::int64_t length() const { return to - from; }
};

// How many people a shift names at most; a group or a pattern is as many as one likes.
class OnDuty {
 public:
  explicit OnDuty(const RuleSet& rules) : rules_(rules) {}
  void add(const Shift& shift) {
    for (const Principal& who : shift.who) {
      if (who.kind == Principal::Kind::kGroup || who.prefix || who.uid != kNoUid) open_ = true;
      const Person* person = who.kind == Principal::Kind::kUser ? rules_.person_with(who.name) : nullptr;
      people_.insert(person != nullptr ? person->name : who.kind == Principal::Kind::kPerson ? who.name : who.text());
    }
  }
  bool fewer_than(std::size_t count) const { return !open_ && people_.size() < count; }

 private:
  const RuleSet& rules_;
  std::set<std::string> people_;
  bool open_ = false;
};

// Those of at least `wait` seconds, the longest first. Only where each roster says who is on duty: from now and its first
// shift on, up to its last one. What lies behind the end of a roster is a matter of the next one.
std::vector<Hole> holes_of(const RuleSet& rules, const std::vector<const Roster*>& rosters, std::int64_t now, std::int64_t wait, std::size_t count) {
  Hole known{now, INT64_MAX};
  std::vector<const Shift*> shifts;
  std::set<std::int64_t> changes;
  for (const Roster* roster : rosters) {
    Hole span{INT64_MAX, INT64_MIN};
    for (const Shift& shift : roster->shifts) {
      span = {std::min(span.from, shift.from), std::max(span.to, shift.to)};
      shifts.push_back(&shift);
      changes.insert({shift.from, shift.to});
    }
    known = {std::max(known.from, span.from), std::min(known.to, span.to)};
  }
  if (known.from >= known.to) return {};
  changes.insert({known.from, known.to});
  std::ranges::sort(shifts, {}, &Shift::from);
  std::vector<Hole> out;
  std::vector<const Shift*> running;
  std::size_t next = 0;
  for (auto at = changes.find(known.from); *at < known.to; ++at) {
    const std::int64_t from = *at, to = *std::next(at);
    for (; next < shifts.size() && shifts[next]->from <= from; ++next) running.push_back(shifts[next]);
    std::erase_if(running, [&](const Shift* shift) { return shift->to <= from; });
    OnDuty duty(rules);
    for (const Shift* shift : running) duty.add(*shift);
    if (!duty.fewer_than(count)) continue;
    if (!out.empty() && out.back().to == from) {
      out.back().to = to;
    } else {
      out.push_back({from, to});
    }
  }
  std::erase_if(out, [&](const Hole& hole) { return hole.length() < wait; });
  std::ranges::stable_sort(out, [](const Hole& a, const Hole& b) { return a.length() > b.length(); });
  return out;
}

// A request of this region that begins in the hole and would wait in it to its end, replayed: it must be refused.
std::optional<AnalysisRequest> asked_in(Study& study, const Hole& hole, std::int64_t wait, const Region& region, const Entry& permit, const Rule& asks) {
  const Sample found = study.find(region);
  if (!found.request) return std::nullopt;
  AnalysisRequest request = *found.request;
  request.via = permit.rule->id;
  std::vector<std::int64_t> times{hole.from};
  for (const Rule* rule : {permit.rule, &asks}) {
    for (const Tests* tests : {&rule->tests, rule->unless ? &*rule->unless : nullptr}) {
      if (tests == nullptr || !tests->during) continue;
      for (const Window* window : tests->during->windows) {
        std::int64_t at = hole.from;
        for (int step = 0; step < 64 && (at = window->next_change(at)) != 0 && at <= hole.to - wait; ++step) times.push_back(at);
      }
    }
  }
  for (const std::int64_t time : times) {
    request.now = time;
    if (contains(region, study.rules(), request) && decide(study.policy(), request).outcome == Outcome::kDeny) return request;
  }
  return std::nullopt;
}

std::optional<AnalysisRequest> asked_by_any(Study& study, const Hole& hole, std::int64_t wait, const Approval& approval) {
  for (const Entry& permit : study.permits()) {
    if (permit.rule->approval == &approval) {
      auto request = asked_in(study, hole, wait, study.allowed_part(permit, permit.region), permit, *permit.rule);
      if (request) return request;
    }
    for (const Entry& guard : study.guards()) {
      if (guard.rule->approval != &approval || waives(*permit.rule, *guard.rule) || !may_meet(permit, guard)) continue;
      auto request = asked_in(study, hole, wait, study.allowed_part(permit, intersect(permit.region, guard.region)), permit, *guard.rule);
      if (request) return request;
    }
  }
  return std::nullopt;
}

// Others come to this set's help before the wait is over.
bool helped(const Approval& approval, const Approval::Need& need, std::int64_t wait) {
  return std::ranges::any_of(approval.escalate, [&](const Approval::Rung& rung) {
    return rung.add && rung.step.to == need.seat.set && rung.step.after_s < wait;
  });
}

void check_roster_holes(Study& study, const Approval& approval) {
  const std::int64_t wait = approval.wait_s.value_or(600);
  for (const Approval::Need& need : approval.need) {
    const Crew& crew = *need.crew;
    if (crew.rosters.empty() || crew.open_ended || crew.members.size() >= need.seat.count) continue;
    if (helped(approval, need, wait)) continue;
    std::vector<const Roster*> rosters;
    std::string files;
    for (const std::string& name : crew.rosters) {
      const auto roster = study.rules().rosters.find(name);
      if (roster == study.rules().rosters.end()) continue;
      rosters.push_back(&roster->second);
      files += (files.empty() ? "" : ", ") + roster->second.file;
    }
    const std::size_t count = need.seat.count - crew.members.size();
    for (const Hole& hole : holes_of(study.rules(), rosters, study.host().now, wait, count)) {
      if (study.exhausted()) break;
      const auto request = asked_by_any(study, hole, wait, approval);
      if (!request) continue;
      study.add("E07", need.from.place,
                (need.seat.count == 1 ? "nobody of " + need.seat.set + " is" : "fewer than " + std::to_string(need.seat.count) + " of " + need.seat.set + " are") + " on duty from " + time_text(hole.from) + " to " + time_text(hole.to) + " (" + files +
                    "), as long as approval " + ticked(approval.name.value) + " waits or longer; fill the roster, or ask another set",
                &approval.name.place, &*request);
      break;
    }
  }
}

}  // namespace

void check_fill(Study& study) {
  study.renew(20'000);
  const bool guards_ask = std::ranges::any_of(study.guards(), [](const Entry& guard) {
    return guard.rule->approval != nullptr && !guard.rule->approval->need.empty();
  });
  if (guards_ask) {
    for (const Entry& permit : study.permits()) check_merged(study, permit);
  }
  for (const auto& [name, approval] : study.rules().approvals) {
    check_keys(study, approval);
    check_roster_holes(study, approval);
  }
}

}  // namespace jit::policy::analysis
