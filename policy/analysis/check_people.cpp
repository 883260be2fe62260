// SPDX-License-Identifier: Apache-2.0
// Who asks and who answers: W10, W11, W12, W16, W17.
#include <algorithm>
#include <map>
#include <set>

#include "policy/analysis/study.h"
#include "policy/evaluate.h"
#include "policy/crew.h"
#include "policy/ticked.h"

namespace jit::policy::analysis {
namespace {

bool asks(const Rule& rule) { return rule.approval != nullptr && !rule.approval->need.empty(); }

bool leaf_names(const RuleSet& rules, const Principal& leaf, const Person& person) {
  if (leaf.kind == Principal::Kind::kPerson) return leaf.matches(person.name);
  if (leaf.kind != Principal::Kind::kUser || leaf.uid != kNoUid) return false;
  return std::ranges::any_of(person.users, [&](const std::string& user) { return leaf.matches(user) && rules.person_with(user) == &person; });
}

// A request of the region that this permit lets wait for people, who may be asked by a guard alone.
template <class Holds>
std::optional<std::pair<AnalysisRequest, Decision>> asked(Study& study, const Entry& permit, const Region& region, Holds holds) {
  const auto look = [&](const Region& part) -> std::optional<std::pair<AnalysisRequest, Decision>> {
    Sample found = study.find(study.allowed_part(permit, part));
    if (!found.request) return std::nullopt;
    found.request->via = permit.rule->id;
    Decision decision = decide(study.policy(), *found.request);
    if ((decision.then != Outcome::kApproval && decision.outcome != Outcome::kApproval) || !holds(decision)) return std::nullopt;
    return std::pair(std::move(*found.request), std::move(decision));
  };
  if (asks(*permit.rule)) {
    if (auto out = look(region)) return out;
  }
  for (const Entry& guard : study.guards()) {
    if (!asks(*guard.rule) || waives(*permit.rule, *guard.rule) || !may_meet(permit, guard)) continue;
    if (auto out = look(intersect(region, guard.region))) return out;
  }
  return std::nullopt;
}

// Whose need it is: the permit's own approval, or that of a guard which asks in its place.
const Place* place_of_need(const RuleSet& rules, const Rule& permit, const Decision& decision) {
  if (permit.approval != nullptr) return &permit.approval->name.place;
  for (const std::string& id : decision.rules) {
    for (const Rule& guard : rules.guards) {
      if (guard.id == id && asks(guard)) return &guard.place;
    }
  }
  return nullptr;
}

void check_machine(Study& study, const Entry& permit) {
  const Rule& rule = *permit.rule;
  if (!rule.tests.who) return;
  for (const Person& person : study.rules().people) {
    const bool named = std::ranges::any_of(rule.tests.who->leaves, [&](const Principal& leaf) { return leaf_names(study.rules(), leaf, person); });
    if (!person.machine || !named) continue;
    PrincipalTest who;
    for (const std::string& user : person.users) who.leaves.push_back({Principal::Kind::kUser, user, false, kNoUid});
    const auto found = asked(study, permit, intersect(permit.region, for_who(who)),
                             [](const Decision& decision) { return decision.offer && !decision.offer->machines; });
    if (!found) continue;
    study.add("W10", rule.place,
              "`" + found->first.subject.user + "` is an automation account, and permit " + ticked(rule.id) +
                  " waits for a person each time; give it a permit of its own for exact commands, or let machines approve",
              place_of_need(study.rules(), rule, found->second), &found->first);
  }
}

// Who may answer here, where all of them can be listed.
std::optional<std::set<std::string>> answers(const RuleSet& rules, const Rule& permit) {
  std::set<std::string> out;
  for (const Approval::Need& need : permit.approval->need) {
    const Listing listing = list_people(rules, expand_principal(rules, need.from.principal));
    if (listing.open_ended) return std::nullopt;
    for (const Listing::Somebody& member : listing.people) {
      if (member.entry == nullptr || !member.entry->machine) out.insert(member.name());
    }
  }
  return out;
}

void check_circles(Study& study) {
  const RuleSet& rules = study.rules();
  // Who has exactly one who answers him: by which permit, and who that is.
  std::map<std::string, std::pair<std::string, const Entry*>> only;
  for (const Entry& permit : study.permits()) {
    if (!asks(*permit.rule) || !permit.rule->tests.who || permit.rule->approval->self) continue;
    const Listing requesters = list_people(rules, permit.rule->tests.who->leaves);
    const auto all = requesters.open_ended ? std::nullopt : answers(rules, *permit.rule);
    if (!all || all->empty() || all->size() > 2) continue;
    for (const Listing::Somebody& member : requesters.people) {
      std::set<std::string> who = *all;
      who.erase(member.name());  // never himself
      if (who.size() == 1) only.emplace(member.name(), std::pair(*who.begin(), &permit));
    }
  }
  for (const auto& [person, answer] : only) {
    const auto back = only.find(answer.first);
    if (back == only.end() || back->second.first != person || person > answer.first) continue;
    const Entry& permit = *answer.second;
    PrincipalTest who;
    if (const Person* entry = rules.person_named(person)) {
      for (const std::string& user : entry->users) who.leaves.push_back({Principal::Kind::kUser, user, false, kNoUid});
    } else if (person.starts_with("user:")) {
      who.leaves.push_back({Principal::Kind::kUser, person.substr(5), false, kNoUid});
    }
    Sample found = study.find(study.allowed_part(permit, intersect(permit.region, for_who(who))));
    if (!found.request) continue;
    found.request->via = permit.rule->id;
    const Decision decision = decide(study.policy(), *found.request);
    if (decision.then != Outcome::kApproval) continue;
    study.add("W11", permit.rule->approval_name->place,
              "only " + answer.first + " can approve " + person + ", and only " + person + " can approve " + answer.first +
                  ": two who agree are bound by nobody; put a third person into the set",
              &back->second.second->rule->place, &*found.request);
  }
}

void check_break_glass(Study& study, const Entry& permit) {
  const Rule& rule = *permit.rule;
  if (!rule.break_glass) return;
  if (rule.require.notify.empty() || !rule.require.review_s) {
    const auto shown = study.decided_by(rule);
    study.add("W12", rule.place,
              "break-glass permit " + ticked(rule.id) + " has no " +
                  (rule.require.notify.empty() ? (rule.require.review_s ? "`notify`" : "`notify` and no `review`") : "`review`") +
                  ": nobody would learn of its use; add require = [\"notify:CHANNEL\", \"review:24h\"]",
              nullptr, shown ? &*shown : nullptr);
  }
  const Entry* denies = nullptr;
  for (const Entry& guard : study.guards()) {
    if (waives(rule, *guard.rule)) return;
    if (guard.rule->deny && denies == nullptr && may_meet(permit, guard)) denies = &guard;
  }
  if (denies == nullptr) return;
  Sample found = study.find(intersect(permit.region, denies->region));
  if (!found.request) return;
  found.request->via = rule.id;
  const Decision decision = decide(study.policy(), *found.request);
  if (decision.outcome != Outcome::kDeny || !has(decision.rules, denies->rule->id)) return;
  study.add("W12", rule.place,
            "no guard yields to break-glass permit " + ticked(rule.id) + ", so it waives nothing, and guard " + ticked(denies->rule->id) +
                " denies it; write yields-to = [\"" + rule.id + "\"] where it should open",
            &denies->rule->place, &*found.request);
}

void check_local_votes(Study& study, const Entry& permit) {
  const Rule& rule = *permit.rule;
  const auto found = asked(study, permit, study.root_of(permit), [](const Decision& decision) {
    return decision.offer && !decision.offer->seats.empty() && decision.offer->votes == Votes::kAny;
  });
  if (!found) return;
  study.add("W16", rule.approval_name ? rule.approval_name->place : rule.place,
            "permit " + ticked(rule.id) + " gives root, and local votes alone can fill its seats: whoever takes over an approver's account "
            "here can approve; write votes = \"signed\" in the approval or in [settings]",
            place_of_need(study.rules(), rule, found->second), &found->first);
}

std::uint32_t wait_of(const Approval& approval) { return approval.wait_s.value_or(600); }

// How long a request waits that asks by this approval: the shortest of all that always ask with it. 0: nothing asks by it.
std::uint32_t longest_wait(Study& study, const Approval& approval) {
  std::uint32_t out = 0;
  for (const Entry& permit : study.permits()) {
    const std::vector<const Entry*> always = study.always_on(permit);
    const bool by_guard = std::ranges::any_of(study.guards(), [&](const Entry& guard) {
      return guard.rule->approval == &approval && !waives(*permit.rule, *guard.rule) && may_meet(permit, guard);
    });
    if (permit.rule->approval != &approval && !by_guard) continue;
    std::uint32_t wait = wait_of(approval);
    if (permit.rule->approval != nullptr) wait = std::min(wait, wait_of(*permit.rule->approval));
    for (const Entry* guard : always) wait = std::min(wait, wait_of(*guard->rule->approval));
    out = std::max(out, wait);
  }
  return out;
}

// One that asks by this approval, and ends before the step comes.
std::optional<AnalysisRequest> ends_before(Study& study, const Approval& approval, const Approval::Rung& rung) {
  for (const auto* list : {&study.permits(), &study.guards()}) {
    for (const Entry& entry : *list) {
      if (entry.rule->approval != &approval) continue;
      auto shown = study.decided_by(*entry.rule);
      if (!shown) continue;
      const Decision decision = decide(study.policy(), *shown);
      if (decision.then == Outcome::kApproval && decision.offer && decision.offer->wait_s <= rung.step.after_s) return shown;
    }
  }
  return std::nullopt;
}

void check_steps(Study& study, const Approval& approval) {
  if (approval.escalate.empty()) return;
  const std::uint32_t wait = longest_wait(study, approval);
  if (wait == 0) return;
  for (const Approval::Rung& rung : approval.escalate) {
    if (rung.step.after_s < wait) continue;
    const auto shown = ends_before(study, approval, rung);
    study.add("W17", rung.place,
              "this step of approval " + ticked(approval.name.value) + " never happens: it comes after " + format_duration(rung.step.after_s) +
                  ", and the request ends after " + format_duration(wait) + "; wait longer, or escalate sooner",
              &approval.name.place, shown ? &*shown : nullptr);
  }
}

}  // namespace

void check_people(Study& study) {
  study.renew(30'000);
  for (const Entry& permit : study.permits()) {
    check_machine(study, permit);
    check_break_glass(study, permit);
    check_local_votes(study, permit);
  }
  check_circles(study);
  for (const auto& [name, approval] : study.rules().approvals) check_steps(study, approval);
}

}  // namespace jit::policy::analysis
