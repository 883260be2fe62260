// SPDX-License-Identifier: Apache-2.0
// Names in tests.d. A slip in one would make a test pass and an invariant hold, whatever the rules say.
#include <algorithm>
#include <set>

#include "policy/analysis/mixtures.h"
#include "policy/analysis/test_file.h"
#include "policy/facts.h"
#include "policy/ticked.h"
#include "policy/suggest.h"

namespace jit::policy::analysis {
namespace {

template <class List, class Name>
std::string hint(std::string_view word, const List& list, Name name) {
  std::vector<std::string_view> words;
  for (const auto& each : list) words.push_back(name(each));
  return did_you_mean(word, words);
}

class Names {
 public:
  Names(const TestSuite& suite, const RuleSet& rules) : suite_(suite), rules_(rules) {}

  void door(Door door, const Place& place) {
    if (!rules_.covers(door)) add("E01", place, ticked(name_of(door)) + " is not covered, so no rule is asked there; put it into `covers` of [settings], or name another door");
  }

  void principal(const Text& text) {
    const auto parsed = parse_principal(text.value);
    if (!parsed.principal) return;
    const Principal& p = *parsed.principal;
    const auto key = [](const auto& entry) -> std::string_view { return entry.first; };
    if (p.kind == Principal::Kind::kSet && !rules_.sets.contains(p.name)) unresolved(text.place, "set", p.name, hint(p.name, rules_.sets, key), "[set]");
    if (p.kind != Principal::Kind::kPerson) return;
    const bool known = std::ranges::any_of(rules_.people, [&](const Person& person) { return p.matches(person.name); });
    if (!known) unresolved(text.place, "person", p.name + (p.prefix ? "*" : ""), hint(p.name, rules_.person_by_name, key), "people.d");
  }

  void tag(const Text& text) {
    std::vector<const TagTest*> tests;
    for (const auto* list : {&rules_.permits, &rules_.guards}) {
      for (const Rule& rule : *list) add_tag_tests(rule, tests);
    }
    std::set<std::string> known;
    for (const Invariant& invariant : suite_.invariants) {
      for (const std::string& host : invariant.hosts) {
        known.insert(host.substr(0, host.find('*')));
        if (host.ends_with('*') ? text.value.starts_with(host.substr(0, host.size() - 1)) : text.value == host) return;
      }
    }
    for (const TagTest* test : tests) {
      for (const Principal& tag : test->tags) {
        if (tag.matches(text.value)) return;
        known.insert(tag.name);
      }
    }
    const std::string near = hint(text.value, known, [](const std::string& each) -> std::string_view { return each; });
    if (near.empty()) return;  // other hosts have tags that no rule names
    add("E02", text.place, "neither a rule nor an invariant names the tag " + ticked(text.value) + near);
  }

  void via(const Text& text) {
    if (rules_.permit_named(text.value) != nullptr) return;
    add("E02", text.place, "there is no permit " + ticked(text.value) + hint(text.value, rules_.permits, [](const Rule& rule) -> std::string_view { return rule.id; }));
  }

  void fact(const Text& text, const FactTable& table) {
    const auto why = wrong_fact(rules_, text.value, nullptr);
    if (why) return add("E12", text.place, *why);
    const auto reading = table.readings.find(text.value);
    if (reading == table.readings.end()) return;
    if (const auto type = wrong_fact(rules_, text.value, &reading->second.value)) add("E01", text.place, *type);
  }

  std::vector<Finding> take() { return std::move(out_); }

 private:
  void add(std::string_view code, const Place& place, std::string message) { out_.push_back(found(suite_, code, place, std::move(message))); }
  void unresolved(const Place& place, std::string_view kind, const std::string& name, const std::string& hint, std::string_view where) {
    add("E02", place, std::string(kind) + ' ' + ticked(name) + " is not defined" + (hint.empty() ? "; define it in " + std::string(where) : hint));
  }

  const TestSuite& suite_;
  const RuleSet& rules_;
  std::vector<Finding> out_;
};

}  // namespace

Finding found(const TestSuite& suite, std::string_view code, const Place& place, std::string message) {
  return {std::string(code), place.file < suite.files.size() ? suite.files[place.file] : "tests", place.line, place.column, std::move(message), {}, {}};
}

std::vector<Finding> unknown_names(const TestSuite& suite, const TestCase& test, const RuleSet& rules) {
  Names names(suite, rules);
  names.door(test.request.door, test.door);
  for (const Text& tag : test.tags) names.tag(tag);
  if (test.via) names.via(*test.via);
  for (const Text& fact : test.facts) names.fact(fact, test.request.facts);
  return names.take();
}

std::vector<Finding> unknown_names(const TestSuite& suite, const Invariant& invariant, const RuleSet& rules) {
  Names names(suite, rules);
  for (const auto* list : {&invariant.who, &invariant.as}) {
    for (const Text& text : *list) names.principal(text);
  }
  for (std::size_t i = 0; i < invariant.doors.size(); ++i) names.door(invariant.doors[i], invariant.door_places[i]);
  return names.take();
}

}  // namespace jit::policy::analysis
