// SPDX-License-Identifier: Apache-2.0
// who_can and minimise.
#include "policy/analysis/question.h"

#include <algorithm>
#include <set>

#include "policy/analysis/study.h"
#include "policy/evaluate.h"

namespace jit::policy::analysis {
namespace {

constexpr std::size_t kMostNamed = 3;

// "a|b|c|+2": a list is OR.
std::string any_of(const std::vector<std::string>& words, std::string_view kind = {}) {
  std::string out;
  for (std::size_t i = 0; i < words.size() && i < kMostNamed; ++i) out += (i > 0 ? "|" : "") + std::string(kind) + words[i];
  return words.size() > kMostNamed ? out + "|+" + std::to_string(words.size() - kMostNamed) : out;
}

std::vector<std::string> words_of(const std::vector<Text>& texts) {
  std::vector<std::string> out;
  for (const Text& text : texts) out.push_back(text.value);
  return out;
}

std::vector<std::string> words_of(const PrincipalTest& test) {
  std::vector<std::string> out;
  for (const Named& named : test.named) out.push_back(named.principal.text());
  return out;
}

// What narrows a rule beside who, door, target and window; one text for each property.
std::vector<std::string> narrows(const Tests& tests) {
  std::vector<std::string> out;
  if (tests.from) {
    std::vector<std::string> names;
    if (tests.from->local) names.emplace_back("local");
    for (const Text& name : tests.from->names) names.push_back("net:" + name.value);
    out.push_back("from " + any_of(names));
  }
  if (tests.run) out.push_back("run " + any_of(words_of(tests.run->names), "command:"));
  const auto facts = [&](const std::vector<FactTest>& list) {
    std::vector<std::string> names;
    for (const FactTest& test : list) names.push_back(test.text.value.empty() ? test.name : test.text.value);
    return names;
  };
  if (!tests.flag.empty()) out.push_back(any_of(facts(tests.flag)));
  for (std::string& each : facts(tests.when)) out.push_back(std::move(each));
  if (!tests.when_any.empty()) out.push_back(any_of(facts(tests.when_any)));
  return out;
}

// All of it must hold; empty: it never does on this host.
std::string exception(const Tests& tests) {
  if (tests.hosts && !tests.hosts->holds) return {};
  std::vector<std::string> parts;
  if (tests.who) parts.push_back(any_of(words_of(*tests.who)));
  if (tests.door) {
    std::vector<std::string> doors;
    for (const Door door : *tests.door) doors.emplace_back(name_of(door));
    parts.push_back("at " + any_of(doors));
  }
  if (tests.as) parts.push_back("as " + any_of(words_of(*tests.as)));
  if (tests.during) parts.push_back(any_of(words_of(tests.during->names), "window:"));
  for (std::string& each : narrows(tests)) parts.push_back(std::move(each));
  if (tests.options) parts.push_back("options " + any_of(words_of(tests.options->words)));
  if (tests.env) parts.push_back("env " + any_of(words_of(tests.env->words)));
  std::string out;
  for (const std::string& part : parts) out += (out.empty() ? "unless " : " and ") + part;
  return out;
}

std::string texts_wanted(const Offer& offer) {
  std::string out;
  const auto add = [&](const std::string& word) { out += (out.empty() ? "with " : " and ") + word; };
  if (offer.reason_required) add(offer.reason_min > 0 ? "reason:" + std::to_string(offer.reason_min) : "reason");
  for (const std::string& ticket : offer.tickets) add(ticket.empty() ? "ticket" : "ticket:" + ticket);
  return out;
}

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
    const Region whole = region;
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
    way.conditions = narrows(tests);
    const auto condition = [&](std::string each) {
      if (!each.empty()) way.conditions.push_back(std::move(each));
    };
    if (permit.rule->digest) condition("digest");
    if (permit.rule->unless) condition(exception(*permit.rule->unless));
    condition(denied_by(permit, whole));
    condition(texts_wanted(*decision.offer));
    way.witness = witness_text(*found.request);
    out_.push_back(std::move(way));
  }

  // Guards that take a part of it away.
  std::string denied_by(const Entry& permit, const Region& way) {
    std::vector<std::string> out;
    for (const Entry& guard : study_.guards()) {
      if (!guard.rule->deny || waives(*permit.rule, *guard.rule) || !may_meet(permit, guard)) continue;
      if (study_.find(intersect(way, guard.region)).answer != Sample::Answer::kEmpty) out.push_back(guard.rule->id);
    }
    return out.empty() ? std::string() : "unless guard " + any_of(out) + " denies";
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
  check_unusable(study);
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
