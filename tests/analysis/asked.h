// SPDX-License-Identifier: Apache-2.0
// Policies with tests.d, run at one time on a host with the tag db. Tests may name the tag web, as an invariant does.
#pragma once

#include "policy/analysis/prove.h"
#include "policy/analysis/test_file.h"
#include "world.h"

namespace jit::policy::analysis {

constexpr std::int64_t kNow = 1'795'564'800;  // 2026-11-25T00:00:00Z, a Wednesday

inline const std::string kWeb = "[[invariant]]\nname = \"web\"\nalways = { hosts = [\"tag:web\"], needs = \"reason\" }\n";

inline ForTags for_tags(const std::string& text) {
  return [text](std::span<const std::string> tags) { return test::policy_of(text, {tags.begin(), tags.end()}); };
}

inline TestRun run(const std::string& text, const std::string& tests) {
  const std::vector<Source> sources{{"t.toml", tests}};
  const TestSuite suite = read_tests(sources);
  for (const Finding& finding : suite.findings) UNSCOPED_INFO(finding.text());
  REQUIRE(suite.findings.empty());
  return run_tests(suite, test::policy_of(text), for_tags(text), Host{.now = kNow});
}

// A witness asks the same again, as a test with that outcome.
inline bool replays(const std::string& text, const std::string& witness, const std::string& expect) {
  const TestRun got = run(text, "[[test]]\nname = \"w\"\nexpect = { " + expect + " }\n" + witness + "\n" + kWeb);
  return got.tests.size() == 1 && got.tests[0].passed;
}

}  // namespace jit::policy::analysis
