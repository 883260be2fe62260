// SPDX-License-Identifier: Apache-2.0
#include "notify/message/message.h"

#include "evidence/text.h"
#include "tests/catch.h"
#include "tests/notify/notices.h"

using namespace jit::notify;
using namespace jit::notify_test;
using Json = nlohmann::json;

namespace {

bool printable(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= 0x20 && c <= 0x7e; });
}

void check_inert(const std::string& text) {
  INFO(text);
  CHECK(printable(text));
  for (const char c : {'@', '<', '>', '[', '`'}) CHECK(text.find(c) == std::string::npos);
  CHECK(text.find("://") == std::string::npos);
  std::string lower = text;
  std::ranges::transform(lower, lower.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  CHECK(lower.find("www.") == std::string::npos);
}

// What inert() made of an escaped text, undone.
std::string as_it_came(const std::string& shown) {
  std::string out;
  for (std::size_t i = 0; i < shown.size(); ++i) {
    if (shown[i] != '\\') {
      out += shown[i];
      continue;
    }
    const std::string escape = shown.substr(i, 4);
    const std::string_view made = "\\x40@\\x3c<\\x3e>\\x5b[\\x60`\\x2f/\\x2e.";
    if (const std::size_t at = made.find(escape); escape.size() == 4 && at != std::string_view::npos && at % 5 == 0) {
      out += made[at + 4];
      i += 3;
    } else {
      out += shown.substr(i, 2);
      i += 1;
    }
  }
  return out;
}

}  // namespace

TEST_CASE("text from elsewhere is inert, and can be read back") {
  for (const std::string text : kNasty) {
    check_inert(inert(text));
    // As the broker sends it, escaped once: what stands there still says what it was, byte for byte.
    const std::string escaped = jit::evidence::escape(text);
    check_inert(inert(escaped));
    CHECK(as_it_came(inert(escaped)) == escaped);
  }
  for (const char* const plain : {"", "systemctl restart nginx", "a_b-c*d", "10.0.0.1", "a && b | c > d"}) CHECK(inert(plain) == (std::string(plain) == "a && b | c > d" ? "a && b | c \\x3e d" : plain));
}

TEST_CASE("two texts are never shown alike") {
  CHECK(inert(jit::evidence::escape("@")) == "\\x40");
  CHECK(inert(jit::evidence::escape("\\x40")) == "\\\\x40");
}

TEST_CASE("a long text is cut, and says how long it was") {
  const std::string shown = inert(std::string(100'000, 'x'));
  CHECK(shown.size() < 4200);
  CHECK(shown.ends_with("... (100000 characters in all)"));
}

TEST_CASE("a request says who asks for what, and what to type") {
  const Notice notice = notice_of(request_entry());
  CHECK(notice.title == "web1: alice asks for sudo as root (1a2b3c4d)");
  CHECK(notice.channels == std::vector<std::string>{"pager", "db-audit"});
  CHECK(notice.until == 5 + 300'000);
  std::string all;
  for (const auto& [label, value] : notice.facts) all += label + "=" + value + "\n";
  CHECK(all.find("Who=alice, from 192.0.2.7\n") != std::string::npos);
  CHECK(all.find("Command=systemctl restart nginx\n") != std::string::npos);
  CHECK(all.find("For=1h30m\n") != std::string::npos);
  CHECK(all.find("Asked=2 of group:sre\n") != std::string::npos);
  CHECK(all.find("Until=2023-11-14 22:18:20 UTC\n") != std::string::npos);
  CHECK(all.find("Code=bomb sand\n") != std::string::npos);
  REQUIRE(notice.next.size() == 3);
  CHECK(notice.next[0].ends_with("jitctl show 1a2b3c4d"));
  CHECK(notice.next[2] == "No message and no link ever approves anything.");
}

TEST_CASE("a command that was only typed says so") {
  Json entry = request_entry();
  entry["command"]["verified"] = false;
  const Notice notice = notice_of(entry);
  const auto found = std::ranges::find(notice.facts, "Command", &std::pair<std::string, std::string>::first);
  REQUIRE(found != notice.facts.end());
  CHECK(found->second.ends_with("not verified)"));
}

TEST_CASE("what the host keeps for itself is named") {
  Json entry = request_entry();
  entry["private"] = {"command", "reason", "<!here>"};
  const Notice notice = notice_of(entry);
  const auto found = std::ranges::find(notice.facts, "Private", &std::pair<std::string, std::string>::first);
  REQUIRE(found != notice.facts.end());
  CHECK(found->second == "command, reason, \\x3c!here\\x3e: that host alone shows it");
  CHECK(notice.document["private"].size() == 3);
}

TEST_CASE("each event has its title") {
  const std::pair<const char*, const char*> cases[] = {{"escalated", "web1: alice still waits for sudo as root (1a2b3c4d)"},
                                                       {"decided", "web1: denied: sudo as root for alice (1a2b3c4d)"},
                                                       {"break-glass", "web1: emergency access: alice took sudo as root (1a2b3c4d)"},
                                                       {"grant", "web1: alice was given sudo as root"},
                                                       {"ended", "web1: sudo as root of alice has ended: denied"}};
  for (const auto& [event, title] : cases) {
    Json entry = request_entry();
    entry["event"] = event;
    entry["state"] = "denied";
    CHECK(notice_of(entry).title == title);
    for (const std::string& line : notice_of(entry).next) CHECK(line.find("approve ") == (std::string(event) == "escalated" && line.starts_with("To answer") ? line.find("approve ") : std::string::npos));
  }
}

TEST_CASE("the key is the same whenever it is told, and another one for everything else") {
  const std::string key = notice_of(request_entry()).key;
  CHECK(key.size() == 32);
  Json again = request_entry();
  again["reason"] = "another";
  CHECK(notice_of(again).key == key);
  for (const auto& [name, value] : {std::pair<const char*, Json>{"seq", 8}, {"event", "decided"}, {"at_ms", 1}, {"request", "2a2b3c4d1a2b3c4d1a2b3c4d1a2b3c4d"}}) {
    Json other = request_entry();
    other[name] = value;
    CHECK(notice_of(other).key != key);
  }
}

TEST_CASE("what is no notice is none") {
  const auto none = [](const char* name, const Json& value) {
    Json entry = request_entry();
    entry[name] = value;
    INFO(name);
    CHECK_FALSE(read_notice(kHost, entry, 5));
  };
  none("event", "vote");
  none("event", 7);
  none("request", "../../etc/passwd");
  none("request", "1A2B3C4D1a2b3c4d1a2b3c4d1a2b3c4d");
  none("grant", "x");
  none("seq", 0);
  none("seq", -1);
  CHECK_FALSE(read_notice(Json{{"id", "x"}}, request_entry(), 5));
  CHECK_FALSE(read_notice(Json(), Json(), 5));
  CHECK_FALSE(read_notice(kHost, Json::array(), 5));
  // Names of channels that could be none are not looked for.
  Json entry = request_entry();
  entry["channels"] = {"../x", "pager", "a b", 7};
  CHECK(notice_of(entry).channels == std::vector<std::string>{"pager"});
  // Other kinds of values than expected mean nothing.
  for (const char* const name : {"who", "target", "command", "seats", "reason", "give_s"}) {
    Json odd = request_entry();
    odd[name] = Json::array({1, Json::object(), "x"});
    CHECK(read_notice(kHost, odd, 5));
  }
}

TEST_CASE("times and durations") {
  CHECK(time_text(0) == "1970-01-01 00:00:00 UTC");
  CHECK(duration_text(0) == "0s");
  CHECK(duration_text(90'061) == "1d1h1m1s");
}
