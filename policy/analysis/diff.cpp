// SPDX-License-Identifier: Apache-2.0
// What a change of policy means: regions whose answer changed, each shown by a request that both policies answer. An answer
// can only change where a permit, or a guard that meets it, differs. There the region is cut by every rule that has a part in
// the answer, and each piece is looked at: in one piece the same rules apply everywhere, so one request speaks for all.
#include "policy/analysis/diff.h"

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <tuple>

#include "policy/analysis/study.h"
#include "policy/analysis/terms_order.h"
#include "policy/canonical.h"
#include "policy/evaluate.h"

namespace jit::policy::analysis {
namespace {

constexpr std::size_t kSamplesOfEach = 20'000;      // of each policy
constexpr std::size_t kPiecesOfARule = 256;   // that are sought at one door
constexpr std::size_t kMostNear = 200;        // other permits by which a region is cut
constexpr std::size_t kMostUsers = 16;
constexpr std::size_t kMostTold = 24;         // of one rule
constexpr std::size_t kFarSamples = 400;      // of permits and guards that name different people

// One rule in both policies; absent: it is not there, or has no part on this host.
struct Pair {
  const Entry* old = nullptr;
  const Entry* now = nullptr;
  bool same = false;
  const Rule& rule() const { return *(now != nullptr ? now : old)->rule; }
  Doors doors() const { return static_cast<Doors>((old != nullptr ? old->doors : 0) | (now != nullptr ? now->doors : 0)); }
  // Does a `who` of the one name somebody of the other, as far as names tell? Others meet only in who is in both groups.
  bool near(const Pair& other) const {
    for (const Entry* one : {old, now}) {
      for (const Entry* two : {other.old, other.now}) {
        if (one == nullptr || two == nullptr) continue;
        if (one->who.empty() || two->who.empty()) return true;
        if (std::ranges::any_of(one->who, [&](const std::string& atom) { return std::ranges::find(two->who, atom) != two->who.end(); })) return true;
      }
    }
    return false;
  }
  Region region() const {
    Region out = nothing();
    if (old != nullptr) out = unite(std::move(out), old->region);
    if (now != nullptr && !same) out = unite(std::move(out), now->region);
    return out;
  }
};

bool meet(const Pair& a, const Pair& b) {
  for (const Entry* one : {a.old, a.now}) {
    for (const Entry* other : {b.old, b.now}) {
      if (one != nullptr && other != nullptr && may_meet(*one, *other)) return true;
    }
  }
  return false;
}

class Differ {
 public:
  Differ(const Policy& before, const Policy& after, const Host& host)
      : before_(before, host), after_(after, host), starts_otherwise_(facts_that_start_otherwise(before.rules(), after.rules())) {}

  Differences run() {
    before_.renew(kSamplesOfEach);
    after_.renew(kSamplesOfEach);
    out_.named = named_changes(before_.rules(), after_.rules());
    list_elsewhere();
    std::vector<std::string> users = users_moved(before_.rules(), after_.rules());
    if (users.size() > kMostUsers) {
      users.resize(kMostUsers);
      out_.complete = false;
    }
    for (const std::string& user : users) users_.push_back({{}, {Principal{Principal::Kind::kUser, user, false, kNoUid}}});
    const std::vector<Pair> permits = pairs(before_.permits(), after_.permits()), guards = pairs(before_.guards(), after_.guards());
    std::vector<const Pair*> differ;
    for (const Pair& guard : guards) {
      if (!guard.same) differ.push_back(&guard);
    }
    for (const Pair& permit : permits) {
      std::vector<const Pair*> changed, kept;
      for (const Pair* guard : differ) {
        if (meet(permit, *guard) && permit.near(*guard)) changed.push_back(guard);
      }
      if (permit.same && changed.empty()) continue;
      for (const Pair& guard : guards) {
        if (guard.same && meet(permit, guard) && permit.near(guard)) kept.push_back(&guard);
      }
      look(permit, kept, changed);
    }
    for (const Pair* guard : differ) look_far(permits, *guard);
    out_.complete = out_.complete && !before_.exhausted() && !after_.exhausted();
    return std::move(out_);
  }

 private:
  bool same(const Entry& old, const Entry& now) {
    if (old.doors != now.doors) return false;
    for (const auto& name : starts_otherwise_) {
      if (reads(*old.rule, name) || reads(*now.rule, name)) return false;
    }
    if (old.rule->permit) return old.rule->fingerprint == now.rule->fingerprint;
    return canonical_text(before_.rules(), *old.rule) == canonical_text(after_.rules(), *now.rule);
  }

  static bool reads(const Rule& rule, std::string_view fact) {
    const auto in = [&](const Tests& tests) {
      return std::ranges::any_of(std::array{&tests.flag, &tests.when, &tests.when_any}, [&](const auto* list) { return std::ranges::find(*list, fact, &FactTest::name) != list->end(); });
    };
    return in(rule.tests) || (rule.unless && in(*rule.unless));
  }

  // Both lists are sorted by id.
  std::vector<Pair> pairs(const std::vector<Entry>& before, const std::vector<Entry>& after) {
    std::vector<Pair> out;
    std::size_t i = 0, j = 0;
    while (i < before.size() || j < after.size()) {
      const int order = i == before.size() ? 1 : j == after.size() ? -1 : before[i].rule->id.compare(after[j].rule->id);
      Pair pair;
      if (order <= 0) pair.old = &before[i++];
      if (order >= 0) pair.now = &after[j++];
      pair.same = order == 0 && same(*pair.old, *pair.now);
      out.push_back(pair);
    }
    return out;
  }

  void list_elsewhere() {
    const RuleSet &before = before_.rules(), &after = after_.rules();
    const auto here = [](const Rule* rule) { return rule != nullptr && (!rule->tests.hosts || rule->tests.hosts->holds); };
    std::map<std::string, std::array<const Rule*, 2>> by_id;
    for (const auto* list : {&before.permits, &before.guards}) {
      for (const Rule& rule : *list) by_id[rule.id][0] = &rule;
    }
    for (const auto* list : {&after.permits, &after.guards}) {
      for (const Rule& rule : *list) by_id[rule.id][1] = &rule;
    }
    for (const auto& [id, rules] : by_id) {
      if (here(rules[0]) || here(rules[1])) continue;
      const bool both = rules[0] != nullptr && rules[1] != nullptr;
      if (!both || canonical_text(before, *rules[0]) != canonical_text(after, *rules[1])) out_.elsewhere.push_back(id);
    }
  }

  // Cuts the region of a change by the rules that have a part in the answer.
  void look(const Pair& permit, const std::vector<const Pair*>& kept, const std::vector<const Pair*>& changed) {
    const Region seed = begin(permit, changed);
    for (const PrincipalTest& user : users_) {
      cuts_.push_back(for_who(user));
      cuts_.push_back(for_target(user));
    }
    const auto add = [&](const Pair& pair) {
      if (pair.old != nullptr) cuts_.push_back(pair.old->region);
      if (pair.now != nullptr && !pair.same) cuts_.push_back(pair.now->region);
    };
    if (!permit.same) add(permit);
    for (const Pair* guard : changed) add(*guard);
    for (const Pair* guard : kept) add(*guard);
    add_near(permit);
    for (unsigned place = 0; place < kDoorPlaces; ++place) {
      const auto door = static_cast<Doors>(1U << place);
      if ((permit.doors() & door) == 0) continue;
      left_ = kPiecesOfARule;
      descend(intersect(at_doors(door), seed), 0);
    }
  }

  // A guard for other people than a permit: it changes what those get who are both. One such request is enough to tell.
  void look_far(const std::vector<Pair>& permits, const Pair& guard) {
    const std::vector<const Pair*> changed{&guard};
    left_ = kFarSamples;
    for (const Pair& permit : permits) {
      if (blamed_.contains(guard.rule().id)) return;
      if (!permit.same || !meet(permit, guard) || permit.near(guard)) continue;
      if (left_ == 0) out_.complete = false;
      if (left_ == 0) return;
      if (const auto found = find(begin(permit, changed))) compare_at(found->request);
    }
  }

  // What is looked at, and where a change of it may show.
  Region begin(const Pair& permit, const std::vector<const Pair*>& changed) {
    permit_ = &permit;
    changed_ = &changed;
    told_here_ = 0;
    cuts_.clear();
    if (!permit.same) return permit.region();
    Region any = nothing();
    for (const Pair* guard : changed) any = unite(std::move(any), guard->region());
    return intersect(permit.region(), std::move(any));
  }

  // Another permit may be what is proposed.
  void add_near(const Pair& permit) {
    std::set<std::string_view> taken{permit.rule().id};
    for (const auto& [study, entry] : {std::pair(&after_, permit.now), std::pair(&before_, permit.old)}) {
      if (entry == nullptr) continue;
      for (const std::size_t at : study->near(*entry)) {
        const Entry& other = study->permits()[at];
        if (!may_meet(*entry, other) || !taken.insert(other.rule->id).second) continue;
        if (taken.size() > kMostNear) {
          out_.complete = false;
          return;
        }
        cuts_.push_back(other.region);
      }
    }
  }

  struct Found {
    AnalysisRequest request;
    const RuleSet* rules = nullptr;  // in whose universe it was found
  };

  std::optional<Found> find(const Region& region) {
    if (left_ == 0) {
      out_.complete = false;
      return std::nullopt;
    }
    --left_;
    // Regions of one policy may be sought in the other: they hold its tests, which outlive this.
    for (Study* study : {&after_, &before_}) {
      Sample sample = study->find(region);
      if (sample.request) return Found{std::move(*sample.request), &study->rules()};
      if (sample.answer == Sample::Answer::kCannotTell) out_.complete = false;
    }
    return std::nullopt;
  }

  // False: there is nothing in it.
  bool descend(Region region, std::size_t from) {
    const auto found = find(region);
    if (!found) return false;
    compare_at(found->request);
    for (std::size_t i = from; i < cuts_.size() && left_ > 0; ++i) {
      const bool in = contains(cuts_[i], *found->rules, found->request);
      if (!descend(in ? minus(region, cuts_[i]) : intersect(region, cuts_[i]), i + 1)) continue;
      region = in ? intersect(std::move(region), cuts_[i]) : minus(std::move(region), cuts_[i]);
    }
    if (left_ == 0) out_.complete = false;
    return true;
  }

  void compare_at(const AnalysisRequest& request) {
    compare_ways(request);
    AnalysisRequest bare = request;
    const std::size_t readings = std::erase_if(bare.facts.readings, [&](const auto& each) { return starts_otherwise_.contains(each.first); });
    const std::size_t gone = std::erase_if(bare.facts.unknown, [&](const std::string& name) { return starts_otherwise_.contains(name); });
    if (readings + gone > 0) compare_ways(bare);
  }

  // What is proposed, and what the changed permit itself offers to who names it.
  void compare_ways(AnalysisRequest request) {
    if (compare_one(request, false)) return;
    const bool glass = (permit_->old != nullptr && permit_->old->rule->break_glass) || (permit_->now != nullptr && permit_->now->rule->break_glass);
    if (!glass && (permit_->old == nullptr || permit_->now == nullptr)) return;
    request.via = permit_->rule().id;
    (void)compare_one(request, !glass);
  }

  // As each of the two knows the people.
  static Decision answer(const Policy& policy, AnalysisRequest request) {
    for (Identity* who : {&request.subject, &request.target, &request.root}) *who = identity_of(policy.rules(), who->user, who->uid, who->groups_all);
    return decide(policy, request);
  }

  const std::string& blamed(const AnalysisRequest& request) const {
    if (!permit_->same) return permit_->rule().id;
    for (const Pair* guard : *changed_) {
      if ((guard->old != nullptr && contains(guard->old->region, before_.rules(), request)) || (guard->now != nullptr && contains(guard->now->region, after_.rules(), request))) return guard->rule().id;
    }
    return changed_->front()->rule().id;
  }

  // Did the answer change?
  bool compare_one(const AnalysisRequest& request, bool only_terms) {
    const Decision old = answer(before_.policy(), request), now = answer(after_.policy(), request);
    Difference out;
    if (says_yes(old) && says_yes(now)) {
      TermsChange change = compare(*old.offer, *now.offer);
      if (change == TermsChange::kSame && old.offer->warn_before_s != now.offer->warn_before_s) change = TermsChange::kOther;
      switch (change) {
        case TermsChange::kSame: return false;
        case TermsChange::kEasier: out.kind = Difference::Kind::kEasier; break;
        case TermsChange::kHarder: out.kind = Difference::Kind::kHarder; break;
        case TermsChange::kOther: out.kind = Difference::Kind::kOther; break;
      }
    } else if (only_terms || says_yes(old) == says_yes(now)) {
      return false;
    } else {
      out.kind = says_yes(now) ? Difference::Kind::kAllowed : Difference::Kind::kDenied;
    }
    std::tie(out.before, out.after) = answer_texts(old, now);
    out.rule = blamed(request);
    blamed_.insert(out.rule);
    if (!told_.insert(out.rule + '\n' + std::string(name_of(request.door)) + std::to_string(static_cast<int>(out.kind)) + out.before + '\n' + out.after).second) return true;
    if (++told_here_ > kMostTold) {
      out_.complete = false;
      return true;
    }
    out.door = request.door;
    out.witness = witness_text(request);
    out_.regions.push_back(std::move(out));
    return true;
  }

  Study before_, after_;
  std::set<std::string, std::less<>> starts_otherwise_;
  std::deque<PrincipalTest> users_;  // regions point at them
  // Of the permit that is looked at.
  const Pair* permit_ = nullptr;
  const std::vector<const Pair*>* changed_ = nullptr;
  std::vector<Region> cuts_;
  std::size_t left_ = 0, told_here_ = 0;
  std::set<std::string> told_, blamed_;
  Differences out_;
};

}  // namespace

Differences diff(const Policy& before, const Policy& after, const Host& host) { return Differ(before, after, host).run(); }

}  // namespace jit::policy::analysis
