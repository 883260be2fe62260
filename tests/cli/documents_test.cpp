// SPDX-License-Identifier: Apache-2.0
#include "cli/documents.h"
#include "cli/story.h"

#include "tests/catch.h"

#include "cli/commands.h"
#include "evidence/text.h"

using namespace jit::cli;

namespace {

Json pending() {
  return Json::parse(R"({"id":"0123456789abcdef0123456789abcdef","kind":"elevation","state":"pending",
    "subject":{"name":"alice","uid":1000,"loginuid":null,"person":"alice","origin":"local","tty":"pts/1"},
    "door":"sudo","service":"sudo","target":{"name":"root","uid":0},"target_verified":false,"host":{"id":"00","name":"web1"},
    "command":{"argv":["sh","-c","echo \"x y\"; a\\nb",""],"text":"sh ...","length":20,"verified":false},
    "cwd":"/home/alice","reason":"disk full","reason_from":"prompt","ticket":"","asked":{"duration_s":1800},
    "offer":{"rule":"admin-root","give_s":900,"max_s":3600,"scope":"tty","shortened":false,
      "seats":[{"set":"set:sre","count":2,"filled_by":["bob"]},{"set":"user:eva","count":1,"filled_by":["eva"]}],"require":[]},
    "created":"2026-11-18T11:06:40.123Z","deadline":"2026-11-18T11:16:40.123Z","deadline_in_s":61,
    "votes":[{"person":"bob","uid":1001,"kind":"local","approve":true,"duration_s":300,"scope":"command","reason":"ok",
      "time":"2026-11-18T11:06:41.000Z"}],"grant":null,"ended":null})");
}

}  // namespace

TEST_CASE("a list that was cut says so in one line", "[lists]") {
  const auto line = [](const char* name, const char* text) { return left_out_line(Json::parse(text), name); };
  CHECK(line("requests", R"({"requests":[{"state":"pending"}],"left_out":{"living":0,"ended":false}})").empty());
  CHECK(line("requests", R"({"requests":[{"state":"pending"},{"state":"denied"}],"left_out":{"living":0,"ended":true}})") ==
        "2 shown, older ended ones left out: narrow it with --since or --state, or see jitctl audit log");
  CHECK(line("requests", R"({"requests":[{"state":"pending"},{"state":"detached"}],"left_out":{"living":7,"ended":true}})") ==
        "2 of 9 open requests shown: jitctl show ID shows any, --state narrows the list");
  CHECK(line("grants", R"({"grants":[{"state":"active"},{"state":"ended"}],"left_out":{"living":1,"ended":false}})") ==
        "1 of 2 living grants shown: jitctl show ID shows any, --state narrows the list");
  CHECK(line("grants", "[]").empty());
}

TEST_CASE("the group that sudo runs it as is shown with the user", "[documents]") {
  Json request = pending();
  CHECK(request_line(request).find("sudo as root(0):") != std::string::npos);
  request["target"]["group"] = "adm";
  CHECK(request_line(request).find("sudo as root(0), group adm:") != std::string::npos);
  const auto facts = request_facts(request);
  CHECK(std::ranges::find(facts, std::pair<std::string, std::string>("as", "root(0), group adm, as the command line says")) != facts.end());
}

TEST_CASE("who waits is told of votes and of the ladder's steps") {
  using Lines = std::vector<std::string>;
  const Json asked = pending();
  CHECK(progress(asked, asked).empty());
  Json before = asked;
  before["votes"] = Json::array();
  CHECK(progress(before, asked) == Lines{"bob approved; still asked: 1 of set:sre"});
  Json after = asked;
  after["offer"]["seats"][0]["count"] = 1U;
  after["votes"].push_back(Json::parse(R"({"person":"eva","approve":false})"));
  CHECK(progress(asked, after) == Lines{"eva denied"});
  after = asked;
  after["offer"]["escalate"] = Json::parse(R"([{"after_s":2,"add":"group:dba","to":"set:sre","notify":null},{"after_s":3,"add":null,"to":null,"notify":"pager"}])");
  after["steps"] = 1U;
  CHECK(progress(asked, after) == Lines{"asked now, too: group:dba"});
  before = after;
  after["steps"] = 9U;
  CHECK(progress(before, after) == Lines{"reminded: pager"});
  CHECK(progress(Json(), Json::parse(R"({"votes":3,"steps":4,"offer":{"escalate":{"a":1}}})")).empty());
  CHECK(progress(Json::parse("[]"), Json::parse(R"({"votes":[3]})")) == Lines{" denied"});
}

TEST_CASE("show says what runs where that is not what was typed") {
  Json request = pending();
  const auto shown = [&](const char* name) {
    for (const auto& [each, value] : request_facts(request)) {
      if (each == name) return value;
    }
    return std::string();
  };
  CHECK(shown("runs").empty());
  request["command"].update(Json::parse(R"({"path":"/usr/local/bin/sh","words_at":1,"options":["-D"],"env":["LD_PRELOAD","a b"]})"));
  CHECK(shown("runs") == "/usr/local/bin/sh");
  CHECK(shown("sudo options") == "-D");
  CHECK(shown("environment") == "LD_PRELOAD, \"a b\"");
  request["command"]["argv"][0] = "/usr/local/bin/sh";
  CHECK(shown("runs").empty());
  request["command"]["words_at"] = 99;
  CHECK(shown("runs") == "/usr/local/bin/sh");
}

TEST_CASE("show says what may be taken for another, and what is pushed out of sight") {
  Json request = pending();
  const auto shown = [&](const char* name) {
    for (const auto& [each, value] : request_facts(request)) {
      if (each == name) return value;
    }
    return std::string();
  };
  CHECK(shown("looks alike").empty());
  CHECK(shown("command has").empty());
  CHECK(shown("reason has").empty());
  request["looks_alike"] = Json::array({"command", "reason"});
  CHECK(shown("looks alike") == "command, reason: letters of several scripts in one word, or characters that do not show");
  request["command"]["argv"] = Json::array({"echo", "ok" + std::string(15, ' ') + "x"});
  CHECK(shown("command has").empty());
  request["command"]["argv"] = Json::array({"echo", "ok" + std::string(4096, ' ') + "; rm -rf /" + std::string(20, ' ')});
  CHECK(shown("command has") == "4096 blanks in a row");
  CHECK(shown("command").ends_with("; rm -rf /" + std::string(20, ' ') + "\""));
  request["reason"] = std::string(16, ' ');
  CHECK(shown("reason has") == "16 blanks in a row");
  CHECK(shown("ticket has").empty());
  CHECK(shown("directory has").empty());
  request["ticket"] = "CHG-1" + std::string(240, ' ') + "-2";
  request["cwd"] = "/srv/" + std::string(200, ' ') + "/x";
  CHECK(shown("ticket has") == "240 blanks in a row");
  CHECK(shown("directory has") == "200 blanks in a row");
}

TEST_CASE("two different things that happened are two different lines") {
  const auto line = [](const Json& argv, const char* reason) {
    return story_line({{"type", "request.created"}, {"time", "2026-11-25T12:00:00.000Z"}, {"request", "12ab34cd"}, {"person", "alice"}, {"fields", {{"argv", argv}, {"reason", reason}, {"door", "sudo"}}}});
  };
  CHECK(line({"sh", "-c", "id x"}, "") != line({"sh", "-c", "id", "x"}, ""));
  CHECK(line({"id"}, "").find(": id, request 12ab34cd") != std::string::npos);
  CHECK(line({"id"}, "fine\"), request 0badcafe").find("(\"fine\\\"), request 0badcafe\"), request 12ab34cd") != std::string::npos);
  CHECK(line({"echo", std::string(500, 'x') + "; rm"}, "").find("; rm") != std::string::npos);  // the end stays in sight
}

TEST_CASE("show says how urgent it is, and what goes on when the time is over") {
  Json request = pending();
  const auto shown = [&](const char* name) {
    for (const auto& [each, value] : request_facts(request)) {
      if (each == name) return value;
    }
    return std::string();
  };
  request["urgency"] = "normal";
  request["offer"].update(Json::parse(R"({"on_expiry":"end","run_max_s":0})"));
  CHECK(shown("urgency").empty());
  CHECK(shown("at the end").empty());
  CHECK(request_line(request).find("urgency") == std::string::npos);
  request["urgency"] = "critical";
  CHECK(shown("urgency") == "critical");
  CHECK(request_line(request).find(" [urgency critical] reason: ") != std::string::npos);
  request["offer"].update(Json::parse(R"({"on_expiry":"finish","run_max_s":86400})"));
  CHECK(shown("at the end") == "a command that runs may go on, no shell, until 1d after it began");
  request["offer"]["on_expiry"] = "warn";
  CHECK(shown("at the end") == "what runs is only warned, and may go on until 1d after it began");
}

TEST_CASE("what a host signed reads as its own document does") {
  jit::evidence::Request signed_one;
  signed_one.urgency = "high";
  signed_one.offer = {.rule = "r", .fingerprint = {}, .seats = {}, .ladder = {}, .votes = "signed", .scope = "tty", .review_s = 86400, .run_max_s = 60, .reason_min = 8, .on_expiry = "warn",
                      .warn_before_s = {}, .tickets = {"", "CHG-####"}, .notify = {"pager"}, .reason_required = true, .record = true};
  Json offer = document_of({signed_one, std::string(64, 'a')})["offer"];
  CHECK(offer["require"] == Json({"reason:8", "ticket", "ticket:CHG-####", "record", "notify:pager", "review:1d"}));
  CHECK(offer["on_expiry"] == "warn");
  CHECK(offer["run_max_s"] == 60);
  CHECK(document_of({signed_one, ""})["grant"].is_null());
  const std::string alike = "\xd0\xb0" "dmin";
  struct Row {
    const char* name;
    void (*change)(jit::evidence::Request&, const std::string&);
  };
  using Signed = jit::evidence::Request;
  const Row rows[] = {
      {"subject", [](Signed& r, const std::string& t) { r.subject.name = t; }},
      {"subject", [](Signed& r, const std::string& t) { r.subject.person = t; }},
      {"subject", [](Signed& r, const std::string& t) { r.subject.tty = t; }},
      {"target", [](Signed& r, const std::string& t) { r.target.group = t; }},
      {"command", [](Signed& r, const std::string& t) { r.command.argv = {t, t}; }},
      {"command", [](Signed& r, const std::string& t) { r.command.path = "/usr/bin/" + t; }},
      {"command", [](Signed& r, const std::string& t) { r.command.options = {t}; }},
      {"command", [](Signed& r, const std::string& t) { r.command.env = {t}; }},
      {"cwd", [](Signed& r, const std::string& t) { r.cwd = t; }},
      {"reason", [](Signed& r, const std::string& t) { r.reason = t; }},
      {"ticket", [](Signed& r, const std::string& t) { r.ticket = t; }},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    jit::evidence::Request one = signed_one;
    row.change(one, alike);
    CHECK(document_of({one, ""})["looks_alike"] == Json::array({row.name}));
  }
}

TEST_CASE("a request for people") {
  std::string text;
  for (const auto& [name, value] : request_facts(pending())) text += name + ": " + value + "\n";
  CHECK(text ==
        "request: 0123456789abcdef0123456789abcdef\n"
        "state: pending (1m1s left to vote)\n"
        "kind: elevation\n"
        "who: alice(1000)\n"
        "person: alice\n"
        "login uid: none\n"
        "from: local\n"
        "terminal: pts/1\n"
        "host: web1\n"
        "door: sudo (service sudo)\n"
        "as: root(0), as the command line says\n"
        "command: sh -c \"echo \\\"x y\\\"; a\\nb\" \"\"\n"
        "command is: not verified, 20 bytes\n"
        "directory: /home/alice\n"
        "reason: disk full\n"
        "reason from: prompt\n"
        "asked for: 30m\n"
        "rule: admin-root\n"
        "gives: 15m, at most 1h, scope tty\n"
        "needs: 2 of set:sre: bob\n"
        "needs: 1 of user:eva: eva\n"
        "created: 2026-11-18T11:06:40Z\n"
        "deadline: 2026-11-18T11:16:40Z\n"
        "vote: bob (uid 1001) approved for 5m, scope command at 2026-11-18T11:06:41Z, on this host's word: ok\n");
  CHECK(open_seats(pending()) == "1 of set:sre");
  CHECK(request_line(pending()) ==
        "2026-11-18T11:06:40Z 01234567 pending alice(1000) sudo as root(0): sh ... [needs 1 of set:sre] reason: disk full");
}

TEST_CASE("the outcome in one line") {
  Json request = pending();
  CHECK(decision_line(request, 0) == "waiting: alice asks to sudo as root(0) (rule admin-root); still asked: 1 of set:sre");
  request["state"] = "approved";
  CHECK(decision_line(request, 900) == "approved: alice may sudo as root(0) for 15m (rule admin-root)");
  request["state"] = "denied";
  request["ended"] = Json::parse(R"({"by":"bob","why":"not now","time":"2026-11-18T11:06:41.000Z"})");
  CHECK(decision_line(request, 0) == "denied: alice may not sudo as root(0) (rule admin-root), by bob: not now");
  CHECK(request_line(request) ==
        "2026-11-18T11:06:41Z 01234567 denied alice(1000) sudo as root(0): sh ... by bob (not now)");
  request["door"] = "ssh";
  CHECK(what(request) == "log in by ssh");
}

TEST_CASE("a command reads as evidence writes it") {
  const std::vector<std::vector<std::string>> rows = {
      {"ls"}, {"a b", ""}, {"\"", "\\", "\\\""}, {"\x1b[2J", "\xe2\x80\xae", "\xff", "\n"}, {"-u#-1", "%s", "$(x)", "'"}};
  for (const auto& argv : rows) {
    Json words = Json::array();
    for (const auto& word : argv) words.push_back(jit::evidence::escape(word));
    CHECK(command_of(Json{{"command", {{"argv", words}}}}) == jit::evidence::render_argv(argv));
  }
}

TEST_CASE("a document that lacks everything is shown, not crashed on") {
  for (const char* text : {"{}", "[]", "null", "3", R"({"offer":3,"subject":[],"votes":{},"ended":1,"command":{"argv":[3]}})",
                           R"({"offer":{"seats":[{},3]},"votes":[3,{}],"deadline_in_s":18446744073709551615,"state":"pending"})"}) {
    CAPTURE(text);
    const Json json = Json::parse(text);
    request_facts(json);
    grant_facts(json);
    request_line(json);
    request_row(json, true);
    grant_row(json, false);
    decision_line(json, UINT64_MAX);
  }
}

TEST_CASE("a reply with anything but printable ASCII is refused") {
  CHECK(read_document(R"({"a":"b"})"));
  for (const char* bad : {"", "{", "{\"a\":\"\x1b[2J\"}", R"({"a":"\u001b[2J"})", R"({"\u202e":1})", R"([["\u0000"]])",
                          "{\"a\":\"\xc3\xa9\"}", "{\"a\":1}\n", R"({"a":"\u00e9"})"}) {
    CAPTURE(bad);
    const auto got = read_document(bad);
    REQUIRE(!got);
    CHECK(got.failure().code == Exit::kUnreachable);
  }
}

TEST_CASE("errors and their exit codes") {
  struct Row {
    const char* name;
    Exit code;
  };
  const Row rows[] = {
      {"org.pamjit.Error.BadInput", Exit::kUsage},
      {"org.pamjit.Error.Ambiguous", Exit::kUsage},
      {"org.pamjit.Error.NotFound", Exit::kNotAllowed},
      {"org.pamjit.Error.Denied", Exit::kNotAllowed},
      {"org.pamjit.Error.Ended", Exit::kNo},
      {"org.pamjit.Error.Limit", Exit::kNo},
      {"org.pamjit.Error.Unavailable", Exit::kUnreachable},
      {"org.pamjit.Error.Other", Exit::kUnreachable},
      {"org.freedesktop.DBus.Error.AccessDenied", Exit::kNotAllowed},
      {"org.freedesktop.DBus.Error.NameHasNoOwner", Exit::kUnreachable},
      {"org.freedesktop.DBus.Error.ServiceUnknown", Exit::kUnreachable},
      {"org.freedesktop.DBus.Error.NoReply", Exit::kUnreachable},
      {"System.Error.ETIMEDOUT", Exit::kUnreachable},
      {"", Exit::kUnreachable},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    const auto got = failure_of(row.name, "text");
    CHECK(got.code == row.code);
    CHECK(!got.message.empty());
  }
  // Whoever types it again would do it twice.
  for (const char* late : {"org.freedesktop.DBus.Error.NoReply", "org.freedesktop.DBus.Error.Timeout", "System.Error.ETIMEDOUT"}) {
    CHECK(failure_of(late, "text").message.find("may still be done") != std::string::npos);
  }
  CHECK(failure_of("org.pamjit.Error.Denied", "a\x1b[2J").message == "(its message is not printable)");
}
