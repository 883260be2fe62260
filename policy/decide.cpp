// SPDX-License-Identifier: Apache-2.0
#include <new>

#include "policy/explain.h"
#include "policy/index.h"
#include "policy/render.h"

namespace jit::policy {
namespace {

std::optional<std::string> refusal(const RuleSet& policy, const Index& index, std::string_view rule, std::string_view fingerprint,
                                   const Request& request) {
  if (request.subject == nullptr || request.target == nullptr || request.root == nullptr) return "the request is incomplete";
  if (!policy.covers(request.door)) return not_covered(request.door);
  const Rule* permit = policy.permit_named(rule);
  if (permit == nullptr) return "policy changed: permit \"" + std::string(rule) + "\" is gone";
  if (permit->fingerprint != fingerprint) return "policy changed: permit \"" + permit->id + "\" is not the same any more";
  const Scene scene{policy, request};
  if (!permit_matches(*permit, scene)) {
    return "permit \"" + permit->id + "\" does not match: " + mismatch(*permit, scene);
  }
  bool records = permit->require.record;
  Index::Scratch scratch;
  index.guards(request, scratch);
  for (const std::uint32_t position : scratch.found) {
    const Rule& guard = policy.guards[position];
    if (!(guard.deny || guard.require.record) || guard.observe || waives(*permit, guard)) continue;
    const Truth applies = guard_applies(permit, guard, scene);
    if (applies == Truth::kFalse) continue;
    if (guard.deny) return deny_text(guard, applies, scene);
    records = true;
  }
  // Of what tightens later only this counts for a grant that is given: what runs unrecorded is never seen again.
  if (records && !request.recorder) return "permit \"" + permit->id + "\" wants what runs recorded, and sudo records nothing here";
  return std::nullopt;
}

}  // namespace

void Policy::evaluate(const Request& request, Evaluation& out) const { policy::evaluate(*compiled_, compiled_->index, request, out); }

bool Policy::prefers(const Rule& a, const Rule& b, const Request& request) const {
  return preferred(a, b, *compiled_, compiled_->index, request);
}

// Where memory runs out the answer is the one that needs none: deny.
Decision Policy::decide(const Request& request) const {
  try {
    thread_local Evaluation evaluation;  // its memory grows to what the largest policy needs, and is used again
    evaluate(request, evaluation);
    return render(evaluation, {*compiled_, request, nullptr});
  } catch (const std::bad_alloc&) {
    return {};
  }
}

std::optional<std::string> Policy::refuses_use(std::string_view rule, std::string_view fingerprint,
                                               const Request& request) const {
  try {
    return refusal(*compiled_, compiled_->index, rule, fingerprint, request);
  } catch (const std::bad_alloc&) {
    return "out of memory";  // short enough to stand in the string itself
  }
}

}  // namespace jit::policy
