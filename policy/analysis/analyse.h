// SPDX-License-Identifier: Apache-2.0
// What can be told of a policy without a request: errors (E) that must block a load, warnings (W) for who writes it.
// Pure: what the host knows comes in as values and functions. Each finding that shows a request was replayed through the
// policy before it is given; one that did not replay is not given at all.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/policy.h"

namespace jit::policy::analysis {

// Facts of the host. What is left empty is not known, and the checks that need it say nothing.
struct Host {
  std::int64_t now = 0;  // Unix time, seconds
  std::vector<std::string> roots = {};  // names of uid 0 here, beside root; toor is always taken for one
  // Does NSS know it? `kind` is "user" or "group"; nothing: cannot be told now.
  std::function<std::optional<bool>(std::string_view kind, std::string_view name)> known = {};
  // Who besides root may replace this program, or a folder above it ("user mallory", "everybody"); nothing: nobody.
  std::function<std::optional<std::string>(std::string_view path)> writer = {};
  std::optional<std::int64_t> history_from = {};            // since when rule uses are recorded, Unix time
  std::map<std::string, std::int64_t, std::less<>> used = {}; // rule id -> its last use
  std::uint32_t unused_days = 90;
  // When a file of rules was last changed, Unix time; nothing: cannot be told. A rule is not blamed for the time before.
  std::function<std::optional<std::int64_t>(std::string_view file)> changed = {};
  std::map<Door, std::int64_t> observing_since = {};        // doors whose PAM line only observes
  std::optional<bool> rescue_lines = {};                    // do the PAM files hold the rescue lines that are declared
  // Is there somebody who honours `record` (sudo's I/O log), `notify:` (a courier of messages), `review:` (a list of reviews)?
  bool records = true, notifies = true, reviews = true;
  std::optional<std::vector<std::string>> channels = {};    // that are defined here, for `notify:`
  std::optional<bool> root_password = {};                   // can root log in at a console by a password
  std::string rescue_why = {};                              // with false: where and why not, for people
};

enum class Checks : std::uint8_t { kErrors, kAll };

// In the order of files and places; at most 100 of a code, then one that says how many more there are.
std::vector<Finding> analyse(const Policy& policy, const Host& host, Checks checks = Checks::kAll);

}  // namespace jit::policy::analysis
