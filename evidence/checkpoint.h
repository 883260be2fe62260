// SPDX-License-Identifier: Apache-2.0
// A signed head of the log: so many entries there are, and this is their root.
#pragma once

#include "evidence/envelope.h"
#include "evidence/merkle.h"

namespace jit::evidence {

inline constexpr std::string_view kCheckpointType = "application/vnd.pam-jit.checkpoint.v1+json";

struct Checkpoint {
  std::uint64_t size = 0;
  Hash root{};
  std::string host_id;        // 32 hex digits
  std::string boot_id;
  std::int64_t epoch = 1;     // of the database: it rises when one was lost or put back
  std::int64_t boottime_ms = 0;
  std::int64_t wall_ms = 0;
  std::string policy_hash;    // over policy, people, calendars, rosters; empty: none is in force
  std::int64_t people_version = 0;  // the highest of people.d
  bool operator==(const Checkpoint&) const = default;
};

std::string payload_of(const Checkpoint& checkpoint);                       // canonical
std::optional<Checkpoint> read_checkpoint(std::string_view payload);        // only of a payload whose signature was found good

}  // namespace jit::evidence
