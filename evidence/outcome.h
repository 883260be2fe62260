// SPDX-License-Identifier: Apache-2.0
// How a request ended, as the host signs it: for inboxes that hear of it over a courier.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace jit::evidence {

inline constexpr std::string_view kOutcomeType = "application/vnd.pam-jit.outcome.v1+json";
inline constexpr std::string_view kOutcomeNamespace = "outcome@pam-jit.v1";
inline constexpr std::size_t kOutcomeMax = 16 * 1024;  // bytes of a payload

struct Outcome {
  std::string request;  // 32 hex digits
  std::string digest;   // of the request: 64 hex digits
  std::string host_id;  // 32 hex digits
  std::string state;    // "approved", "denied", "expired", "cancelled"
  std::string by;       // for people; empty: nobody in particular
  std::string why;
  std::int64_t ended_ms = 0;  // Unix time
  bool operator==(const Outcome&) const = default;
};

std::string payload_of(const Outcome& outcome);                   // canonical
std::optional<Outcome> read_outcome(std::string_view payload);    // only of a payload whose signature was found good

}  // namespace jit::evidence
