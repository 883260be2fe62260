// SPDX-License-Identifier: Apache-2.0
#include "policy/render.h"

#include <algorithm>

#include "policy/explain.h"
#include "policy/facts.h"

namespace jit::policy {
namespace {

constexpr std::size_t kMostReasons = 16;
constexpr std::size_t kMostNear = 8;

void add_part(std::string& out, const std::string& part) { out += (out.empty() ? "" : "; ") + part; }

std::string scope_text(const Rule& rule, Door door) {
  return '"' + rule.id + "\" has the scope " + std::string(name_of(rule.scope.value_or(Scope::kTty))) + ", which the door " +
         std::string(name_of(door)) + " does not have";
}

std::vector<std::string> missing_of(const Terms& terms) {
  std::vector<std::string> out;
  if (terms.lacks_reason()) out.emplace_back("reason");
  if (terms.lacks_ticket()) out.emplace_back("ticket");
  return out;
}

// The permits that the answer is about.
void permits_of(const Evaluation& from, std::vector<const Rule*>& out) {
  out.clear();
  if (from.outcome == Outcome::kDeny) {
    out = from.matched;
  } else if (from.choices.empty()) {
    out.push_back(from.best.permit);
  } else {
    for (const Evaluation::Choice& choice : from.choices) out.push_back(choice.permit);
  }
  std::ranges::sort(out, {}, [](const Rule* rule) -> const std::string& { return rule->id; });
}

bool concerns_any(const Evaluation::Hit& hit, std::span<const Rule* const> permits, const Request& request) {
  return std::ranges::any_of(permits, [&](const Rule* permit) { return concerns(hit, *permit, request); });
}

class Renderer {
 public:
  Renderer(const Evaluation& from, const Scene& scene) : from_(from), scene_(scene), request_(scene.request) {}

  Decision run() {
    out_.outcome = from_.outcome;
    switch (from_.refusal) {
      case Evaluation::Refusal::kNone: from_.outcome == Outcome::kDeny ? refused() : open(); break;
      case Evaluation::Refusal::kIncomplete: say("the request is incomplete"); break;
      case Evaluation::Refusal::kNotCovered: say(not_covered(request_.door)); break;
      case Evaluation::Refusal::kNoLength: say("a grant of no length was asked; ask for one of at least 1s"); break;
      case Evaluation::Refusal::kNoSuchPermit: say("there is no permit \"" + std::string(request_.via) + '"'); break;
      case Evaluation::Refusal::kNamedMismatch:
        say("permit \"" + from_.near.front()->id + "\" does not match: " + mismatch(*from_.near.front(), scene_));
        out_.near = {from_.near.front()->id};
        break;
      case Evaluation::Refusal::kNothingPermits: nothing_permits(); break;
      case Evaluation::Refusal::kOnlyBreakGlass:
        say(choice_wanted(from_.best.terms.render(), request_));
        refused();
        break;
    }
    attributes();
    return std::move(out_);
  }

 private:
  void say(const std::string& why) {
    if (out_.why.size() < kMostReasons && std::ranges::find(out_.why, why) == out_.why.end()) out_.why.push_back(why);
  }

  void name_rules() {
    std::vector<const Rule*> rules;
    deciding_rules(from_, request_, rules);
    for (const Rule* rule : rules) out_.rules.push_back(rule->id);
    std::vector<const Rule*> permits;
    permits_of(from_, permits);
    for (const Evaluation::Hit& hit : from_.hits) {
      if (hit.guard->observe && concerns_any(hit, permits, request_)) out_.observed.push_back({hit.guard->id, effect_text(*hit.guard)});
    }
  }

  void open() {
    if (!from_.choices.empty()) return to_choose();
    const Terms& terms = from_.best.terms;
    out_.offer = terms.render();
    out_.then = terms.asks_people() ? Outcome::kApproval : Outcome::kAllow;
    out_.missing = missing_of(terms);
    name_rules();
    if (!out_.offer->shortened || !out_.missing.empty()) return;
    say(format_duration(*request_.asked_s) + " was asked; \"" + from_.best.permit->id + "\" gives at most " + format_duration(out_.offer->max_s) +
        " here");
  }

  void to_choose() {
    const Terms& first = from_.best.terms;
    out_.offer = first.render();
    out_.then = first.asks_people() ? Outcome::kApproval : Outcome::kAllow;
    out_.missing = {"choice"};
    for (const Evaluation::Choice& choice : from_.choices) out_.choices.push_back(terms_of(*choice.permit).render());
    name_rules();
    for (const Evaluation::Reason& reason : from_.reasons) say(flaw_text(reason));  // why no other way is open
  }

  void refused() {
    for (const Evaluation::Reason& reason : from_.reasons) say(flaw_text(reason));
    name_rules();
  }

  // The nearest permits, and what would have denied it anyway.
  void nothing_permits() {
    if (!from_.near.empty()) {
      const Rule& nearest = *from_.near.front();
      say("no rule permits this; the nearest is \"" + nearest.id + "\": " + mismatch(nearest, scene_));
      for (const Rule* rule : from_.near) {
        if (out_.near.size() < kMostNear) out_.near.push_back(rule->id);
      }
    } else if (const auto nearest = near_misses(unread(), 1); !nearest.empty()) {
      say("no rule permits this; the nearest is \"" + nearest.front().rule + "\": " + nearest.front().why);
      out_.near.push_back(nearest.front().rule);
    } else {
      say("no rule permits anything");
    }
    for (const Evaluation::Hit& hit : from_.hits) {
      if (hit.guard->observe) {
        out_.observed.push_back({hit.guard->id, effect_text(*hit.guard)});
      } else if (hit.guard->deny) {
        say(deny_text(*hit.guard, guard_applies(nullptr, *hit.guard, unread()), unread()));
      }
    }
    std::vector<const Rule*> rules;
    deciding_rules(from_, request_, rules);
    for (const Rule* rule : rules) out_.rules.push_back(rule->id);
  }

  // What cannot be honoured is closed, never dropped.
  std::string flaw_text(const Evaluation::Reason& reason) {
    const Rule& permit = *reason.permit;
    const std::string head = '"' + permit.id + "\" requires ";
    switch (reason.flaw.fault) {
      case Fault::kDenied: return deny_text(*reason.flaw.rule, guard_applies(&permit, *reason.flaw.rule, unread()), unread());
      case Fault::kScope: return scope_text(*reason.flaw.rule, request_.door);
      case Fault::kRecord:
        return head + (request_.door != Door::kSudo ? "record, which only the door sudo can honour"
                                                    : "record, which cannot be honoured: sudo's I/O log is not on for this call");
      case Fault::kNotify: return head + "notify:" + terms_of(permit).render().notify.front() + ", which cannot be honoured: no message can be queued here";
      case Fault::kReview:
        return head + "review:" + format_duration(terms_of(permit).render().review_s) + ", which cannot be honoured: no review can be kept here";
      case Fault::kSeats: return '"' + permit.id + "\" cannot be approved: " + terms_of(permit).can_fill(scene_.policy, request_).why;
      case Fault::kReason:
      case Fault::kTicket: break;
    }
    const Terms terms = terms_of(permit);
    return text_wanted(terms.render(), missing_of(terms), request_);
  }

  Terms terms_of(const Rule& permit) const {
    Terms out;
    out.begin(scene_.policy, permit, request_.door);
    for (const Evaluation::Hit& hit : from_.hits) {
      if (!hit.guard->observe && concerns(hit, permit, request_)) out.add(*hit.guard);
    }
    out.finish(request_);
    return out;
  }

  Scene unread() const { return {scene_.policy, request_, nullptr}; }

  void attributes() {
    std::vector<const FactTest*> read = from_.read;
    std::ranges::sort(read, {}, &FactTest::name);
    for (const FactTest* test : read) {
      if (!out_.read.empty() && out_.read.back().name == test->name) continue;
      const Known known = look_up(*test, request_);
      out_.read.push_back({test->name, literal(known), known.known()});
    }
  }

  const Evaluation& from_;
  const Scene scene_;
  const Request& request_;
  Decision out_;
};

}  // namespace

void deciding_rules(const Evaluation& evaluation, const Request& request, std::vector<const Rule*>& out) {
  out.clear();
  switch (evaluation.refusal) {
    case Evaluation::Refusal::kNone:
    case Evaluation::Refusal::kOnlyBreakGlass: break;
    case Evaluation::Refusal::kNothingPermits:
      // What would have denied it anyway.
      for (const Evaluation::Hit& hit : evaluation.hits) {
        if (!hit.guard->observe && hit.guard->deny) out.push_back(hit.guard);
      }
      return;
    default: return;
  }
  permits_of(evaluation, out);
  const std::size_t permits = out.size();
  for (const Evaluation::Hit& hit : evaluation.hits) {
    if (!hit.guard->observe && concerns_any(hit, std::span(out).first(permits), request)) out.push_back(hit.guard);
  }
}

std::string not_covered(Door door) { return "the door " + std::string(name_of(door)) + " is not covered by the policy"; }

std::string deny_text(const Rule& guard, Truth applies, const Scene& scene) {
  std::string out = guard.deny.value_or("guard \"" + guard.id + "\" denies");
  if (applies == Truth::kTrue) return out;
  const std::string unknown = unknown_parts(guard, scene);
  return unknown.empty() ? out : out + " (" + unknown + ')';
}

std::string effect_text(const Rule& guard) {
  if (guard.deny) return "deny: " + *guard.deny;
  std::string out;
  if (guard.approval != nullptr) {
    for (const Approval::Need& need : guard.approval->need) {
      add_part(out, "ask " + std::to_string(need.seat.count) + " of " + need.seat.set);
    }
  }
  for (const Text& text : guard.require.texts) add_part(out, "require " + text.value);
  if (guard.give_s) add_part(out, "give " + format_duration(*guard.give_s));
  if (guard.max_s) add_part(out, "at most " + format_duration(*guard.max_s));
  if (guard.scope) add_part(out, "scope " + std::string(name_of(*guard.scope)));
  return out.empty() ? "nothing" : out;
}

Decision render(const Evaluation& evaluation, const Scene& scene) { return Renderer(evaluation, scene).run(); }

}  // namespace jit::policy
