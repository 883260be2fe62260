// SPDX-License-Identifier: Apache-2.0
// Limits that hold everywhere. Past one: a named error, and nothing is cut silently.
#pragma once

#include <cstddef>
#include <cstdint>

namespace jit::core {

struct Limits {
  std::size_t pending_per_uid = 8;
  std::size_t connections_per_uid = 8;
  std::size_t requests_per_hour = 30;      // a uid
  std::size_t break_glass_per_hour = 5;    // a person
  std::size_t pending_per_host = 16384;
  std::size_t grants_per_uid = 1024;       // living ones; a rule that asks nobody gives one for each new command
  std::size_t spent_per_uid = 16384;       // living ones that cover nothing more: closed logins, calls without a terminal
  std::size_t login_waits_per_host = 3;    // waiting connections at a promptless ssh door
  std::int64_t resume_ms = 10'000;         // after a restart of the broker, for who stands at no question
  std::int64_t hand_over_ms = 10'000;      // from a yes to Bind
  std::int64_t acknowledge_ms = 10'000;     // for a channel to take word of an emergency access
  std::int64_t denial_window_ms = 60'000;  // denials of one (uid, door, cause) in this time are one entry with a count
};

inline constexpr std::int64_t kHourMs = 3'600'000;  // in which requests_per_hour are counted

inline constexpr std::size_t kArgvMax = 128 * 1024;  // bytes, all words with their NULs
inline constexpr std::size_t kReasonMax = 1024;      // bytes
inline constexpr std::size_t kTicketMax = 256;
inline constexpr std::size_t kPathMax = 4096;        // cwd
inline constexpr std::size_t kNameMax = 256;         // user names, PAM items
inline constexpr std::size_t kFrameMax = 1024 * 1024;
inline constexpr std::size_t kChoicesMax = 9;        // of a question at the door: one digit
inline constexpr std::size_t kChoiceMax = 200;       // the text of one, bytes
inline constexpr std::size_t kLineMax = 480;         // a text for the person, bytes (PAM holds 512)

}  // namespace jit::core
