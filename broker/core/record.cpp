// SPDX-License-Identifier: Apache-2.0
#include "broker/core/record.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "evidence/text.h"
#include "policy/explain.h"

namespace jit::core {

namespace {

using nlohmann::json;

std::string text(std::string_view bytes) { return evidence::escape(bytes); }

template <class List>
json strings(const List& list) {
  json out = json::array();
  for (const std::string& each : list) out.push_back(text(each));
  return out;
}

json person(const policy::Identity& who) {
  return {{"user", text(who.user)},
          {"uid", who.uid},
          {"person", text(who.person)},
          {"groups_known", who.groups_known},
          {"groups_all", strings(who.groups_all)},
          {"groups_any", strings(who.groups_any)}};
}

std::string origin(const policy::Origin& from) {
  switch (from.kind) {
    case policy::Origin::Kind::kLocal: return "local";
    case policy::Origin::Kind::kPeer: return from.peer.text();
    case policy::Origin::Kind::kUnknown: break;
  }
  return "unknown";
}

std::size_t code_points(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

json input(const policy::Request& view, std::uint32_t words_at) {
  json honours = json::array();
  if (view.recorder) honours.push_back("record");
  if (view.can_notify) honours.push_back("notify");
  if (view.can_review) honours.push_back("review");
  json out{{"at", view.now},
           {"subject", person(*view.subject)},
           {"target", person(*view.target)},
           {"target_verified", view.target_verified},
           {"door", policy::name_of(view.door)},
           {"from", origin(view.from)},
           {"via", text(view.via)},
           {"urgency", text(view.urgency)},
           {"ticket", text(view.ticket)},
           {"can_ask", view.can_ask},
           {"reason", {{"length", code_points(evidence::trim(view.reason))}, {"from_environment", view.reason_from_environment}}},
           {"honours", std::move(honours)},
           {"command", {{"known", view.command.known}}}};
  // Rules see root too where the target is only a claim.
  if (policy::target_is_claim(view)) out["root"] = person(*view.root);
  if (view.seats_at != 0) out["seats_at"] = view.seats_at;
  if (view.asked_s) out["asked_s"] = *view.asked_s;
  if (!view.absent.empty()) out["absent"] = strings(view.absent);
  if (view.command.known) {
    out["command"] = {{"known", true},
                      {"verified", view.command.verified},
                      {"digest_bound", view.command.digest_bound},
                      {"path", text(view.command.path)},
                      {"words_at", words_at},
                      {"options", strings(view.command.options)},
                      {"env", strings(view.command.env)}};
  }
  return out;
}

json terms(const policy::Offer& offer) {
  json seats = json::array();
  for (const policy::Seat& seat : offer.seats) seats.push_back({{"set", text(seat.set)}, {"count", seat.count}});
  return {{"seats", std::move(seats)},
          {"votes", policy::name_of(offer.votes)},
          {"require", strings(policy::requirements(offer))},
          {"give_s", offer.give_s},
          {"max_s", offer.max_s},
          {"wait_s", offer.wait_s},
          {"scope", policy::name_of(offer.scope)}};
}

}  // namespace

std::string record_of(const policy::Request& view, const policy::Decision& decision, std::uint32_t words_at,
                      std::string_view policy_hash, std::string_view tags_hash) {
  json out{{"outcome", policy::name_of(decision.outcome)},
           {"rules", strings(decision.rules)},
           {"policy", policy_hash},
           {"tags", tags_hash},
           {"input", input(view, words_at)}};
  if (decision.outcome == policy::Outcome::kNeeds) {
    out["then"] = policy::name_of(decision.then);
    out["missing"] = strings(decision.missing);
  }
  if (decision.offer) {
    out["rule"] = text(decision.offer->rule);
    out["terms"] = terms(*decision.offer);
  }
  if (!decision.near.empty()) out["near"] = strings(decision.near);
  for (const policy::Observed& each : decision.observed) {
    out["observed"].push_back({{"rule", text(each.rule)}, {"would", text(each.would)}});
  }
  json read = json::object();
  for (const policy::Attribute& each : decision.read) read[text(each.name)] = each.known ? json(text(each.value)) : json(nullptr);
  out["read"] = std::move(read);
  return out.dump();
}

}  // namespace jit::core
