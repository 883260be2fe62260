// SPDX-License-Identifier: Apache-2.0
// Questions about whole policies. Values only; what shows a request was replayed.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "policy/analysis/analyse.h"

namespace jit::policy::analysis {

// One way to a target: for one principal at one door, by one permit.
struct Way {
  std::string who;                    // as written ("group:dba"), or "anybody"
  Door door = Door::kSudo;
  std::string permit;
  Outcome outcome = Outcome::kAllow;  // with everything said that is asked: kAllow or kApproval
  struct Ask {
    std::string set;
    std::uint32_t count = 1;
    std::vector<std::string> persons;  // members by name now
    bool open_ended = false;           // and others, who cannot be listed
  };
  std::vector<Ask> asks;              // who must approve, as offered to the witness
  std::vector<std::string> windows;   // "window:NAME", of the permit
  std::vector<std::string> conditions;  // what else narrows it, shortly: "from net:office", "run command:updates", "risk < 60",
                                        // "unless group:ext", "unless guard freeze denies", "with reason:20"
  std::string witness;                // lines of a [[test]]
};
// Who may become `as` (a user) on the host that this policy was compiled for, from `host.now` on; root has the other names
// of uid 0 as well. Ways of which no
// open request was found are left out. In the order of doors, permits and principals.
std::vector<Way> who_can(const Policy& policy, const std::string& as, const Host& host);

// A region in which two policies answer differently, shown by one request.
struct Difference {
  enum class Kind : std::uint8_t { kAllowed, kDenied, kEasier, kHarder, kOther } kind = Kind::kOther;
  Door door = Door::kSudo;
  std::string rule;             // the changed one
  std::string before, after;    // for people: "deny", "approval by x, 30m, 1 of set:dba", and what else differs of the two
  std::string witness;          // lines of a [[test]]; both policies answered it
};
// What no single request shows: settings, facts, people, approvers, rosters. Only what the rules use.
struct NamedChange {
  std::string what;           // "settings covers", "fact freeze", "person ann", "approvers set:ops", "roster set:on-call"
  std::string before, after;  // for people; empty: there was none
};
struct Differences {
  std::vector<Difference> regions;
  std::vector<NamedChange> named;
  std::vector<std::string> elsewhere;  // ids of rules that differ, and are for hosts with other tags
  bool complete = true;  // false: so much changed, or rules cut it into so many parts, that not all could be compared
};
Differences diff(const Policy& before, const Policy& after, const Host& host);

// A rule that could go, and nothing would change.
struct Redundant {
  std::string rule;
  std::string place;  // file:line:column
  std::string why;    // for people
};
std::vector<Redundant> minimise(const Policy& policy, const Host& host);

}  // namespace jit::policy::analysis
