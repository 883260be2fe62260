// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <functional>

#include "policy/analysis/diff.h"
#include "policy/explain.h"

namespace jit::policy::analysis {
namespace {

std::string base(const Decision& decision) {
  if (!says_yes(decision)) return "deny";
  const Outcome then = decision.outcome == Outcome::kNeeds ? decision.then : decision.outcome;
  std::string out = std::string(name_of(then)) + " by " + decision.offer->rule + ", " + format_duration(decision.offer->give_s);
  for (const Seat& seat : decision.offer->seats) out += ", " + std::to_string(seat.count) + " of " + seat.set;
  return out;
}

std::string required_text(const Offer& offer) {
  std::vector<std::string> out = requirements(offer);
  return out.empty() ? "nothing" : all_of(std::move(out));
}

std::string ladder(const Offer& offer) {
  std::vector<std::string> out;
  for (const Step& step : offer.ladder) {
    out.push_back("after " + format_duration(step.after_s) + ' ' + (step.notify.empty() ? step.add + " for " + step.to : "notify " + step.notify));
  }
  return out.empty() ? "nothing" : all_of(std::move(out));
}

std::string warnings(const Offer& offer) {
  std::string out;
  for (const std::uint32_t time : offer.warn_before_s) out += (out.empty() ? "" : " ") + format_duration(time);
  return out.empty() ? "nothing" : out;
}

std::string yes(bool value) { return value ? "yes" : "no"; }

struct Term {
  const char* name;
  std::function<std::string(const Offer&)> text;
};

const Term kTerms[] = {
    {"at most", [](const Offer& o) { return format_duration(o.max_s); }},
    {"scope", [](const Offer& o) { return std::string(name_of(o.scope)); }},
    {"requires", required_text},
    {"wait", [](const Offer& o) { return o.seats.empty() ? std::string() : format_duration(o.wait_s); }},
    {"claim", [](const Offer& o) { return format_duration(o.claim_s); }},
    {"votes", [](const Offer& o) { return o.seats.empty() ? std::string() : std::string(name_of(o.votes)); }},
    {"machines", [](const Offer& o) { return o.seats.empty() ? std::string() : yes(o.machines); }},
    {"self", [](const Offer& o) { return o.seats.empty() ? std::string() : yes(o.self); }},
    {"match", [](const Offer& o) { return o.seats.empty() ? std::string() : yes(o.match); }},
    {"escalates", [](const Offer& o) { return o.seats.empty() ? std::string() : ladder(o); }},
    {"on expiry", [](const Offer& o) { return std::string(name_of(o.on_expiry)); }},
    {"runs", [](const Offer& o) { return o.on_expiry == Expiry::kEnd ? std::string() : format_duration(o.run_max_s); }},
    {"warns before", warnings},
    {"break-glass", [](const Offer& o) { return yes(o.break_glass); }},
};

}  // namespace

bool says_yes(const Decision& decision) { return decision.outcome != Outcome::kDeny && decision.offer; }

std::string all_of(std::vector<std::string> list) {
  std::ranges::sort(list);
  std::string out;
  for (const std::string& each : list) out += (out.empty() ? "" : ", ") + each;
  return out;
}

std::pair<std::string, std::string> answer_texts(const Decision& before, const Decision& after) {
  std::pair<std::string, std::string> out{base(before), base(after)};
  if (!says_yes(before) || !says_yes(after)) return out;
  for (const Term& term : kTerms) {
    const std::string old = term.text(*before.offer), now = term.text(*after.offer);
    // What says nothing of one of them, as a time to wait where nobody is asked, is no difference between them.
    if (old == now || old.empty() || now.empty()) continue;
    out.first += ", " + std::string(term.name) + ' ' + old;
    out.second += ", " + std::string(term.name) + ' ' + now;
  }
  return out;
}

}  // namespace jit::policy::analysis
