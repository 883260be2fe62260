// SPDX-License-Identifier: Apache-2.0
// who_can and minimise.
#include "policy/analysis/question.h"

#include <algorithm>
#include <set>

#include "policy/analysis/study.h"

namespace jit::policy::analysis {
namespace {

class Ways {
 public:
  Ways(const Policy& policy, const std::string& as, const Host& host) : host_(host), study_(policy, host_) {
    target_.leaves = {Principal{Principal::Kind::kUser, as, false, kNoUid}};
  }

  std::vector<Way> find() {
    study_.renew(50'000);
    for (const Door door : study_.rules().settings.covers) {
      for (const Entry& permit : study_.permits()) {
        if ((permit.doors & door_bit(door)) == 0) continue;
        const auto& who = permit.rule->tests.who;
        if (!who) add(permit, door, nullptr, "anybody");
        if (who) {
          for (const Named& named : who->named) add(permit, door, &named, named.principal.text());
        }
      }
    }
    return std::move(out_);
  }

 private:
  void add(const Entry& permit, Door door, const Named* named, const std::string& text) {
    PrincipalTest who;
    Region region = intersect(at_doors(door_bit(door)), intersect(permit.region, for_target(target_)));
    if (named != nullptr) {
      const Principal& principal = named->principal;
      const auto set = study_.rules().sets.find(principal.name);
      who.leaves = principal.kind == Principal::Kind::kSet && set != study_.rules().sets.end() ? set->second.leaves : std::vector{principal};
      region = intersect(std::move(region), for_who(who));
    }
    Sample found = study_.find(study_.allowed_part(permit, std::move(region)));
    if (!found.request) return;
    found.request->via = permit.rule->id;
    const Decision decision = decide(study_.policy(), *found.request);
    if (!decision.offer) return;
    Way way;
    way.who = text;
    way.door = door;
    way.permit = permit.rule->id;
    way.outcome = decision.outcome == Outcome::kNeeds ? decision.then : decision.outcome;
    for (const Seat& seat : decision.offer->seats) {
      const Policy::Members members = study_.policy().members(seat.set, host_.now);
      way.asks.push_back({seat.set, seat.count, members.persons, members.open_ended});
    }
    const Tests& tests = permit.rule->tests;
    if (tests.during) {
      for (const Text& name : tests.during->names) way.windows.push_back("window:" + name.value);
    }
    for (const auto* list : {&tests.flag, &tests.when, &tests.when_any}) {
      for (const FactTest& test : *list) way.conditions.push_back(test.text.value);
    }
    way.witness = witness_text(*found.request);
    out_.push_back(std::move(way));
  }

  const Host& host_;
  Study study_;
  PrincipalTest target_;
  std::vector<Way> out_;
};

}  // namespace

std::vector<Way> who_can(const Policy& policy, const std::string& as, const Host& host) { return Ways(policy, as, host).find(); }

std::vector<Redundant> minimise(const Policy& policy, const Host& host) {
  Study study(policy, host);
  check_pairs(study);
  std::vector<Redundant> out;
  std::set<std::string> told;
  // W01 and W02 are exactly that: rules without which every answer is the same.
  for (const Finding& finding : study.take()) {
    if (finding.code != "W01" && finding.code != "W02") continue;
    const std::size_t begin = finding.message.find('`');
    const std::size_t end = begin == std::string::npos ? begin : finding.message.find('`', begin + 1);
    if (end == std::string::npos) continue;
    const std::string rule = finding.message.substr(begin + 1, end - begin - 1);
    if (!told.insert(rule).second) continue;
    out.push_back({rule, finding.file + ':' + std::to_string(finding.line) + ':' + std::to_string(finding.column), finding.message});
  }
  return out;
}

}  // namespace jit::policy::analysis
