// SPDX-License-Identifier: Apache-2.0
#include "tests/policy/oracle/compare.h"

#include <algorithm>

namespace jit::policy::oracle {
namespace {

std::string show(const std::vector<std::string>& items) {
  std::string out = "[";
  for (const std::string& item : items) out += (out.size() > 1 ? " " : "") + item;
  return out + "]";
}

std::vector<std::string> seats_of(const Offer& offer) {
  std::vector<std::string> out;
  for (const Seat& seat : offer.seats) out.push_back(seat.set + '*' + std::to_string(seat.count));
  std::ranges::sort(out);
  return out;
}

std::vector<std::string> ladder_of(const Offer& offer) {
  std::vector<std::string> out;
  for (const Step& step : offer.ladder) {
    out.push_back(std::to_string(step.after_s) + ' ' + step.add + ">" + step.to + " " + step.notify);
  }
  std::ranges::sort(out);
  return out;
}

std::vector<std::string> sorted(std::vector<std::string> items) {
  std::ranges::sort(items);
  return items;
}

std::string number(std::uint64_t value) { return std::to_string(value); }

// Every field as `name value`, in an order of its own where the document gives none.
std::vector<std::string> fields(const Offer& o) {
  std::vector<std::string> warn;
  for (const std::uint32_t s : o.warn_before_s) warn.push_back(number(s));
  return {"rule " + o.rule,
          "seats " + show(seats_of(o)),
          "reason " + (o.reason_required ? number(o.reason_min) : "none"),
          "give " + number(o.give_s),
          "max " + number(o.max_s),
          "wait " + number(o.wait_s),
          "claim " + number(o.claim_s),
          "scope " + std::string(name_of(o.scope)),
          "shortened " + number(o.shortened ? 1 : 0),
          "tickets " + show(sorted(o.tickets)),
          "record " + number(o.record ? 1 : 0),
          "notify " + show(sorted(o.notify)),
          "review " + number(o.review_s),
          "votes " + std::string(name_of(o.votes)),
          "machines " + number(o.machines ? 1 : 0),
          "match " + number(o.match ? 1 : 0),
          "self " + number(o.self ? 1 : 0),
          "ladder " + show(ladder_of(o)),
          "break-glass " + number(o.break_glass ? 1 : 0),
          "on-expiry " + std::string(name_of(o.on_expiry)),
          "run-max " + (o.on_expiry == Expiry::kEnd ? "none" : number(o.run_max_s)),
          "warn-before " + show(warn)};
}

std::vector<std::string> fields(const Decision& d) {
  std::vector<std::string> choices;
  for (const Offer& choice : d.choices) choices.push_back(choice.rule);
  std::vector<std::string> out{"outcome " + std::string(name_of(d.outcome)), "missing " + show(sorted(d.missing)), "choices " + show(choices)};
  std::vector<std::string> observed;
  for (const Observed& each : d.observed) observed.push_back(each.rule);
  out.push_back("then " + (d.outcome == Outcome::kNeeds ? std::string(name_of(d.then)) : "-"));
  out.push_back("rules " + show(sorted(d.rules)));
  out.push_back("observed " + show(sorted(observed)));
  if (!d.offer) return out;
  for (std::string& field : fields(*d.offer)) out.push_back(std::move(field));
  return out;
}

template <class T>
bool holds_all(const std::vector<T>& outer, const std::vector<T>& inner) {
  return std::ranges::all_of(inner, [&](const T& item) { return std::ranges::count(outer, item) > 0; });
}

}  // namespace

std::string difference(const Decision& evaluator, const Decision& oracle) {
  const std::vector<std::string> left = fields(evaluator), right = fields(oracle);
  std::string out;
  for (std::size_t i = 0; i < std::max(left.size(), right.size()); ++i) {
    const std::string a = i < left.size() ? left[i] : "-", b = i < right.size() ? right[i] : "-";
    if (a != b) out += "  evaluator: " + a + "   oracle: " + b + "\n";
  }
  return out;
}

std::string eased(const Offer& before, const Offer& after) {
  std::string out;
  const auto want = [&](bool holds, const char* what) {
    if (!holds) out += std::string(what) + "; ";
  };
  for (const Seat& seat : before.seats) {
    const auto same = std::ranges::find(after.seats, seat.set, &Seat::set);
    want(same != after.seats.end() && same->count >= seat.count, "fewer seats");
  }
  want(after.reason_required >= before.reason_required && after.reason_min >= before.reason_min, "less reason");
  // Any text will do where no pattern is named.
  std::vector<std::string> patterns = before.tickets;
  if (!after.tickets.empty()) std::erase(patterns, std::string());
  want(holds_all(after.tickets, patterns), "fewer ticket patterns");
  want(after.record >= before.record && holds_all(after.notify, before.notify), "less told");
  want(before.review_s == 0 || (after.review_s != 0 && after.review_s <= before.review_s), "later review");
  want(after.give_s <= before.give_s && after.max_s <= before.max_s, "longer");
  want(before.seats.empty() || after.wait_s <= before.wait_s, "longer wait");
  want(after.claim_s == before.claim_s, "another claim time");
  want(after.scope <= before.scope, "wider");
  want(after.votes >= before.votes && after.match >= before.match, "weaker votes");
  want(before.seats.empty() || (after.machines <= before.machines && after.self <= before.self), "more voters");
  want(after.break_glass == before.break_glass, "break-glass");
  return out;
}

int distance(const Decision& d) {
  if (!d.offer) return 2;
  return std::ranges::count(d.missing, "choice") > 0 ? 1 : 0;
}

std::string show(const Decision& decision) {
  std::string out;
  for (const std::string& field : fields(decision)) out += (out.empty() ? "" : ", ") + field;
  return out + "\nwhy " + show(decision.why) + " near " + show(decision.near);
}

}  // namespace jit::policy::oracle
