// SPDX-License-Identifier: Apache-2.0
#include "policy/analysis/study.h"

#include <algorithm>
#include <tuple>

#include "policy/evaluate.h"

namespace jit::policy::analysis {
namespace {

constexpr std::size_t kMostOfACode = 100;
constexpr std::uint64_t kAll = ~std::uint64_t{0};

std::uint64_t one_bit(std::string_view text) { return std::uint64_t{1} << (std::hash<std::string_view>()(text) % 64); }

// Atoms by which rules are brought together. A person stands for his users; what cannot be listed makes it empty.
std::vector<std::string> atoms_of(const RuleSet& policy, const std::optional<PrincipalTest>& test) {
  std::vector<std::string> out;
  if (!test) return out;
  for (const Principal& leaf : test->leaves) {
    if (leaf.prefix || leaf.uid != kNoUid) return {};
    switch (leaf.kind) {
      case Principal::Kind::kUser: out.push_back("u:" + leaf.name); break;
      case Principal::Kind::kGroup: out.push_back("g:" + leaf.name); break;
      case Principal::Kind::kSet: return {};
      case Principal::Kind::kPerson:
        if (const Person* person = policy.person_named(leaf.name)) {
          for (const std::string& user : person->users) out.push_back("u:" + user);
        }
        break;
    }
  }
  return out;
}

std::string place_text(const std::string& file, const Place& place) {
  return place.line == 0 ? file : file + ':' + std::to_string(place.line) + ':' + std::to_string(place.column);
}

}  // namespace

const PrincipalTest& root_test() {
  static const PrincipalTest kRoot{{}, {Principal{Principal::Kind::kUser, "root", false, kNoUid}}};
  return kRoot;
}

bool has(const std::vector<std::string>& list, std::string_view what) { return std::ranges::find(list, what) != list.end(); }

Study::Study(const Policy& policy, const Host& host) : policy_(policy), host_(host), universe_(policy.rules(), host.now, host.roots) {
  for (const Rule& rule : rules().permits) {
    Entry entry = entry_of(rule);
    if (entry.doors != 0) permits_.push_back(std::move(entry));
  }
  for (const Rule& rule : rules().guards) {
    if (rule.observe) continue;
    Entry entry = entry_of(rule);
    if (entry.doors != 0) guards_.push_back(std::move(entry));
  }
  for (std::size_t i = 0; i < permits_.size(); ++i) {
    if (permits_[i].who.empty()) unlisted_.push_back(i);
    for (const std::string& atom : permits_[i].who) by_who_[atom].push_back(i);
  }
}

Entry Study::entry_of(const Rule& rule) const {
  Entry out;
  out.rule = &rule;
  if (rule.tests.hosts && !rule.tests.hosts->holds) return out;  // not for this host
  out.doors = covered_doors(rules());
  if (rule.tests.door) out.doors &= doors_of(*rule.tests.door);
  if (rule.permit && !rule.unverified_as) out.doors = static_cast<Doors>(out.doors & ~kClaimedOtherBit);
  out.region = region_of(rule);
  out.who = atoms_of(rules(), rule.tests.who);
  out.targets = out.paths = kAll;
  if (rule.tests.as) {
    const auto& leaves = rule.tests.as->leaves;
    const bool named = std::ranges::all_of(leaves, [](const Principal& leaf) {
      return leaf.kind == Principal::Kind::kUser && !leaf.prefix && leaf.uid == kNoUid;
    });
    if (named) {
      out.targets = 0;
      for (const Principal& leaf : leaves) {
        out.targets |= one_bit(leaf.name);
        if (rule.permit || leaf.name != "root") continue;
        for (const std::string& root : universe_.roots()) out.targets |= one_bit(root);  // a guard goes by the uid too
      }
    }
  }
  if (rule.permit && rule.tests.run) {
    out.paths = 0;
    for (const CommandPattern* pattern : rule.tests.run->patterns) {
      for (const std::string& path : pattern->paths) out.paths |= one_bit(path);
    }
  }
  return out;
}

std::vector<std::size_t> Study::near(const Entry& entry) const {
  std::vector<std::size_t> out;
  if (entry.who.empty()) {
    out.resize(permits_.size());
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = i;
    return out;
  }
  out = unlisted_;
  for (const std::string& atom : entry.who) {
    const auto found = by_who_.find(atom);
    if (found != by_who_.end()) out.insert(out.end(), found->second.begin(), found->second.end());
  }
  std::ranges::sort(out);
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

Sample Study::find(const Region& region) {
  if (left_ == 0) return {Sample::Answer::kCannotTell, {}};
  --left_;
  return sample(universe_, region);
}

void Study::renew(std::size_t samples) { left_ = samples; }

Region Study::root_of(const Entry& permit) const { return intersect(permit.region, for_target(root_test())); }

Region Study::allowed_part(const Entry& permit, Region region) const {
  std::size_t taken = 0;
  for (const Entry& guard : guards_) {
    if (!guard.rule->deny || waives(*permit.rule, *guard.rule) || !may_meet(permit, guard)) continue;
    if (++taken > 32) break;
    region = minus(std::move(region), guard.region);
  }
  return region;
}

std::vector<const Entry*> Study::always_on(const Entry& permit) {
  std::vector<const Entry*> out;
  for (const Entry& guard : guards_) {
    const Rule& rule = *guard.rule;
    if (rule.approval == nullptr || rule.approval->need.empty() || waives(*permit.rule, rule) || !may_lie_in(permit, guard)) continue;
    if (find(minus(permit.region, guard.region)).answer == Sample::Answer::kEmpty) out.push_back(&guard);
  }
  return out;
}

std::optional<AnalysisRequest> Study::decided_by(const Rule& rule) {
  const std::vector<Entry>& all = rule.permit ? permits_ : guards_;
  const auto entry = std::ranges::lower_bound(all, rule.id, {}, [](const Entry& each) { return std::string_view(each.rule->id); });
  if (entry == all.end() || entry->rule != &rule) return std::nullopt;
  const auto look = [&](const Entry& permit, const Region& region) -> std::optional<AnalysisRequest> {
    Sample found = find(region);
    if (!found.request) return std::nullopt;
    found.request->via = permit.rule->id;
    const Decision decision = decide(policy_, *found.request);
    const bool decides = rule.permit ? decision.offer && decision.offer->rule == rule.id : has(decision.rules, rule.id);
    return decides ? std::move(found.request) : std::nullopt;
  };
  if (rule.permit) return look(*entry, allowed_part(*entry, entry->region));
  for (const std::size_t at : near(*entry)) {
    const Entry& permit = permits_[at];
    if (exhausted()) break;
    if (waives(*permit.rule, rule) || !may_meet(permit, *entry)) continue;
    if (auto out = look(permit, intersect(permit.region, entry->region))) return out;
  }
  return std::nullopt;
}

void Study::add(std::string_view code, const Place& place, std::string message, const Place* other, const AnalysisRequest* witness) {
  if (++counts_[std::string(code)] > kMostOfACode) return;
  const auto file = [&](const Place& at) { return at.file < rules().files.size() ? rules().files[at.file] : std::string("policy"); };
  Finding finding{std::string(code), file(place), place.line, place.column, std::move(message), {}, {}};
  if (other != nullptr) finding.other = place_text(file(*other), *other);
  if (witness != nullptr) finding.witness = witness_text(*witness);
  found_.push_back({place, std::move(finding)});
}

std::vector<Finding> Study::take() {
  std::ranges::stable_sort(found_, {}, [](const Found& f) { return std::tuple(f.place.file, f.place.line, f.place.column, f.finding.code); });
  std::vector<Finding> out;
  for (Found& each : found_) out.push_back(std::move(each.finding));
  for (const auto& [code, count] : counts_) {
    if (count > kMostOfACode) {
      out.push_back({code, "policy", 0, 0, "and " + std::to_string(count - kMostOfACode) + " more of " + code + "; mend these first", {}, {}});
    }
  }
  return out;
}

std::vector<Finding> analyse(const Policy& policy, const Host& host, Checks checks) {
  Study study(policy, host);
  check_fill(study);
  check_lock_out(study);
  if (checks == Checks::kAll) {
    check_pairs(study);
    check_unusable(study);
    check_people(study);
    check_commands(study);
    check_host(study);
  }
  return study.take();
}

}  // namespace jit::policy::analysis
