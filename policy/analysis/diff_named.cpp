// SPDX-License-Identifier: Apache-2.0
// What two policies say otherwise by name, and no single request shows.
#include <algorithm>
#include <map>

#include "policy/analysis/diff.h"
#include "policy/analysis/request.h"
#include "policy/crew.h"
#include "policy/facts.h"

namespace jit::policy::analysis {
namespace {

using Texts = std::map<std::string, std::string>;  // name -> what it is

std::string initial_text(const Value& value) {
  Known known;
  std::visit([&](const auto& each) { known.value = each; }, value);
  return literal(known);
}

template <class Visit>
void each_rule(const RuleSet& rules, Visit visit) {
  for (const auto* list : {&rules.permits, &rules.guards}) {
    for (const Rule& rule : *list) visit(rule);
  }
}

Texts settings_of(const RuleSet& rules) {
  std::vector<std::string> doors;
  for (const Door door : rules.settings.covers) doors.emplace_back(name_of(door));
  return {{"settings timezone", rules.settings.timezone},
          {"settings covers", all_of(std::move(doors))},
          {"settings votes", std::string(name_of(rules.votes.value_or(Votes::kAny)))},
          {"settings rescue", all_of(rules.settings.rescue)}};
}

Texts facts_of(const RuleSet& rules) {
  Texts out;
  each_rule(rules, [&](const Rule& rule) {
    for (const Tests* tests : {&rule.tests, rule.unless ? &*rule.unless : nullptr}) {
      if (tests == nullptr) continue;
      for (const auto* list : {&tests->flag, &tests->when, &tests->when_any}) {
        for (const FactTest& test : *list) {
          if (test.declared == nullptr) continue;
          const FactRule& fact = *test.declared;
          std::string text(name_of(fact.type));
          if (fact.fresh_s) text += ", fresh " + format_duration(*fact.fresh_s);
          text += fact.initial ? ", initial " + initial_text(*fact.initial) : ", unknown at first";
          if (!fact.by.empty()) text += ", by " + all_of(fact.by);
          out["fact " + fact.name] = text;
        }
      }
    }
  });
  return out;
}

Texts people_of(const RuleSet& rules) {
  Texts out;
  for (const Person& person : rules.people) {
    std::string text = "users " + all_of(person.users);
    if (!person.roles.empty()) text += "; roles " + all_of(person.roles);
    if (person.machine) text += "; a machine";
    std::vector<std::string> keys;
    for (const Key& key : person.keys) {
      std::string one = key.id + ' ' + key.kind + (key.hardware ? " hardware" : "") + (key.verify_required ? " verified" : "");
      for (const auto& [word, time] : {std::pair(" from ", key.not_before), std::pair(" until ", key.not_after), std::pair(" revoked ", key.revoked)}) {
        if (time) one += word + time_text(*time);
      }
      // "ssh-ed25519 AAAA... comment": the end of the middle tells keys apart.
      std::string body = key.public_text.substr(std::min(key.public_text.find(' ') + 1, key.public_text.size()));
      body = body.substr(0, body.find(' '));
      one += " ..." + body.substr(body.size() - std::min<std::size_t>(body.size(), 16));
      keys.push_back(std::move(one));
    }
    if (!keys.empty()) text += "; keys " + all_of(std::move(keys));
    out["person " + person.name] = text;
  }
  return out;
}

Texts approvers_of(const RuleSet& rules) {
  Texts out;
  const auto add = [&](const std::string& name, const Principal& principal) {
    std::vector<std::string> leaves;
    for (const Principal& leaf : expand_principal(rules, principal)) leaves.push_back(leaf.text());
    out["approvers " + name] = all_of(std::move(leaves));
  };
  for (const auto& [name, approval] : rules.approvals) {
    for (const Approval::Need& need : approval.need) add(need.seat.set, need.from.principal);
    for (const Approval::Rung& rung : approval.escalate) {
      if (rung.add) add(rung.step.add, rung.add->principal);
    }
  }
  return out;
}

std::string shifts_text(const Roster& roster) {
  std::string out;
  for (const Shift& shift : roster.shifts) {
    out += (out.empty() ? "" : "; ") + time_text(shift.from) + " to " + time_text(shift.to) + ' ';
    std::vector<std::string> who;
    for (const Principal& each : shift.who) who.push_back(each.text());
    out += all_of(std::move(who));
  }
  return out;
}

void compare(std::string_view kind, const Texts& before, const Texts& after, bool only_both, std::vector<NamedChange>& out) {
  Texts names = before;
  names.insert(after.begin(), after.end());
  for (const auto& [name, ignored] : names) {
    const auto old = before.find(name), now = after.find(name);
    const bool both = old != before.end() && now != after.end();
    if ((both && old->second == now->second) || (!both && only_both)) continue;
    out.push_back({std::string(kind) + name, old == before.end() ? "" : old->second, now == after.end() ? "" : now->second});
  }
}

void compare_rosters(const RuleSet& before, const RuleSet& after, std::vector<NamedChange>& out) {
  for (const auto& [set, old] : before.rosters) {
    const auto found = after.rosters.find(set);
    if (found == after.rosters.end()) continue;
    const Roster& now = found->second;
    const std::string was = shifts_text(old), is = shifts_text(now);
    if (was == is && old.issued == now.issued && old.fresh_s == now.fresh_s) continue;
    const auto text = [&](const Roster& roster, const std::string& shifts) {
      return "issued " + time_text(roster.issued) + ", fresh " + format_duration(roster.fresh_s) + (was == is ? "" : ", " + shifts);
    };
    out.push_back({"roster set:" + set, text(old, was), text(now, is)});
  }
}

}  // namespace

std::vector<NamedChange> named_changes(const RuleSet& before, const RuleSet& after) {
  std::vector<NamedChange> out;
  compare("", settings_of(before), settings_of(after), false, out);
  // A fact or a set that only one of them uses shows in the rules.
  compare("", facts_of(before), facts_of(after), true, out);
  compare("", people_of(before), people_of(after), false, out);
  compare("", approvers_of(before), approvers_of(after), true, out);
  compare_rosters(before, after, out);
  return out;
}

std::set<std::string, std::less<>> facts_that_start_otherwise(const RuleSet& before, const RuleSet& after) {
  std::set<std::string, std::less<>> out;
  for (const FactRule& old : before.facts) {
    const auto now = std::ranges::find(after.facts, old.name, &FactRule::name);
    if (now == after.facts.end() || now->initial != old.initial || now->type != old.type) out.insert(old.name);
  }
  for (const FactRule& now : after.facts) {
    if (std::ranges::find(before.facts, now.name, &FactRule::name) == before.facts.end()) out.insert(now.name);
  }
  return out;
}

std::vector<std::string> users_moved(const RuleSet& before, const RuleSet& after) {
  std::set<std::string> out;
  const auto look = [&](const RuleSet& one, const RuleSet& other) {
    for (const Person& person : one.people) {
      for (const std::string& user : person.users) {
        const Person* const there = other.person_with(user);
        if (there == nullptr || there->name != person.name) out.insert(user);
      }
    }
  };
  look(before, after);
  look(after, before);
  return {out.begin(), out.end()};
}

}  // namespace jit::policy::analysis
