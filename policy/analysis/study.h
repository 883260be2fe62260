// SPDX-License-Identifier: Apache-2.0
// What the checks share: the regions of the rules, which of them can meet at all, and the findings.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "policy/analysis/analyse.h"
#include "policy/analysis/region.h"

namespace jit::policy::analysis {

// A rule that can matter on this host, with signatures that tell quickly that two cannot meet.
struct Entry {
  const Rule* rule = nullptr;
  Region region;
  Doors doors = 0;               // covered ones
  std::uint64_t targets = 0;     // one bit a named target; all bits where it may be anybody
  std::uint64_t paths = 0;       // one bit a path of `run`; all bits where it is any command
  std::vector<std::string> who;  // the atoms: "u:alice", "g:dba"; empty: anybody, or what cannot be listed
};
inline bool may_meet(const Entry& a, const Entry& b) {
  return (a.doors & b.doors) != 0 && (a.targets & b.targets) != 0 && (a.paths & b.paths) != 0;
}
// A necessary sign that all of `a` lies in `b`.
inline bool may_lie_in(const Entry& a, const Entry& b) {
  return (a.doors & ~b.doors) == 0 && (a.targets & ~b.targets) == 0 && (a.paths & ~b.paths) == 0;
}

class Study {
 public:
  // Both must outlive this.
  Study(const Policy& policy, const Host& host);

  const Policy& policy() const { return policy_; }
  const RuleSet& rules() const { return policy_.rules(); }
  const Host& host() const { return host_; }
  const Universe& universe() const { return universe_; }
  const std::vector<Entry>& permits() const { return permits_; }  // by id
  const std::vector<Entry>& guards() const { return guards_; }    // enforced ones, by id

  // Indices of the permits that share an atom of `who` with this entry, or whose `who` cannot be listed.
  std::vector<std::size_t> near(const Entry& entry) const;

  // Samples while there is effort left for a check; nothing found, and exhausted(), when there is none.
  Sample find(const Region& region);
  void renew(std::size_t samples);  // for the next check
  bool exhausted() const { return left_ == 0; }

  // Where a permit gives root.
  Region root_of(const Entry& permit) const;
  // The part of a region that no guard denies to this permit, as far as few guards meet it.
  Region allowed_part(const Entry& permit, Region region) const;
  // The guards that ask people of every request of this permit.
  std::vector<const Entry*> always_on(const Entry& permit);
  // A request that this rule has a say in: it offers, or it is met by a guard. Nothing: none was found.
  std::optional<AnalysisRequest> decided_by(const Rule& rule);

  void add(std::string_view code, const Place& place, std::string message, const Place* other = nullptr,
           const AnalysisRequest* witness = nullptr);
  std::vector<Finding> take();

 private:
  Entry entry_of(const Rule& rule) const;

  const Policy& policy_;
  const Host& host_;
  Universe universe_;
  std::vector<Entry> permits_, guards_;
  std::map<std::string, std::vector<std::size_t>, std::less<>> by_who_;
  std::vector<std::size_t> unlisted_;
  std::size_t left_ = 0;

  struct Found {
    Place place;
    Finding finding;
  };
  std::vector<Found> found_;
  std::map<std::string, std::size_t, std::less<>> counts_;
};

// One family of checks each.
void check_pairs(Study& study);      // W01, W02, W03, W04
void check_unusable(Study& study);   // W01, W03
void check_fill(Study& study);       // E06, E07
void check_lock_out(Study& study);   // E10, E14, W19
void check_people(Study& study);     // W10, W11, W12, W16, W17
void check_commands(Study& study);   // W05, W06, W09
void check_host(Study& study);       // W07, W08, W13, W14, W15, W20, W21

// The test that only root passes.
const PrincipalTest& root_test();
bool has(const std::vector<std::string>& list, std::string_view what);

}  // namespace jit::policy::analysis
