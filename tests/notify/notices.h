// SPDX-License-Identifier: Apache-2.0
// Notices as the broker sends them.
#pragma once

#include "notify/message/message.h"

namespace jit::notify_test {

inline const nlohmann::json kHost{{"id", "0123456789abcdef0123456789abcdef"}, {"name", "web1"}};

inline nlohmann::json request_entry() {
  return {{"seq", 7},
          {"type", "request.created"},
          {"event", "request"},
          {"channels", {"pager", "db-audit"}},
          {"request", "1a2b3c4d1a2b3c4d1a2b3c4d1a2b3c4d"},
          {"at_ms", 1'700'000'000'000},
          {"left_ms", 300'000},
          {"kind", "elevation"},
          {"door", "sudo"},
          {"service", "sudo"},
          {"who", {{"name", "alice"}, {"uid", 1000}, {"person", "alice"}, {"login", ""}, {"from", "192.0.2.7"}, {"tty", "/dev/pts/1"}}},
          {"target", {{"name", "root"}, {"uid", 0}, {"verified", true}}},
          {"command", {{"text", "systemctl restart nginx"}, {"verified", true}}},
          {"reason", "the disk is full"},
          {"ticket", "OPS-1"},
          {"urgency", "high"},
          {"rule", "root"},
          {"scope", "tty"},
          {"give_s", 5400},
          {"seats", {{{"set", "group:sre"}, {"count", 2}}}},
          {"code", "bomb sand"},
          {"deadline_ms", 1'700'000'300'000}};
}

inline notify::Notice notice_of(const nlohmann::json& entry) {
  const auto out = notify::read_notice(kHost, entry, 5);
  if (!out) throw std::runtime_error("no notice");
  return *out;
}

// Everything that people or machines could take for more than text.
inline const char* const kNasty[] = {
    "@channel", "@here", "<!channel>", "<!here|here>", "<@U012345>", "<https://evil.example|click>", "[approve](https://evil.example/yes)", "[x]: javascript:alert(1)", "https://evil.example/approve",
    "HTTP://EVIL.example", "www.evil.example", "WwW.evil.example", "ftp://evil.example", "`code`", "```", "</script><script>", "<b>bold</b>", "&lt;b&gt;", "bob@evil.example", "mailto:bob@evil.example",
    "<users/all>", "<at>everybody</at>", "\x1b[31mred\x1b[0m", "\x1b]8;;https://evil.example\x07link\x1b]8;;\x07", "a\r\nBcc: evil@evil.example", "a\nb", "\xe2\x80\xae reversed", "\xe2\x80\x8b zero",
    "\xc2\x9b[31m", "\xff\xfe", "\\u{40}channel", "\\\"quoted\\\"", "\"},{\"x\":\"", "%n%s{{7*7}}${HOME}$(id)", "=cmd|' /C calc'!A0", ".\r\nMAIL FROM:<a@b>"};

}  // namespace jit::notify_test
