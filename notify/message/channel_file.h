// SPDX-License-Identifier: Apache-2.0
// A channel: a file NAME.toml of /etc/jit/notify.d. See jit-notify(8).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "notify/message/address.h"

namespace jit::notify {

enum class Kind : std::uint8_t { kExec, kWebhook };
enum class Template : std::uint8_t { kJson, kMail, kSlack, kTeams, kMattermost };

// What can happen, as files and messages name it.
inline constexpr std::string_view kEvents[] = {"request", "escalated", "decided", "grant", "ended", "break-glass"};

struct Channel {
  Kind kind = Kind::kExec;
  Template form = Template::kJson;
  std::vector<std::string> events;  // of kEvents, that it is told of beyond what the policy names it for
  std::uint32_t timeout_s = 30;     // of an attempt

  std::vector<std::string> command;  // exec: an absolute path, and words
  std::string from;                  // mail
  std::vector<std::string> to;

  std::string url;                 // webhook: https://...
  std::string ca;                  // a path; empty: the system's certificates
  std::string secret;              // a path; empty: nothing is signed
  std::vector<Network> allow;      // addresses that are refused otherwise

  bool wants(std::string_view event) const;
  bool operator==(const Channel&) const = default;
};

inline constexpr std::size_t kChannelFileMax = 64 * 1024;

struct ReadChannel {
  std::optional<Channel> channel;
  std::vector<std::string> errors;  // "FILE:LINE:COLUMN: what, and what to write"; empty where there is a channel
};
ReadChannel read_channel(const std::string& file, std::string_view text);

// A channel's name: letters, digits, - and _, at most 64; as policies name it.
bool valid_channel_name(std::string_view name);

}  // namespace jit::notify
