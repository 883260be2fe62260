// SPDX-License-Identifier: Apache-2.0
// The machine of `jitctl watch`: requests and keys in, lines and wishes out.
#include "cli/inbox.h"

#include "tests/catch.h"

#include <map>

#include "tests/cli/inbox_requests.h"

using namespace jit::cli;
using namespace inbox_test;
using Keys = Press::Key;

namespace {

std::vector<std::string> texts(const Inbox& inbox, std::int64_t now = 0) {
  std::vector<std::string> out;
  for (const ScreenLine& line : inbox.draw(now).lines) out.push_back(line.text);
  return out;
}

std::string all(const Inbox& inbox, std::int64_t now = 0) {
  std::string out;
  for (const std::string& line : texts(inbox, now)) out += line + "\n";
  return out;
}

std::string note(const Inbox& inbox) {
  const auto lines = texts(inbox);
  return lines[lines.size() - 2];
}
std::string foot(const Inbox& inbox) { return texts(inbox).back(); }

// The short id of the row that is marked, and only one is.
std::string marked(const Inbox& inbox) {
  std::string out;
  int rows = 0;
  for (const ScreenLine& line : inbox.draw(0).lines) {
    const bool mark = line.text.starts_with("> ");
    CHECK(mark == (line.look == Look::kChosen));
    if (!mark) continue;
    out = line.text.substr(2, 8);
    ++rows;
  }
  CHECK(rows <= 1);
  return out;
}

Wish type(Inbox& inbox, std::string_view text) {
  Wish out;
  for (const char c : text) out = c == '\n' ? inbox.press({Keys::kEnter}) : inbox.press({Keys::kText, std::string(1, c)});
  return out;
}

Inbox with(std::initializer_list<Json> requests) {
  Inbox out;
  out.fill(Json(requests), 0);
  return out;
}

const std::string kId1 = waiting(1)["id"].get<std::string>();
const std::string kId2 = waiting(2)["id"].get<std::string>();

}  // namespace

TEST_CASE("the list: newest on top, countdowns, decided ones below with who and why", "[inbox]") {
  Inbox inbox = with({waiting(1), waiting(3), waiting(2)});
  inbox.put(decided(waiting(2), "denied", "bob", "not now"), Json(), 0);
  inbox.put(decided(waiting(1), "approved", "bob", ""), Json(), 0);
  inbox.put(decided(waiting(1), "approved", "bob", ""), revoked_grant("eve", "laptop stolen"), 0);
  inbox.put(waiting(4), Json(), 100'000);
  inbox.resize(80, 12);
  CHECK(all(inbox, 100'000) ==
        "jitctl watch: 2 requests wait\n"
        "  ID       WHO         WHAT            NEEDS          LEFT  COMMAND\n"
        "  14234567 alice(1000) sudo as root(0) 1 of group:sre 5m    id -un\n"
        "> 13234567 alice(1000) sudo as root(0) 1 of group:sre 3m20s id -un\n"
        "decided: 2\n"
        "  11234567 alice(1000) sudo as root(0) taken back by eve: laptop stolen\n"
        "  12234567 alice(1000) sudo as root(0) denied by bob: not now\n"
        "\n\n\n"
        "new: 14234567 of alice(1000) waits for 1 of group:sre\n"
        "up/down choose  enter details  a approve  d deny  q leave\n");
  CHECK(all(inbox, 101'000).find(" 3m19s ") != std::string::npos);
  CHECK(all(inbox, 10'000'000).find(" 0s ") != std::string::npos);
  CHECK(all(Inbox()).find("nobody waits") != std::string::npos);
}

TEST_CASE("what just happened, in one line", "[inbox]") {
  Inbox inbox = with({waiting(1)});
  CHECK(note(inbox).empty());  // what waited already is no news
  Json voted = waiting(1);
  voted["votes"] = Json::parse(R"([{"person":"carol","approve":true}])");
  voted["offer"]["seats"][0]["count"] = 2U;
  inbox.put(voted, Json(), 0);
  CHECK(note(inbox) == "11234567 of alice(1000): carol voted, still asked: 2 of group:sre");
  inbox.say("");
  voted["steps"] = 1U;
  inbox.put(voted, Json(), 0);
  CHECK(note(inbox) == "reminder: 11234567 of alice(1000): carol voted, still asked: 2 of group:sre");
  inbox.say("");
  inbox.put(voted, Json(), 0);
  CHECK(note(inbox).empty());
  inbox.put(decided(waiting(1), "denied", "bob", "not now"), Json(), 0);
  CHECK(note(inbox) == "11234567 of alice(1000) denied by bob: not now");
  inbox.say("the broker is back");
  inbox.put(decided(waiting(1), "denied", "bob", "not now"), Json(), 0);  // the same once more is no news
  CHECK(note(inbox) == "the broker is back");
  // Away and back: what waits no longer is asked for by the loop.
  Json escalated = waiting(2);
  escalated["steps"] = 1U;
  inbox.put(escalated, Json(), 0);  // who is asked only now hears of it for the first time
  CHECK(note(inbox) == "new: 12234567 of alice(1000) waits for 1 of group:sre");
  escalated["steps"] = 2U;
  inbox.put(escalated, Json(), 0);
  CHECK(note(inbox) == "reminder: 12234567 of alice(1000) waits for 1 of group:sre");
  CHECK(inbox.fill(Json::array({waiting(3)}), 0) == std::vector<std::string>{kId2});
  inbox.remove(kId2);
  inbox.say("");
  CHECK(all(inbox).find("12234567") == std::string::npos);
}

TEST_CASE("a break-glass use stands out, with the time by which it is to be reviewed", "[inbox]") {
  Json used = decided(waiting(2), "approved", "", "");
  used["kind"] = "break-glass";
  used["owed"] = Json::parse(R"({"due":"2026-11-19T11:06:40.123Z","overdue":false,"by":null,"text":null,"time":null})");
  struct Row {
    const char* name;
    const char* by;
    bool overdue;
    Json grant;
    const char* row;
    Look look;
    const char* note;
  };
  const Row rows[] = {
      {"owed", "", false, Json(), "BREAK-GLASS, review due 2026-11-19T11:06Z", Look::kHurry, ": BREAK-GLASS, review due 2026-11-19T11:06Z, approved"},
      {"overdue", "", true, Json(), "BREAK-GLASS, review was due 2026-11-19...", Look::kHurry, ": BREAK-GLASS, review was due 2026-11-19T11:06Z, approved"},
      {"reviewed", "eve", false, Json(), "BREAK-GLASS, reviewed by eve, approved", Look::kGood, ": BREAK-GLASS, reviewed by eve, approved"},
      {"taken back", "", false, revoked_grant("eve", "enough"), "BREAK-GLASS taken back by eve: enough", Look::kBad, " taken back by eve: enough"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    Inbox inbox = with({waiting(1)});
    Json request = used;
    request["owed"]["overdue"] = row.overdue;
    if (*row.by != '\0') request["owed"]["by"] = row.by;
    inbox.put(request, row.grant, 0);
    CHECK(note(inbox) == std::string("12234567 of alice(1000)") + row.note);
    const ScreenLine line = inbox.draw(0).lines[4];
    CHECK(line.text == std::string("  12234567 alice(1000) sudo as root(0) ") + row.row);
    CHECK(line.look == row.look);
    inbox.resize(200, 24);
    CHECK(all(inbox).find(row.note) != std::string::npos);
  }
  // That it was reviewed is news.
  Inbox inbox = with({waiting(1)});
  inbox.put(used, Json(), 0);
  inbox.say("");
  used["owed"]["by"] = "eve";
  inbox.put(used, Json(), 0);
  CHECK(note(inbox) == "12234567 of alice(1000): BREAK-GLASS, reviewed by eve, approved");
  used["owed"] = nullptr;
  inbox.put(used, Json(), 0);
  CHECK(all(inbox).find("BREAK-GLASS, approved") != std::string::npos);
}

TEST_CASE("keys move the choice, and it stays with its request", "[inbox]") {
  Inbox inbox = with({waiting(1), waiting(2), waiting(3)});
  struct Row {
    Press press;
    const char* marked;
  };
  const Row rows[] = {
      {{Keys::kHome}, "13234567"}, {{Keys::kDown}, "12234567"},      {{Keys::kText, "j"}, "11234567"}, {{Keys::kDown}, "11234567"},
      {{Keys::kUp}, "12234567"},   {{Keys::kText, "k"}, "13234567"}, {{Keys::kUp}, "13234567"},        {{Keys::kPageDown}, "11234567"},
      {{Keys::kPageUp}, "13234567"}, {{Keys::kEnd}, "11234567"},     {{Keys::kRedraw}, "11234567"},    {{Keys::kText, "x"}, "11234567"},
      {{Keys::kBackspace}, "11234567"}};
  for (const Row& row : rows) {
    inbox.press(row.press);
    CHECK(marked(inbox) == row.marked);
  }
  inbox.put(waiting(9), Json(), 0);
  CHECK(marked(inbox) == "11234567");
  inbox.put(decided(waiting(1), "expired", "", "nobody answered"), Json(), 0);
  CHECK(marked(inbox) == "11234567");
  inbox.press({Keys::kUp});
  CHECK(marked(inbox) == "12234567");
  inbox.remove(kId2);
  CHECK(marked(inbox) == "19234567");
  for (const Press& press : {Press{Keys::kText, "q"}}) CHECK(inbox.press(press).kind == Wish::Kind::kLeave);
}

TEST_CASE("keys on an empty list do nothing", "[inbox]") {
  Inbox inbox;
  for (const Keys key : {Keys::kUp, Keys::kDown, Keys::kEnter, Keys::kEscape, Keys::kHome, Keys::kEnd, Keys::kPageUp, Keys::kPageDown}) {
    CHECK(inbox.press({key}).kind == Wish::Kind::kNothing);
  }
  CHECK(type(inbox, "ad").kind == Wish::Kind::kNothing);
  CHECK(foot(inbox).find("q leave") != std::string::npos);
}

TEST_CASE("details are asked for whole, and left again", "[inbox]") {
  Inbox inbox = with({waiting(1), waiting(2)});
  const Wish wish = inbox.press({Keys::kEnter});
  CHECK(wish.kind == Wish::Kind::kWhole);
  CHECK(wish.ballot.id == kId2);
  CHECK(texts(inbox)[0] == "request: " + kId2);
  inbox.put_whole(waiting(2), 0);
  CHECK(note(inbox).empty());
  CHECK(inbox.press({Keys::kDown}).ballot.id == kId1);
  CHECK(texts(inbox)[0] == "request: " + kId1);
  CHECK(texts(inbox, 1000)[1] == "state: pending (4m59s left to vote)");
  CHECK(inbox.detailed() == kId1);
  inbox.press({Keys::kEscape});
  CHECK(inbox.detailed().empty());
  CHECK(marked(inbox) == "11234567");
}

TEST_CASE("votes: what each asks for before it is sent", "[inbox]") {
  struct Row {
    const char* name;
    bool reason;
    bool match;
    const char* keys;  // \n is enter
    bool sent;
    Ballot ballot;
    const char* says;  // the last line but one, where nothing was sent
  };
  const Row rows[] = {
      {"deny", false, false, "dnot now\ny", true, {kId1, false, "not now", ""}, ""},
      {"deny, by enter", false, false, "dno\n\n", true, {kId1, false, "no", ""}, ""},
      {"deny wants a reason", false, false, "d  \n", false, {}, "say why: a reason is needed, esc leaves"},
      {"approve", false, false, "a\ny", true, {kId1, true, "", ""}, ""},
      {"approve with a reason", false, false, "aq is fine\ny", true, {kId1, true, "q is fine", ""}, ""},
      {"approve wants a reason", true, false, "a\n", false, {}, "say why: a reason is needed, esc leaves"},
      {"approve gives it", true, false, "aok\nY", true, {kId1, true, "ok", ""}, ""},
      {"the code comes first", false, true, "a123 456\n\ny", true, {kId1, true, "", "123 456"}, ""},
      {"the code is needed", false, true, "a\n", false, {}, "a code is needed: it stands on their screen, let them read it to you"},
      {"a denial needs no code", false, true, "dno\ny", true, {kId1, false, "no", ""}, ""},
      {"only y and enter send", false, false, "ano\nnx", false, {}, "reason: no"},
      {"before it is sure", false, false, "a\n", false, {}, "no reason given"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    Json request = waiting(1);
    if (row.reason) request["offer"]["require"] = {"ticket", "reason:10"};
    request["offer"]["match"] = row.match;
    for (const bool details : {false, true}) {
      Inbox inbox = with({request});
      if (details) inbox.press({Keys::kEnter});
      const Wish wish = type(inbox, row.keys);
      CHECK((wish.kind == Wish::Kind::kVote) == row.sent);
      if (row.sent) {
        CHECK(wish.ballot.id == row.ballot.id);
        CHECK(wish.ballot.approve == row.ballot.approve);
        CHECK(wish.ballot.reason == row.ballot.reason);
        CHECK(wish.ballot.typed == row.ballot.typed);
      } else {
        CHECK(note(inbox) == row.says);
        inbox.press({Keys::kEscape});
        CHECK(note(inbox) == "nothing was sent");
        CHECK(foot(inbox).ends_with("q leave"));
      }
    }
  }
}

TEST_CASE("a line that is typed", "[inbox]") {
  Inbox inbox = with({waiting(1)});
  type(inbox, "dno qj");
  CHECK(foot(inbox) == "deny 11234567, why: no qj");
  CHECK(inbox.draw(0).cursor == foot(inbox).size());
  inbox.press({Keys::kBackspace});
  CHECK(foot(inbox).ends_with(": no q"));
  inbox.press({Keys::kText, "\xc3\xa9"});
  inbox.press({Keys::kBackspace});  // a whole character
  CHECK(foot(inbox).ends_with(": no q"));
  inbox.press({Keys::kErase});
  CHECK(foot(inbox) == "deny 11234567, why: ");
  type(inbox, std::string(3000, 'w'));
  CHECK(note(inbox) == "no longer than 1024 bytes");
  CHECK(foot(inbox).size() < 80);
  type(inbox, "\n");
  CHECK(foot(inbox) == "deny 11234567 of alice(1000)? y sends, esc leaves");
  CHECK(type(inbox, "y").ballot.reason == std::string(1024, 'w'));
  inbox.refused("the broker is not running");
  CHECK(note(inbox) == "the broker is not running");
  CHECK(foot(inbox).ends_with("www"));  // what was typed is there again
  type(inbox, "\ny");
  inbox.voted();
  CHECK(foot(inbox).ends_with("q leave"));
}

TEST_CASE("a vote goes with its request", "[inbox]") {
  Inbox inbox = with({waiting(1)});
  type(inbox, "ayes");
  inbox.put(waiting(2), Json(), 0);
  CHECK(foot(inbox).starts_with("approve 11234567"));
  inbox.put(decided(waiting(1), "denied", "carol", "no"), Json(), 0);
  CHECK(note(inbox) == "nothing was sent: 11234567 of alice(1000) denied by carol: no");
  CHECK(foot(inbox).ends_with("q leave"));
  type(inbox, "a");  // nor can one begin
  CHECK(foot(inbox).ends_with("q leave"));
  // An approval can still be taken back, by denying it.
  Inbox approved = with({waiting(1)});
  approved.put(decided(waiting(1), "approved", "bob", ""), Json(), 0);
  type(approved, "a");
  CHECK(foot(approved).ends_with("q leave"));
  CHECK(type(approved, "dwrong one\ny").kind == Wish::Kind::kVote);
  approved.voted();
  approved.put(decided(waiting(1), "approved", "bob", ""), revoked_grant("bob", "wrong one"), 0);
  type(approved, "d");
  CHECK(foot(approved).ends_with("q leave"));
  approved.remove(kId1);
  type(approved, "d");
  CHECK(foot(approved).ends_with("q leave"));
}

TEST_CASE("any size, any state: the screen is filled and nothing leaves it", "[inbox]") {
  std::map<std::string, Inbox> states;
  states.emplace("empty", Inbox());
  states.emplace("list", with({waiting(1), waiting(2), hostile()}));
  for (const char* keys : {"\n", "a", "aab\n", "dx", "dx\n"}) {
    Inbox inbox = with({hostile(), waiting(90)});
    inbox.put(decided(waiting(5), "denied", "bob", "no"), Json(), 0);
    inbox.press({Keys::kEnd});
    inbox.press({Keys::kUp});
    type(inbox, keys);
    states.emplace(keys, inbox);
  }
  for (auto& [name, inbox] : states) {
    for (std::size_t width = 0; width <= 200; width = width < 100 ? width + 1 : width + 50) {
      for (const std::size_t height : {0U, 1U, 2U, 7U, 8U, 9U, 10U, 11U, 12U, 13U, 24U, 60U}) {
        CAPTURE(name, width, height);
        inbox.resize(width, height);
        const Picture picture = inbox.draw(1'000'000);
        REQUIRE(picture.lines.size() == height);
        REQUIRE(picture.cursor.value_or(0) <= width);
        const bool small = width < 40 || height < 8;
        if (height > 0) REQUIRE((picture.lines[0].text == std::string("make the window larger").substr(0, width)) == (small || width == 0));
        for (const ScreenLine& line : picture.lines) {
          REQUIRE(line.text.size() <= width);
          REQUIRE(std::ranges::all_of(line.text, [](char c) { return c >= ' ' && c <= '~'; }));
        }
      }
    }
  }
}

TEST_CASE("a long list shows what is chosen, and how many there are", "[inbox]") {
  Inbox inbox;
  Json requests = Json::array();
  for (int n = 0; n < 85; ++n) requests.push_back(waiting(n));
  inbox.fill(requests, 0);
  for (int n = 85; n < 90; ++n) inbox.put(decided(waiting(n), "denied", "bob", "no"), Json(), 0);
  inbox.press({Keys::kHome});
  for (int i = 0; i < 90; ++i) {
    CHECK_FALSE(marked(inbox).empty());
    CHECK(texts(inbox)[0] == "jitctl watch: 85 requests wait");
    inbox.press({Keys::kDown});
  }
}

TEST_CASE("documents that lack everything are shown, not crashed on", "[inbox]") {
  for (const char* text : {"{}", "[]", "null", "3", R"({"id":"a","offer":3,"subject":[],"target":4,"votes":{},"ended":1,"command":{"argv":[3]}})",
                           R"({"id":"a\u001b","state":"pending","offer":{"seats":[{},3],"require":{},"match":3},"votes":[3,{}],"deadline_in_s":18446744073709551615})"}) {
    CAPTURE(text);
    const Json json = Json::parse(text);
    Inbox inbox;
    inbox.fill(json, 0);
    inbox.put(json, Json(), 0);
    inbox.put(json, json, INT64_MAX / 2);
    for (const char* keys : {"\n", "a", "\n", "\n"}) {
      type(inbox, keys);
      for (const std::string& line : texts(inbox)) {
        CHECK(std::ranges::all_of(line, [](char c) { return c >= ' ' && c <= '~'; }));
      }
    }
  }
}
