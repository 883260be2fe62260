// SPDX-License-Identifier: Apache-2.0
// What a policy says of one request: why, why-not.
#include <algorithm>

#include "cli/commands.h"
#include "cli/policy_files.h"
#include "cli/what_if.h"
#include "evidence/text.h"
#include "policy/explain.h"

namespace jit::cli {

namespace {

constexpr std::size_t kNearest = 5;

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ", ") + evidence::escape(word);
  return out;
}

std::string seats_line(const policy::Offer& offer) {
  std::string out;
  for (const policy::Seat& seat : offer.seats) {
    out += (out.empty() ? "" : " and ") + std::to_string(seat.count) + " of " + evidence::escape(seat.set);
  }
  return out;
}

std::vector<std::string> requirements(const policy::Offer& offer) {
  std::vector<std::string> out;
  if (offer.reason_required) out.push_back(offer.reason_min > 1 ? "reason:" + std::to_string(offer.reason_min) : "reason");
  for (const std::string& ticket : offer.tickets) out.push_back(ticket.empty() ? "ticket" : "ticket:" + ticket);
  if (offer.record) out.emplace_back("record");
  for (const std::string& channel : offer.notify) out.push_back("notify:" + channel);
  if (offer.review_s > 0) out.push_back("review:" + policy::format_duration(offer.review_s));
  return out;
}

Json offer_json(const policy::Offer& offer) {
  Json seats = Json::array();
  for (const policy::Seat& seat : offer.seats) seats.push_back({{"set", evidence::escape(seat.set)}, {"count", seat.count}});
  Json require = Json::array();
  for (const std::string& one : requirements(offer)) require.push_back(evidence::escape(one));
  return {{"rule", offer.rule},
          {"seats", std::move(seats)},
          {"votes", policy::name_of(offer.votes)},
          {"require", std::move(require)},
          {"give_s", offer.give_s},
          {"max_s", offer.max_s},
          {"wait_s", offer.wait_s},
          {"scope", policy::name_of(offer.scope)},
          {"break_glass", offer.break_glass}};
}

Json strings(const std::vector<std::string>& words) {
  Json out = Json::array();
  for (const std::string& word : words) out.push_back(evidence::escape(word));
  return out;
}

Json decision_json(const policy::Decision& decision) {
  Json read = Json::array();
  for (const policy::Attribute& attribute : decision.read) {
    read.push_back({{"name", attribute.name}, {"value", evidence::escape(attribute.value)}, {"known", attribute.known}});
  }
  Json observed = Json::array();
  for (const policy::Observed& one : decision.observed) observed.push_back({{"rule", one.rule}, {"would", evidence::escape(one.would)}});
  return {{"outcome", policy::name_of(decision.outcome)},
          {"then", decision.outcome == policy::Outcome::kNeeds ? Json(policy::name_of(decision.then)) : Json()},
          {"offer", decision.offer ? offer_json(*decision.offer) : Json()},
          {"missing", strings(decision.missing)},
          {"why", strings(decision.why)},
          {"rules", strings(decision.rules)},
          {"near", strings(decision.near)},
          {"observed", std::move(observed)},
          {"facts", std::move(read)}};
}

Facts decision_facts(const policy::Decision& decision) {
  Facts out;
  std::string outcome(policy::name_of(decision.outcome));
  if (!decision.missing.empty()) outcome += " " + joined(decision.missing) + ", then " + std::string(policy::name_of(decision.then));
  out.emplace_back("outcome", outcome);
  if (decision.offer) {
    const policy::Offer& offer = *decision.offer;
    out.emplace_back("by", offer.rule);
    if (!offer.seats.empty()) {
      out.emplace_back("asked", seats_line(offer) + ", within " + policy::format_duration(offer.wait_s) +
                                    (offer.votes == policy::Votes::kAny ? "" : ", votes " + std::string(policy::name_of(offer.votes))));
    }
    if (const auto wanted = requirements(offer); !wanted.empty()) out.emplace_back("requires", joined(wanted));
    out.emplace_back("lasts", policy::format_duration(offer.give_s) + " of at most " + policy::format_duration(offer.max_s));
    out.emplace_back("scope", std::string(policy::name_of(offer.scope)));
  }
  for (const policy::Offer& choice : decision.choices) out.emplace_back("choice", choice.rule + (choice.break_glass ? " (break-glass)" : ""));
  for (const std::string& why : decision.why) out.emplace_back("why", evidence::escape(why));
  if (!decision.rules.empty()) out.emplace_back("rules", joined(decision.rules));
  for (const policy::Observed& one : decision.observed) out.emplace_back("observed", one.rule + " would " + evidence::escape(one.would));
  for (const policy::Attribute& fact : decision.read) {
    out.emplace_back("fact", fact.name + (fact.known ? " = " + evidence::escape(fact.value) : " is unknown"));
  }
  return out;
}

}  // namespace

Exit Verbs::why(bool why_not) {
  const auto loaded = load_policy(args.words);
  if (!loaded) return out.fail(loaded.failure());
  if (!loaded->policy) {
    for (const policy::Finding& finding : loaded->findings) out.line(shown(finding));
    return out.fail({Exit::kNo, "the policy does not load: mend the findings above"});
  }
  const auto what_if = WhatIf::from(args, *loaded->policy);
  if (!what_if) return out.fail(what_if.failure());
  const policy::Request request = what_if->request();
  const policy::Decision decision = loaded->policy->decide(request);
  const bool denied = decision.outcome == policy::Outcome::kDeny;
  Json document = decision_json(decision);
  Facts facts = {{"request", what_if->line()}};
  for (auto& fact : decision_facts(decision)) facts.push_back(std::move(fact));
  if (why_not) {
    Json near = Json::array();
    for (const policy::NearMiss& miss : policy::near_misses({loaded->policy->rules(), request}, kNearest)) {
      facts.emplace_back("not by " + miss.rule, evidence::escape(miss.why));
      near.push_back({{"rule", miss.rule}, {"why", evidence::escape(miss.why)}});
    }
    document["not_by"] = std::move(near);
  }
  (void)print(document, facts);
  return denied ? Exit::kNo : Exit::kDone;
}

}  // namespace jit::cli
