// SPDX-License-Identifier: Apache-2.0
// Names become what they name, over all files.
#include <algorithm>

#include "policy/crew.h"
#include "policy/draft.h"
#include "policy/suggest.h"

namespace jit::policy {
namespace {

constexpr std::size_t kDeepestSet = 32;
constexpr std::size_t kMostLeaves = 1'000'000;  // of all expanded lists together: bounds memory, not any real policy

template <class T>
std::vector<std::string_view> keys_of(const ByName<T>& map) {
  std::vector<std::string_view> out;
  for (const auto& entry : map) out.emplace_back(entry.first);
  return out;
}

// A rule is large: each moves once, into its place.
void sort_by_id(std::vector<Rule>& rules) {
  std::vector<Rule*> order;
  order.reserve(rules.size());
  for (Rule& rule : rules) order.push_back(&rule);
  std::ranges::stable_sort(order, {}, [](const Rule* rule) -> const std::string& { return rule->id; });
  std::vector<Rule> sorted;
  sorted.reserve(rules.size());
  for (Rule* rule : order) sorted.push_back(std::move(*rule));
  rules = std::move(sorted);
}

class Resolver {
 public:
  explicit Resolver(Draft& draft) : draft_(draft), report_(draft.report), out_(*draft.out) {}

  void run() {
    facts_whole_ = !report_.failed();
    resolve_rosters(draft_);
    resolve_times(draft_);
    std::ranges::sort(out_.facts, {}, &FactRule::name);
    for (const auto& [name, set] : out_.sets) check_names(set.members);
    for (auto& [name, set] : out_.sets) expand(name, set);
    for (auto& [name, approval] : out_.approvals) {
      for (const Approval::Need& need : approval.need) check_names({need.from});
      for (const Approval::Rung& rung : approval.escalate) {
        if (rung.add) check_names({*rung.add});
      }
    }
    for (auto* rules : {&out_.permits, &out_.guards}) {
      for (Rule& rule : *rules) resolve_rule(rule);
      sort_by_id(*rules);
    }
    for (const Rule& guard : out_.guards) check_yields(guard);
    if (!report_.failed()) make_crews();
  }

 private:
  enum class State : std::uint8_t { kNew, kOpen, kDone };

  void check_names(const std::vector<Named>& list) {
    for (const Named& named : list) {
      const Principal& p = named.principal;
      if (p.kind == Principal::Kind::kSet && !out_.sets.contains(p.name)) {
        unresolved(named.place, "set", p.name, did_you_mean(p.name, keys_of(out_.sets)), "[set]");
      }
      if (p.kind == Principal::Kind::kPerson && !p.prefix && !out_.person_by_name.contains(p.name)) {
        unresolved(named.place, "person", p.name, did_you_mean(p.name, keys_of(out_.person_by_name)), "people.d");
      }
    }
  }

  void unresolved(const Place& place, std::string_view kind, const std::string& name, const std::string& hint,
                  std::string_view where) {
    report_.add("E02", place,
                std::string(kind) + " `" + name + "` is not defined" + (hint.empty() ? "; define it in " + std::string(where) : hint));
  }

  // Depth first; a set that is met while it is open contains itself.
  void expand(const std::string& name, NamedSet& set) {
    if (stuck_ || states_[name] != State::kNew) return;
    if (open_.size() >= kDeepestSet) {
      report_.add("E11", set.place, "sets nest deeper than " + std::to_string(kDeepestSet) + " levels");
      stuck_ = true;  // goes no deeper, here or later
      return;
    }
    states_[name] = State::kOpen;
    open_.push_back(name);
    for (const Named& named : set.members) {
      if (named.principal.kind != Principal::Kind::kSet) continue;
      const auto found = out_.sets.find(named.principal.name);
      if (found == out_.sets.end()) continue;
      if (states_[found->first] == State::kOpen) {
        report_.add("E11", named.place, "set `" + name + "` contains itself" + way(found->first), found->second.place);
      } else {
        expand(found->first, found->second);
      }
    }
    open_.pop_back();
    states_[name] = State::kDone;
    // Who is on duty changes with the time, so such a set stands for itself.
    set.leaves = set.roster ? std::vector{Principal{Principal::Kind::kSet, name, false, kNoUid}} : leaves_of(set.members);
  }

  std::string way(const std::string& first) const {
    const auto from = std::ranges::find(open_, first);
    std::string out = ": ";
    for (auto at = from; at != open_.end(); ++at) out += *at + " -> ";
    return out + first;
  }

  std::vector<Principal> leaves_of(const std::vector<Named>& list) {
    std::vector<Principal> out;
    for (const Named& named : list) {
      const Principal& p = named.principal;
      if (p.kind != Principal::Kind::kSet) {
        out.push_back(p);
      } else if (const auto found = out_.sets.find(p.name); found != out_.sets.end()) {
        out.insert(out.end(), found->second.leaves.begin(), found->second.leaves.end());
      }
    }
    std::ranges::sort(out, {}, &Principal::text);
    const auto same = [](const Principal& a, const Principal& b) { return a.text() == b.text(); };
    out.erase(std::unique(out.begin(), out.end(), same), out.end());
    leaves_ += out.size();
    if (leaves_ > kMostLeaves) {
      if (!stuck_) report_.add("E01", list.front().place, "the sets expand to more than " + std::to_string(kMostLeaves) + " names");
      stuck_ = true;
      out.clear();
    }
    return out;
  }

  void resolve_tests(Tests& tests) {
    for (auto* test : {&tests.who, &tests.as}) {
      if (!*test) continue;
      check_names((*test)->named);
      (*test)->leaves = leaves_of((*test)->named);
    }
    if (tests.from) {
      each_found(tests.from->names, "net", out_.nets, [&](const NamedNets& found) {
        tests.from->nets.insert(tests.from->nets.end(), found.nets.begin(), found.nets.end());
      });
    }
    if (tests.run) {
      each_found(tests.run->names, "command", out_.commands, [&](const NamedCommand& found) {
        for (const CommandPattern& pattern : found.patterns) tests.run->patterns.push_back(&pattern);
      });
    }
    if (tests.during) {
      each_found(tests.during->names, "window", out_.windows,
                 [&](const NamedWindow& found) { tests.during->windows.push_back(&found.window); });
    }
    // A fact that is declared wrongly would only be told again at each use.
    if (facts_whole_) resolve_facts(draft_, tests);
  }

  template <class T, class Visit>
  void each_found(const std::vector<Text>& names, std::string_view kind, const ByName<T>& map, Visit visit) {
    for (const Text& name : names) {
      const auto found = map.find(name.value);
      if (found == map.end()) {
        unresolved(name.place, kind, name.value, did_you_mean(name.value, keys_of(map)), '[' + std::string(kind) + ']');
      } else {
        visit(found->second);
      }
    }
  }

  void check_yields(const Rule& guard) {
    for (const Text& name : guard.yields_to) {
      const Rule* permit = out_.permit_named(name.value);
      if (permit != nullptr && permit->break_glass) continue;
      std::vector<std::string_view> ids;
      for (const Rule& each : out_.permits) {
        if (each.break_glass) ids.push_back(each.id);
      }
      std::string why = permit != nullptr ? "permit `" + name.value + "` is not marked break-glass"
                                          : "there is no permit `" + name.value + '`';
      why += "; `yields-to` names break-glass permits" + did_you_mean(name.value, ids);
      report_.add("E15", name.place, std::move(why));
    }
  }

  void resolve_rule(Rule& rule) {
    resolve_tests(rule.tests);
    if (rule.unless) resolve_tests(*rule.unless);
    if (!rule.approval_name) return;
    const std::string& name = rule.approval_name->value;
    const auto found = out_.approvals.find(name);
    if (found == out_.approvals.end()) {
      unresolved(rule.approval_name->place, "approval", name, did_you_mean(name, keys_of(out_.approvals)), "[approval." + name + "]");
    } else {
      rule.approval = &found->second;
    }
  }

  void make_crews() {
    for (auto& [name, approval] : out_.approvals) {
      for (Approval::Need& need : approval.need) {
        const auto [held, added] = out_.crews.try_emplace(need.seat.set);
        Crew& crew = held->second;
        if (added) crew = make_crew(out_, expand_principal(out_, need.from.principal));
        const auto human = [&](std::uint32_t number) { return number >= out_.people.size() || !out_.people[number].machine; };
        need.crew = &crew;
        need.known.people = static_cast<std::uint32_t>(std::ranges::count_if(crew.members, human));
        need.known.open_ended = crew.open_ended;
        need.known.varies = !crew.rosters.empty() || (approval.machines && !std::ranges::all_of(crew.members, human));
      }
    }
  }

  Draft& draft_;
  Report& report_;
  RuleSet& out_;
  bool facts_whole_ = true;
  ByName<State> states_;
  std::vector<std::string> open_;
  std::size_t leaves_ = 0;
  bool stuck_ = false;
};

}  // namespace

void resolve(Draft& draft) { Resolver(draft).run(); }

}  // namespace jit::policy
