// SPDX-License-Identifier: Apache-2.0
#include "tests/policy/oracle/cases.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <stdexcept>

namespace jit::policy::oracle {
namespace {

std::uint64_t from_environment(const char* name, std::uint64_t usual) {
  const char* text = std::getenv(name);
  if (text == nullptr || *text == '\0') return usual;
  const std::string_view all(text);
  std::uint64_t out = 0;
  const auto [end, error] = std::from_chars(all.data(), all.data() + all.size(), out);
  if (error != std::errc() || end != all.data() + all.size()) throw std::runtime_error(std::string(name) + " must be a number");
  return out;
}

std::string errors(const Policy::Loaded& loaded) {
  std::string out;
  for (const Finding& finding : loaded.findings) {
    if (finding.code.starts_with('E')) out += finding.text() + "\n";
  }
  return out;
}

// Chance makes approvals that nobody can fill; everything else that it makes must load.
bool only_unfillable(const Policy::Loaded& loaded) {
  return std::ranges::all_of(loaded.findings, [](const Finding& finding) {
    return !finding.code.starts_with('E') || finding.code == "E06" || finding.code == "E07";
  });
}

}  // namespace

void Case::fail(const std::string& what, const Ask* ask) const {
  throw std::runtime_error("JIT_SEED=" + std::to_string(seed) + "\n" + what + "\n" + (ask == nullptr ? "" : print(*ask)) + "\n\n" +
                           print(model).all());
}

Case make_case(std::uint64_t seed) {
  Case out;
  out.seed = seed;
  out.dice = Dice(seed);
  for (int tries = 0; tries < 40; ++tries) {
    out.model = random_model(out.dice);
    const Policy::Loaded loaded = load(out.model, print(out.model));
    out.policy = loaded.policy;
    if (out.policy) return out;
    if (!only_unfillable(loaded)) out.fail("does not load:\n" + errors(loaded));
  }
  out.fail("forty policies in a row whose approvals nobody can fill");
}

Longer with_new_rule(Case& from, bool permit) {
  for (int tries = 0; tries < 40; ++tries) {
    Longer out{from.model, nullptr};
    out.model.rules.push_back(random_rule(from.model, from.dice, permit, "new"));
    const Policy::Loaded loaded = load(out.model, print(out.model));
    out.policy = loaded.policy;
    if (out.policy) return out;
    if (!only_unfillable(loaded)) from.fail("does not load with one rule more:\n" + errors(loaded) + print(out.model).all());
  }
  from.fail("forty rules in a row whose approvals nobody can fill");
}

std::uint64_t first_seed() { return from_environment("JIT_SEED", 1); }

unsigned policies(unsigned usual) { return static_cast<unsigned>(from_environment("JIT_POLICIES", usual * JIT_CASES_PERCENT / 100)); }

std::shared_ptr<const Policy> must_load(const Case& from, const Model& model, const Texts& texts) {
  const Policy::Loaded loaded = load(model, texts);
  if (!loaded.policy) from.fail("does not load again:\n" + errors(loaded) + texts.all());
  return loaded.policy;
}

}  // namespace jit::policy::oracle
