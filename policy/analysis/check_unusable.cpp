// SPDX-License-Identifier: Apache-2.0
// Permits that never give anything: W01 by what they say themselves, W03 by a guard that closes all their doors.
#include <algorithm>

#include "policy/analysis/study.h"
#include "policy/evaluate.h"
#include "policy/ticked.h"

namespace jit::policy::analysis {
namespace {

// No offer of that door can honour it, whoever asks and whenever.
bool lasts(Fault fault, Door door) { return fault == Fault::kScope || (fault == Fault::kRecord && door != Door::kSudo); }

struct Closed {
  AnalysisRequest request;
  const Rule* guard = nullptr;  // null: by the permit itself
  std::string why;
};

// Why this request gets nothing of this permit, where that is so at every time.
std::optional<Closed> closed_for(const Study& study, const Rule& permit, AnalysisRequest request) {
  request.via = permit.id;
  const Request view = request.view();
  Evaluation evaluation;
  study.policy().evaluate(view, evaluation);
  for (const Evaluation::Reason& reason : evaluation.reasons) {
    if (reason.permit != &permit || !lasts(reason.flaw.fault, request.door)) continue;
    Closed out;
    if (const Decision decision = study.policy().decide(view); !decision.why.empty()) out.why = decision.why.front();
    if (reason.flaw.rule != nullptr && !reason.flaw.rule->permit) out.guard = reason.flaw.rule;
    for (const Evaluation::Hit& hit : evaluation.hits) {
      const auto& texts = hit.guard->require.texts;
      const bool records = std::ranges::find(texts, "record", &Text::value) != texts.end();
      const bool own = std::ranges::find(permit.require.texts, "record", &Text::value) != permit.require.texts.end();
      if (reason.flaw.fault == Fault::kRecord && records && !own && out.guard == nullptr) out.guard = hit.guard;
    }
    out.request = std::move(request);
    return out;
  }
  return std::nullopt;
}

bool by_roster(const Tests& tests) {
  const auto any = [](const std::optional<PrincipalTest>& test) {
    return test && std::ranges::any_of(test->leaves, [](const Principal& leaf) { return leaf.kind == Principal::Kind::kSet; });
  };
  return any(tests.who) || any(tests.as);
}

void check_permit(Study& study, const Entry& permit) {
  const Rule& rule = *permit.rule;
  if (study.find(permit.region).answer == Sample::Answer::kEmpty) {
    if (by_roster(rule.tests)) return;  // nobody of a roster that is stale just now
    study.add("W01", rule.place, "permit " + ticked(rule.id) + " matches nothing on this host: no request passes all its tests; take it out, or look at them");
    return;
  }
  std::optional<Closed> shown;
  for (const Door door : study.rules().settings.covers) {
    const Sample at = study.find(study.allowed_part(permit, intersect(at_doors(door_bit(door)), permit.region)));
    if (at.answer == Sample::Answer::kEmpty) continue;
    auto closed = at.request ? closed_for(study, rule, *at.request) : std::nullopt;
    if (!closed) return;  // it gives something here, or that cannot be told
    shown = std::move(closed);
  }
  if (!shown) return;
  if (shown->guard == nullptr) {
    study.add("W01", rule.place, "permit " + ticked(rule.id) + " never gives anything: " + shown->why, nullptr, &shown->request);
  } else {
    study.add("W03", shown->guard->place, "guard " + ticked(shown->guard->id) + " closes all that permit " + ticked(rule.id) + " gives: " + shown->why,
              &rule.place, &shown->request);
  }
}

}  // namespace

void check_unusable(Study& study) {
  study.renew(20'000);
  for (const Entry& permit : study.permits()) {
    check_permit(study, permit);
    if (study.exhausted()) return;
  }
}

}  // namespace jit::policy::analysis
