// SPDX-License-Identifier: Apache-2.0
// What a person answers, as his own key signs it. It names the digest of the request, so every field of that is part of the yes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace jit::evidence {

inline constexpr std::string_view kVoteType = "application/vnd.pam-jit.vote.v1+json";
inline constexpr std::size_t kVoteMax = 16 * 1024;       // bytes of a payload
inline constexpr std::size_t kVoteReasonMax = 2048;      // bytes, as typed

struct Vote {
  std::string digest;   // of the request: 64 hex digits
  std::string request;  // its id: 32 hex digits
  std::string host_id;  // 32 hex digits
  std::string boot_id;
  bool approve = false;
  std::optional<std::uint32_t> duration_s;  // never longer than what was offered
  std::string scope;                        // never wider; empty: as offered
  std::optional<std::uint32_t> block_s;     // with a denial
  std::string reason;
  std::string person;
  std::string key_id;
  std::string typed;        // the code of the requester's screen; empty: none was asked
  std::int64_t time_ms = 0;  // Unix time of the voter's own clock: nothing hangs on it
  bool operator==(const Vote&) const = default;
};

std::string payload_of(const Vote& vote);                   // canonical
std::optional<Vote> read_vote(std::string_view payload);    // only of a payload whose signature was found good, or whose digest a log names

}  // namespace jit::evidence
