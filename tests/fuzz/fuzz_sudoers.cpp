// SPDX-License-Identifier: Apache-2.0
// Any JSON as what cvtsudoers prints: whatever becomes a policy loads, and opens nothing but sudo.
#include <algorithm>
#include <array>

#include "cli/sudoers.h"
#include "evidence/text.h"
#include "policy/policy.h"
#include "tests/fuzz/fuzz.h"

using namespace jit;
using namespace jit::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const cli::Json sudoers = cli::Json::parse(text_of(data, size), nullptr, false);
  if (!sudoers.is_object()) return 0;
  const cli::Imported imported = cli::import_sudoers(sudoers);
  for (const cli::Imported::Note& note : imported.notes) require(!note.what.empty() && !note.why.empty());
  const std::array<policy::Source, 1> sources{policy::Source{"sudoers.toml", imported.policy}};
  const policy::Policy::Loaded loaded = policy::Policy::load({sources, {}, {}, evidence::sha256_hex});
  require(loaded.policy != nullptr && loaded.policy->rule_count() == imported.rules);
  require(std::ranges::equal(loaded.policy->settings().covers, std::array{policy::Door::kSudo}));
  return 0;
}
