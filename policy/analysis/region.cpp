// SPDX-License-Identifier: Apache-2.0
#include "policy/analysis/region.h"

#include <algorithm>

namespace jit::policy::analysis {
namespace {

using Dim = Literal::Dim;

Region test(Dim dim, Truths wanted, decltype(Literal::test) value, const Part& part) {
  Region out;
  out.kind = Region::Kind::kTest;
  out.literal = {dim, wanted, value, part};
  return out;
}

// All tests have one of the wanted values; with Kleene's AND and OR that is what the whole has, for {true} and for
// {unknown, true}.
Region conjunction(const Tests& tests, const Part& part, Truths wanted) {
  Region out;
  const auto add = [&](Region region) { out.parts.push_back(std::move(region)); };
  if (tests.door) add(test(Dim::kDoor, kTrueBit, doors_of(*tests.door), part));
  if (tests.hosts) add(test(Dim::kConst, wanted, tests.hosts->holds, part));
  if (tests.who) add(test(Dim::kWho, wanted, &*tests.who, part));
  if (tests.as) add(test(Dim::kAs, wanted, &*tests.as, part));
  if (tests.from) add(test(Dim::kFrom, wanted, &*tests.from, part));
  if (tests.run) add(test(Dim::kRun, wanted, &*tests.run, part));
  const bool every = part.permit && tests.run;
  const auto word = [](const std::optional<WordTest>& list) { return list ? &*list : static_cast<const WordTest*>(nullptr); };
  if (tests.options || every) add(test(Dim::kOptions, wanted, word(tests.options), part));
  if (tests.env || every) add(test(Dim::kEnv, wanted, word(tests.env), part));
  if (part.digest) add(test(Dim::kDigest, wanted, std::monostate(), part));
  if (tests.during) add(test(Dim::kDuring, wanted, &*tests.during, part));
  const auto any = [&](const std::vector<FactTest>& list) {
    if (list.empty()) return;
    Region some;
    some.kind = Region::Kind::kAny;
    for (const FactTest& fact : list) some.parts.push_back(test(Dim::kFact, wanted, &fact, part));
    add(std::move(some));
  };
  any(tests.flag);
  for (const FactTest& fact : tests.when) add(test(Dim::kFact, wanted, &fact, part));
  any(tests.when_any);
  return out;
}

bool door_holds(Doors doors, const Request& request) {
  if (request.door != Door::kSudo || request.target_verified) return (doors & door_bit(request.door)) != 0;
  const bool root = request.target->user == "root" && request.target->uid == 0;
  return (doors & (root ? kClaimedBit : kClaimedOtherBit)) != 0;
}

Truth truth_of(const Literal& literal, const Scene& scene) {
  const Request& request = scene.request;
  const auto people = [&](const Identity& identity) {
    return is_one_of(scene.policy, std::get<const PrincipalTest*>(literal.test)->leaves, identity, literal.part.side, request.now);
  };
  switch (literal.dim) {
    case Dim::kConst: return truth(std::get<bool>(literal.test));
    case Dim::kDoor: return truth(door_holds(std::get<Doors>(literal.test), request));
    case Dim::kWho: return people(*request.subject);
    case Dim::kAs: return people(*request.target);
    case Dim::kFrom: return is_from(*std::get<const OriginTest*>(literal.test), request.from);
    case Dim::kRun: return runs(*std::get<const RunTest*>(literal.test), request, literal.part);
    case Dim::kOptions: return has_words(std::get<const WordTest*>(literal.test), request.command.options, request, literal.part);
    case Dim::kEnv: return has_words(std::get<const WordTest*>(literal.test), request.command.env, request, literal.part);
    case Dim::kDigest: return has_digest(request);
    case Dim::kDuring: return is_during(*std::get<const WindowTest*>(literal.test), request.now);
    case Dim::kFact: return test_fact(*std::get<const FactTest*>(literal.test), scene);
  }
  return Truth::kUnknown;
}

bool holds(const Region& region, const Scene& scene) {
  const auto part = [&](const Region& each) { return holds(each, scene); };
  switch (region.kind) {
    case Region::Kind::kAll: return std::ranges::all_of(region.parts, part);
    case Region::Kind::kAny: return std::ranges::any_of(region.parts, part);
    case Region::Kind::kTest: break;
  }
  return (region.literal.wanted & bit(truth_of(region.literal, scene))) != 0;
}

void put(Region& into, Region::Kind kind, Region&& part) {
  if (part.kind == kind) {
    for (Region& each : part.parts) into.parts.push_back(std::move(each));
  } else {
    into.parts.push_back(std::move(part));
  }
}

Region join(Region::Kind kind, Region&& a, Region&& b) {
  Region out;
  out.kind = kind;
  put(out, kind, std::move(a));
  put(out, kind, std::move(b));
  return out;
}

}  // namespace

Doors doors_of(const std::vector<Door>& doors) {
  unsigned out = 0;
  for (const Door door : doors) out |= door_bit(door);
  if ((out & door_bit(Door::kSudo)) != 0) out |= kClaimedBit | kClaimedOtherBit;
  return static_cast<Doors>(out);
}

Doors covered_doors(const RuleSet& policy) { return doors_of(policy.settings.covers); }

Region everything() { return {}; }
Region nothing() {
  Region out;
  out.kind = Region::Kind::kAny;
  return out;
}
Region intersect(Region a, Region b) { return join(Region::Kind::kAll, std::move(a), std::move(b)); }
Region unite(Region a, Region b) { return join(Region::Kind::kAny, std::move(a), std::move(b)); }

Region complement(const Region& region) {
  Region out;
  if (region.kind == Region::Kind::kTest) {
    out = region;
    out.literal.wanted = kAnyTruth & ~region.literal.wanted;
    return out;
  }
  out.kind = region.kind == Region::Kind::kAll ? Region::Kind::kAny : Region::Kind::kAll;
  for (const Region& part : region.parts) out.parts.push_back(complement(part));
  return out;
}

Region at_doors(Doors doors) { return test(Dim::kDoor, kTrueBit, doors, {}); }
Region for_who(const PrincipalTest& people, Side side) { return test(Dim::kWho, kTrueBit, &people, {side, false, false, false}); }
Region for_target(const PrincipalTest& people) { return test(Dim::kAs, kTrueBit, &people, {Side::kCloses, false, false, false}); }

Region region_of(const Rule& rule) {
  const Truths opens = kTrueBit, closes = kTrueBit | kUnknownBit;
  Region out = conjunction(rule.tests, part_of(rule), rule.permit ? opens : closes);
  if (rule.permit && !rule.unverified_as) out.parts.push_back(at_doors(static_cast<Doors>(~kClaimedOtherBit)));
  if (rule.unless) put(out, Region::Kind::kAll, complement(conjunction(*rule.unless, unless_of(rule), rule.permit ? closes : opens)));
  return out;
}

bool contains(const Region& region, const RuleSet& policy, const AnalysisRequest& request) {
  const Request view = request.view();
  return holds(region, {policy, view});
}

bool is_empty(const Universe& universe, const Region& region) {
  return sample(universe, region).answer == Sample::Answer::kEmpty;
}

bool is_subset(const Universe& universe, const Region& a, const Region& b) { return is_empty(universe, minus(a, b)); }

}  // namespace jit::policy::analysis
