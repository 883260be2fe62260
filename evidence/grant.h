// SPDX-License-Identifier: Apache-2.0
// What came of a request, as the host signs it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jit::evidence {

inline constexpr std::string_view kGrantType = "application/vnd.pam-jit.grant.v1+json";
inline constexpr std::size_t kGrantMax = 32 * 1024;  // bytes of a payload

struct Grant {
  std::string id;              // 32 hex digits
  std::string request;         // 32 hex digits; empty: the policy asked nobody
  std::string request_digest;  // 64 hex digits; empty with that
  std::string host_id;
  std::string boot_id;
  std::int64_t epoch = 1;
  std::string rule;
  std::string policy_hash;
  std::string door, scope;
  std::string subject, person, target;
  std::uint32_t subject_uid = 0, target_uid = 0;
  std::uint32_t lifetime_s = 0, max_s = 0;
  std::int64_t created_ms = 0, claim_until_ms = 0, not_before_ms = 0;  // Unix time
  // "SIZE:ROOT" of the log when it was made; empty: nothing was signed. Nothing: of a grant from before this was said.
  std::optional<std::string> head = {};
  std::vector<std::string> votes;  // the digests of those that are signed, sorted
  bool operator==(const Grant&) const = default;
};

std::string payload_of(const Grant& grant);                   // canonical
std::optional<Grant> read_grant(std::string_view payload);    // only of a payload whose signature was found good

}  // namespace jit::evidence
