// SPDX-License-Identifier: Apache-2.0
// What a notice of the broker says to people, in words that mean nothing anywhere: no mention, no link, no markup.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace jit::notify {

// A text from elsewhere made inert. It comes escaped (evidence/text.h), and stays as it is but for what starts a mention, a tag, a
// link or code somewhere ("@", "<", ">", "[", "`", "://", "www."): that is written in the same notation, which nothing else is
// written as. Whatever is not printable ASCII should have been escaped before, and is escaped here.
std::string inert(std::string_view text);

struct Notice {
  std::uint64_t sequence = 0;  // of the log
  std::string key;             // the same whenever it is told again: 32 hex digits
  std::string event;           // of kEvents, or "test"
  std::vector<std::string> channels;  // that the policy names for it
  std::string request;         // 32 hex digits; empty: none
  std::string grant;
  std::string host_id;
  std::int64_t at_ms = 0;      // Unix time
  std::int64_t until = 0;      // CLOCK_BOOTTIME, ms: from then on it is told to nobody

  // For people, inert already.
  std::string title;
  std::vector<std::pair<std::string, std::string>> facts;  // label and value
  std::vector<std::string> next;                           // what to type
  nlohmann::ordered_json document;                         // the same for programs
};

// host, entry: of the answer to Courier.Next. now: CLOCK_BOOTTIME, ms. Nothing: it is no notice.
std::optional<Notice> read_notice(const nlohmann::json& host, const nlohmann::json& entry, std::int64_t now);
// What `jitctl notify test` sends.
Notice test_notice(const std::string& host, const std::string& channel, std::int64_t now_ms);

// "2026-11-29 13:17:06 UTC"
std::string time_text(std::int64_t unix_ms);
std::string duration_text(std::int64_t seconds);  // "1h30m"

}  // namespace jit::notify
