// SPDX-License-Identifier: Apache-2.0
// tests.d: [[test]] and [[invariant]], which live beside the rules and hold them to what they are for.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "policy/analysis/analyse.h"
#include "policy/analysis/request.h"
#include "policy/compiled.h"
#include "policy/policy.h"
#include "policy/report.h"

namespace jit::policy::analysis {

// What an answer must be; absent: whatever it is.
struct Expect {
  std::optional<Outcome> outcome, then;
  std::optional<std::string> permit;
  std::optional<std::vector<std::string>> seats;    // "set:dba", or "set:dba*2" for a count of two; in any order
  std::optional<std::vector<std::string>> require;  // "reason", "reason:20", "ticket", "ticket:P", "record", "notify:C", "review:T"; all of them
  std::optional<std::uint32_t> lasts_s, max_s;
  std::optional<Scope> scope;
  std::vector<std::string> texts;                   // each stands in the reasons
};

struct TestCase {
  std::string name;
  Place place;
  AnalysisRequest request;  // identities hold user, uid and groups; persons come from the policy
  bool uid_given = false, as_uid_given = false, at_given = false;
  // Where names stand that the policy must know.
  Place door;
  std::optional<Text> via;
  std::vector<Text> tags;
  std::vector<Text> facts;
  std::map<std::string, std::string> people;  // user -> person, beside people.d
  Expect expect;
};

// "Each request of this region has an answer of that kind."
struct Invariant {
  std::string name;
  Place place;
  std::vector<Text> who, as;          // principals; empty: anybody
  std::vector<Door> doors;            // empty: all that are covered
  std::vector<Place> door_places;     // parallel to doors
  std::vector<std::string> hosts;     // tags without "tag:"; empty: this host
  std::string needs;                  // "deny", "approval", "approval-by-other", "signed", "hardware", "reason", "ticket", "record", "notify", "review"
  bool except_break_glass = false, except_rescue = false;
};

struct TestSuite {
  std::vector<TestCase> tests;
  std::vector<Invariant> invariants;
  std::vector<std::string> files;  // by Place::file
  std::vector<Finding> findings;   // what is wrong with the files; with any, both lists are empty
};

TestSuite read_tests(std::span<const Source> sources);

// The policy as a host with these tags compiles it; null where it does not. A test names the tags that it is about.
using ForTags = std::function<std::shared_ptr<const Policy>(std::span<const std::string> tags)>;

struct TestResult {
  std::string name;
  bool passed = false;
  std::string why;      // of a failure, for people
  std::string witness;  // of an invariant: lines of a [[test]] that shows how it is broken
};

// Both run everything; `host.now` is for tests without `at`. E09 findings tell the same as the results.
struct TestRun {
  std::vector<TestResult> tests, invariants;  // parallel to those of the suite
  std::vector<Finding> findings;              // E09, at the place of the test
};
TestRun run_tests(const TestSuite& suite, const std::shared_ptr<const Policy>& policy, const ForTags& for_tags, const Host& host);

// The host as the tests see it: names that they give uid 0 are root's too.
Host host_of(const TestSuite& suite, Host host);

Finding found(const TestSuite& suite, std::string_view code, const Place& place, std::string message);

// Names that the policy does not know (E01, E02, E12): such a test or invariant would hold whatever the rules say.
// A tag must stand in a rule or an invariant: what broker.toml says differs from host to host, and tests must not.
std::vector<Finding> unknown_names(const TestSuite& suite, const TestCase& test, const RuleSet& rules);
std::vector<Finding> unknown_names(const TestSuite& suite, const Invariant& invariant, const RuleSet& rules);

// The same, and E05 where it speaks of no request at all.
std::vector<Finding> faults_of(const TestSuite& suite, const Invariant& invariant, const Policy& policy, const Host& host);

// Does one answer meet what is expected? Empty: yes; else the first difference, for people.
std::string difference(const Expect& expect, const Decision& decision);

}  // namespace jit::policy::analysis
