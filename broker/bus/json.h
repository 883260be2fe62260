// SPDX-License-Identifier: Apache-2.0
// The documents of jitctl(1): JSON, ASCII only, every text from people escaped. Names never change.
#pragma once

#include <nlohmann/json.hpp>

#include <span>
#include <string>
#include <vector>

#include "broker/bus/bus.h"

namespace jit::bus {

using Json = nlohmann::ordered_json;

struct Now {
  core::BootMs boot = 0;
  core::WallMs wall = 0;
  static Now read();
};

// kShort is for lists: a long command or reason is cut, and says so.
enum class Form : std::uint8_t { kWhole, kShort };

struct RequestFacts {
  std::span<const core::Vote> votes;
  std::vector<std::vector<std::string>> filled_by;  // parallel to offer.seats
  core::GrantState grant = core::GrantState::kEnded;  // of the grant that it became, if it did
  const policy::Offer* terms = nullptr;               // where it waits: what a yes gives now
};

Json request_json(const core::Request& request, const RequestFacts& facts, const Host& host, Now now, Form form);
Json grant_json(const core::Grant& grant, const Host& host, Now now, Form form);
Json absence_json(const core::Absence& absence);
Json fact_json(const core::FactState& fact);
Json entry_json(const core::AuditEntry& entry);

std::string iso_time(core::WallMs wall);  // "2026-11-22T12:34:56.789Z"
std::string dump(const Json& json);       // ASCII
std::string reprint(const std::string& json_text);  // the same document as dump() writes it; "{}" for what is none
// A status as anybody may have it: of the policy, which root:_jit alone may read, only whether it is in force and how
// many findings it has; of couriers, what their channels say is left out.
std::string status_for_anyone(const std::string& json_text);
// With "you": the caller's person and the keys that he may sign with.
std::string with_person(const std::string& json_text, const std::string& person, const std::vector<policy::Key>& keys);
// A message for people that may quote hostile text: printable ASCII stays, the rest is escaped.
std::string wire_text(std::string_view message);

}  // namespace jit::bus
