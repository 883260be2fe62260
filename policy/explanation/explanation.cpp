// SPDX-License-Identifier: Apache-2.0
#include "policy/explanation/explanation.h"

#include "evidence/text.h"

namespace jit::policy {

namespace {

using Json = nlohmann::ordered_json;

Json strings(const std::vector<std::string>& words) {
  Json out = Json::array();
  for (const std::string& word : words) out.push_back(evidence::escape(word));
  return out;
}

Json offer_json(const Offer& offer) {
  Json seats = Json::array();
  for (const Seat& seat : offer.seats) seats.push_back({{"set", evidence::escape(seat.set)}, {"count", seat.count}});
  return {{"rule", offer.rule},
          {"seats", std::move(seats)},
          {"votes", name_of(offer.votes)},
          {"require", strings(requirements(offer))},
          {"give_s", offer.give_s},
          {"max_s", offer.max_s},
          {"wait_s", offer.wait_s},
          {"scope", name_of(offer.scope)},
          {"break_glass", offer.break_glass}};
}

}  // namespace

nlohmann::ordered_json explanation(const Decision& decision, std::span<const NearMiss> not_by) {
  Json choices = Json::array();
  for (const Offer& choice : decision.choices) choices.push_back(offer_json(choice));
  Json observed = Json::array();
  for (const Observed& one : decision.observed) observed.push_back({{"rule", one.rule}, {"would", evidence::escape(one.would)}});
  Json facts = Json::array();
  for (const Attribute& fact : decision.read) {
    facts.push_back({{"name", evidence::escape(fact.name)}, {"value", evidence::escape(fact.value)}, {"known", fact.known}});
  }
  Json near = Json::array();
  for (const NearMiss& miss : not_by) near.push_back({{"rule", miss.rule}, {"why", evidence::escape(miss.why)}});
  return {{"outcome", name_of(decision.outcome)},
          {"then", decision.outcome == Outcome::kNeeds ? Json(name_of(decision.then)) : Json()},
          {"offer", decision.offer ? offer_json(*decision.offer) : Json()},
          {"choices", std::move(choices)},
          {"missing", strings(decision.missing)},
          {"why", strings(decision.why)},
          {"rules", strings(decision.rules)},
          {"near", strings(decision.near)},
          {"observed", std::move(observed)},
          {"facts", std::move(facts)},
          {"not_by", std::move(near)}};
}

}  // namespace jit::policy
