// SPDX-License-Identifier: Apache-2.0
// Details at 80x24: each fact of a request is on the screen, whatever the others hold.
#include "tests/catch.h"

#include <stdio.h>

#include <algorithm>
#include <chrono>
#include <clocale>
#include <map>
#include <memory>

#include "cli/documents.h"
#include "cli/fit.h"
#include "cli/screen.h"
#include "tests/cli/inbox_requests.h"

using namespace jit::cli;
using namespace inbox_test;

namespace {

constexpr char kHostile[] =
    "request: 1023456789abcde... (32 bytes)  state: pending (5m left to vote)\n"
    "code: calm otter    kind: elevation     who: al\\x1b[31m\\x07ice...(4294967294)\n"
    "person: Al\\nice\\u{202e}... (189 bytes)  login uid: 4294967294\n"
    "from: 2001:db8:ffff:ffff:ffff:ffff:ffff:ffff\n"
    "terminal: pts/\\x1b[31m\\x07              host: web1\\u{202e}.hhhh... (216 bytes)\n"
    "door: sudo (service sudo)\n"
    "as: ro\\x1b[31m\\x07ot(0), as the command line says\n"
    "command: sh -c \"true                                                            \n"
    "                                                                     ... (70000 \n"
    "bytes) ... \"word-3997\\u{202e}\" \"word-3998\\u{202e}\" \"word-3999\\u{202e}\" --the-end\n"
    "command is: not verified, 70000 bytes   command has: 4096 blanks in a row\n"
    "runs: /opt/xxxxxxxxxxx... (4008 bytes)  sudo options: -D, /\n"
    "environment: LD_PRELOA... (2020 bytes)  directory: /home/ddddd... (4006 bytes)\n"
    "reason: \\x1b\\x1b\\x1b\\x1b\\x1b\\x1b\\x1b\\x1b... (1021 bytes) ...nd the tail of it\n"
    "reason has: 500 blanks in a row         reason from: prompt\n"
    "ticket: CHG-1 \\x1b[31m\\x07777777777777777777... (212 bytes) ...77777777777777777\n"
    "asked for: 1d       not before: 2026-11-19T11:06:40Z\n"
    "risk: 85 of 100: never root here before; out... (98 bytes) ...at they can change\n"
    "rule: rrrrrrrrrrrrrrrrrr... (64 bytes)  gives: 15m, at most 1h, scope tty\n"
    "needs: 2 of set:aaaaaaaa... (77 bytes)  needs: 2 of set:bbbbbbbb... (77 bytes)\n"
    "created: 2026-11-18T11:06:10Z           deadline: 2026-11-18T11:16:40Z\n"
    "vote: b\\x1b[31m\\x070 (... (1100 bytes)  vote: b\\x1b[31m\\x071 (... (1100 bytes)\n"
    "not all of it fits here: jitctl show 10234567 has it whole\n"
    "a approve  d deny  up/down another  enter back  q leave\n";

std::string details(const Json& request, std::size_t width = 80, std::size_t height = 24) {
  Inbox inbox;
  inbox.resize(width, height);
  inbox.fill(Json::array({request}), 0);
  inbox.press({Press::Key::kEnter});
  std::string out;
  for (const ScreenLine& line : inbox.draw(0).lines) out += line.text + "\n";
  return out;
}

std::size_t count(const std::string& text, const std::string& what) {
  std::size_t out = 0;
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++out;
  return out;
}

}  // namespace

TEST_CASE("the golden screen of a hostile request", "[inbox]") { CHECK(details(hostile()) == kHostile); }

TEST_CASE("every fact of a request is on a screen of 80x24", "[inbox]") {
  Json review = decided(hostile(3, 4), "approved", "bob", "");
  review["kind"] = "break-glass";
  review["owed"] = {{"due", "2026-11-20T00:00:00.000Z"}, {"overdue", false}, {"by", nullptr}, {"text", nullptr}, {"time", nullptr}};
  for (const Json& request : {waiting(), hostile(), hostile(1, 0), hostile(6, 6), hostile(10, 12), review}) {
    const std::string screen = details(request);
    std::map<std::string, std::size_t> names;
    for (const auto& [name, value] : request_facts(request)) ++names[name];
    for (const auto& [name, times] : names) {
      CAPTURE(screen, name);
      // At the beginning of a line, or after the blanks of the fact before.
      CHECK(count("\n" + screen, "\n" + name + ": ") + count(screen, " " + name + ": ") >= times);
    }
  }
}

TEST_CASE("the code of an own request is not for a screen that stands open", "[inbox]") {
  Json own = waiting();
  own["typed_code"] = "777000";
  CHECK(details(own).find("777000") == std::string::npos);
}

TEST_CASE("an ordinary request stands there whole, one fact a line", "[inbox]") {
  const std::string screen = details(waiting());
  for (const auto& [name, value] : request_facts(waiting())) CHECK(count("\n" + screen, "\n" + name + ": " + value + "\n") == 1);
  CHECK(screen.find("not all of it fits") == std::string::npos);
  CHECK(details(hostile(), 300, 4000).find("not all of it fits") == std::string::npos);
}

TEST_CASE("a cut text says how long it is, keeps its end, and breaks no escape", "[inbox]") {
  const std::string text = escape(std::string(60, '\x1b') + "end\xe2\x80\xae");
  for (std::size_t room = 0; room < text.size(); ++room) {
    CAPTURE(room);
    const std::string shown = cut(text, room);
    CHECK(shown.size() <= room);
    if (room >= 54) CHECK(shown.ends_with("end\\u{202e}"));
    if (room >= 20) CHECK(shown.find("... (66 bytes)") != std::string::npos);
    std::string whole = shown;
    for (const char* part : {"... (66 bytes) ...", "... (66 bytes)", "..."}) {
      if (const auto at = whole.find(part); at != std::string::npos) whole.erase(at, std::string(part).size());
    }
    CHECK(jit::evidence::unescape(whole));
  }
  CHECK(cut(text, text.size()) == text);
  CHECK(cut("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 30, 7) == "aaaaaaaaaaaaaaaaa... (7 bytes)");
  CHECK(wrap("ab\\x1bcd", 4) == std::vector<std::string>{"ab", "\\x1b", "cd"});
  CHECK(wrap("\\u{10ffff}", 3) == std::vector<std::string>{"\\u{", "10f", "fff", "}"});
  CHECK(harmless("a\x1b[2J") == "a\\x1b[2J");
}

TEST_CASE("typed text is shown as it is where the terminal has columns for it", "[inbox]") {
  std::size_t columns = 0;
  const std::string before = std::setlocale(LC_CTYPE, nullptr);
  REQUIRE(std::setlocale(LC_CTYPE, "C.UTF-8") != nullptr);
  CHECK(typed_text("caf\xc3\xa9 \xe6\xbc\xa2", 80, columns) == "caf\xc3\xa9 \xe6\xbc\xa2");
  CHECK(columns == 7);
  CHECK(typed_text("a\xe2\x80\xae\x1b\xff\x7f", 80, columns) == "a\\u{202e}\\x1b\\xff\\x7f");
  CHECK(typed_text("\xe6\xbc\xa2\xe6\xbc\xa2", 3, columns) == "\xe6\xbc\xa2");
  CHECK(columns == 2);
  std::setlocale(LC_CTYPE, before.c_str());
}

// The figure is for people; how long a key takes on a busy machine fails nothing.
TEST_CASE("200 requests: what a key and a resize cost", "[inbox]") {
  const std::unique_ptr<FILE, int (*)(FILE*)> null(fopen("/dev/null", "r+"), fclose);
  REQUIRE(null != nullptr);
  const auto screen = Screen::open(null.get(), null.get(), "xterm", false);
  REQUIRE(screen != nullptr);
  Inbox inbox;
  Json requests = Json::array();
  for (int n = 0; n < 200; ++n) {
    Json one = n % 10 == 0 ? hostile() : waiting(n);
    one["id"] = std::to_string(1000 + n) + one["id"].get<std::string>().substr(4);
    requests.push_back(one);
  }
  inbox.fill(requests, 0);
  const auto longest = [&](const std::vector<Press>& presses, bool resizes) {
    double out = 0;
    std::size_t width = 80;
    for (const Press& press : presses) {
      const auto began = std::chrono::steady_clock::now();
      if (resizes) {
        width = width == 80 ? 200 : 80;
        inbox.resize(width, width / 3);
      }
      inbox.press(press);
      screen->draw(inbox.draw(0));
      out = std::max(out, std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - began).count());
    }
    return out;
  };
  const double list = longest(std::vector<Press>(200, Press{Press::Key::kDown}), false);
  const double resized = longest(std::vector<Press>(200, Press{Press::Key::kUp}), true);
  inbox.press({Press::Key::kEnter});
  const double facts = longest(std::vector<Press>(200, Press{Press::Key::kDown}), true);
  WARN("200 requests, the longest of 200 keys, ms: in the list " << list << ", with a resize " << resized << ", details with a resize " << facts);
  CHECK(inbox.draw(0).lines.size() >= 24);
}
