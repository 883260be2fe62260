// SPDX-License-Identifier: Apache-2.0
// Regions of requests. A rule is a product of tests, one dimension each (who, target, door, origin, command words, time,
// fact intervals), minus its `unless`; regions are put together with all, any and no, and sampled to concrete requests.
//
// The universe is what a host with a working directory sees: users and groups are known, a command at sudo is verified or,
// at the last two places, a claim. (What is unknown beyond that can only close: less permits match, more guards apply.)
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "policy/analysis/request.h"
#include "policy/compiled.h"
#include "policy/match.h"

namespace jit::policy::analysis {

using Truths = std::uint8_t;  // a set of truth values
inline constexpr Truths kFalseBit = 1, kUnknownBit = 2, kTrueBit = 4, kAnyTruth = 7;
constexpr Truths bit(Truth truth) { return static_cast<Truths>(1U << static_cast<unsigned>(truth)); }

// Sets of doors, as bits. A claimed sudo is one of its own for root, and one for all others; there permits that do not
// believe the target (unverified-ok) have no part, since for them it is root as well.
using Doors = std::uint8_t;
inline constexpr unsigned kDoorPlaces = 7, kClaimed = 5, kClaimedOther = 6;
constexpr Doors door_bit(Door door) { return static_cast<Doors>(1U << static_cast<unsigned>(door)); }
inline constexpr Doors kClaimedBit = 1U << kClaimed, kClaimedOtherBit = 1U << kClaimedOther;
Doors doors_of(const std::vector<Door>& doors);  // with both claimed sudos
Doors covered_doors(const RuleSet& policy);

// One test in one dimension, and the truth values that it may have. What it points at must outlive it.
struct Literal {
  enum class Dim : std::uint8_t { kConst, kDoor, kWho, kAs, kFrom, kRun, kOptions, kEnv, kDigest, kDuring, kFact } dim = Dim::kConst;
  Truths wanted = kTrueBit;
  std::variant<std::monostate, bool, Doors, const PrincipalTest*, const OriginTest*, const RunTest*, const WordTest*,
               const WindowTest*, const FactTest*>
      test;
  Part part;
};

// A region: all or any of its parts, or one literal. An empty kAll is everything, an empty kAny nothing.
struct Region {
  enum class Kind : std::uint8_t { kAll, kAny, kTest } kind = Kind::kAll;
  std::vector<Region> parts;
  Literal literal;  // kTest
};

Region everything();
Region nothing();
Region intersect(Region a, Region b);
Region unite(Region a, Region b);
Region complement(const Region& region);
inline Region minus(Region a, const Region& b) { return intersect(std::move(a), complement(b)); }
Region at_doors(Doors doors);
Region for_who(const PrincipalTest& test, Side side = Side::kOpens);  // true only
// What is asked of a target. `user:root` is then each name of uid 0: whoever becomes toor is root.
Region for_target(const PrincipalTest& test);

// Where a permit matches; where a guard may apply. A claim is for root, or seen by permits that believe it: so one evaluation
// says it all.
Region region_of(const Rule& rule);

bool contains(const Region& region, const RuleSet& policy, const AnalysisRequest& request);

// What the dimensions of one policy hold apart: instants, origins. Make it once; the policy must outlive it.
class Universe {
 public:
  // `now`: Unix time, seconds; times are sought from it on, 400 days ahead. `roots`: names of uid 0 beside root.
  Universe(const RuleSet& policy, std::int64_t now, std::vector<std::string> roots = {});

  const RuleSet& policy() const { return policy_; }
  std::int64_t now() const { return instants_.front(); }
  const std::vector<std::int64_t>& instants() const { return instants_; }  // now first
  bool all_instants() const { return all_instants_; }                      // false: there are too many to try
  const std::vector<Origin>& origins() const { return origins_; }
  const std::vector<std::string>& roots() const { return roots_; }         // toor, and those that were given

 private:
  void add_instants();
  void add_origins();

  const RuleSet& policy_;
  std::vector<std::int64_t> instants_;
  std::vector<Origin> origins_;
  std::vector<std::string> roots_;
  bool all_instants_ = true;
};

// The uid of a user whose uid nothing says: the same for the same name, 20000 and more; root's is 0.
std::uint32_t usual_uid(std::string_view user);
// A user as a working directory knows him.
Identity identity_of(const RuleSet& policy, std::string user, std::optional<std::uint32_t> uid, std::vector<std::string> groups);

struct Sample {
  enum class Answer : std::uint8_t { kFound, kEmpty, kCannotTell } answer = Answer::kEmpty;
  std::optional<AnalysisRequest> request;  // kFound; lies in the region: it was held against it
};
// `effort`: how many candidates may be tried before it cannot tell.
Sample sample(const Universe& universe, const Region& region, std::size_t effort = 2000);

// Proven only: false also where it cannot be told.
bool is_empty(const Universe& universe, const Region& region);
bool is_subset(const Universe& universe, const Region& a, const Region& b);

}  // namespace jit::policy::analysis
