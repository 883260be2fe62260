// SPDX-License-Identifier: Apache-2.0
#include "broker/bus/json.h"

#include <algorithm>
#include "tests/catch.h"

using namespace jit;
using namespace jit::bus;

namespace {

constexpr char kHostile[] = "fix\x1b]52;c;AAAA\x07\n\r\xe2\x80\xae\"],\\ \xff";
constexpr char kEscaped[] = "fix\\x1b]52;c;AAAA\\x07\\n\\r\\u{202e}\"],\\\\ \\xff";

core::IdentityPtr identity(std::uint32_t uid, const char* user, const char* person) {
  return std::make_shared<const policy::Identity>(policy::Identity{uid, user, person, true, {}, {}});
}

core::Request request() {
  core::Request out;
  out.id = *core::Id::parse("0123456789abcdef0123456789abcdef");
  out.service = "sudo";
  out.subject.identity = identity(1000, "alice", "alice");
  out.subject.loginuid = 1000;
  out.subject.origin.kind = policy::Origin::Kind::kLocal;
  out.subject.tty = "/dev/pts/1";
  out.target = identity(0, "root", "uid:0");
  out.argv = {"sudo", "sh", "-c", "a\nb"};
  out.command = {true, false, false, "", "/usr/bin/sh", 2, {"-g"}, {"PATH", "A\nB"}};
  out.cwd = "/home/alice";
  out.reason = kHostile;
  out.reason_from = core::ReasonFrom::kPrompt;
  out.asked_s = 600;
  out.offer.rule = "admin-root";
  out.offer.seats = {{"set:sre", 2}};
  out.offer.give_s = 600;
  out.offer.max_s = 900;
  out.offer.reason_required = true;
  out.offer.tickets = {"", "CHG-####"};
  out.offer.record = out.offer.match = out.offer.break_glass = true;
  out.offer.notify = {"pager"};
  out.target_group = "a\nb";
  out.offer.review_s = 86'400;
  out.offer.votes = policy::Votes::kSigned;
  out.card = {45, {"never was root\n here before"}};
  out.steps = 1;
  out.typed_code = "123456";  // never in a document that anybody may have
  out.deadline = 61'500;
  out.created_wall = 1'795'000'000'123;
  out.deadline_wall = 1'795'000'600'123;
  return out;
}

const Host kHost{"00ff", "web1"};
const Now kNow{1'000, 1'795'000'000'123};

}  // namespace

TEST_CASE("a request's document") {
  const core::Vote vote{{}, "bob", 1001, true, 300, std::nullopt, "ok", {}, 1'795'000'001'000};
  const Json json = request_json(request(), {{&vote, 1}, {{"bob"}}}, kHost, kNow, Form::kWhole);
  const Json expected = Json::parse(R"({
    "id": "0123456789abcdef0123456789abcdef", "kind": "elevation", "state": "pending",
    "subject": {"name": "alice", "uid": 1000, "loginuid": 1000, "person": "alice", "origin": "local", "tty": "/dev/pts/1"},
    "door": "sudo", "service": "sudo", "target": {"name": "root", "uid": 0, "group": "a\\nb"}, "target_verified": false,
    "host": {"id": "00ff", "name": "web1"},
    "command": {"argv": ["sudo", "sh", "-c", "a\\nb"], "text": "sudo sh -c \"a\\nb\"", "length": 15, "verified": false, "cut": false,
                "path": "/usr/bin/sh", "sha256": null, "changeable": false, "words_at": 2, "options": ["-g"], "env": ["PATH", "A\\nB"]},
    "cwd": "/home/alice",
    "reason": "", "reason_from": "prompt", "ticket": "", "urgency": "normal", "asked": {"duration_s": 600, "scope": null},
    "offer": {"rule": "admin-root", "give_s": 600, "max_s": 900, "scope": "tty", "shortened": false, "escalate": [],
              "seats": [{"set": "set:sre", "count": 2, "filled_by": ["bob"]}], "require": ["reason", "ticket", "ticket:CHG-####", "record", "notify:pager", "review:1d"],
              "votes": "signed", "match": true, "break_glass": true, "on_expiry": "end", "run_max_s": 0},
    "steps": 1,
    "risk": {"score": 45, "signs": ["never was root\\n here before"]}, "looks_alike": ["reason"], "display_code": "evolve clump", "not_before": null, "extends": null,
    "created": "2026-11-18T11:06:40.123Z", "deadline": "2026-11-18T11:16:40.123Z", "deadline_in_s": 61,
    "votes": [{"person": "bob", "uid": 1001, "kind": "local", "key": null, "host_in_doubt": false, "approve": true, "duration_s": 300, "scope": null,
               "reason": "ok", "block_s": null, "time": "2026-11-18T11:06:41.000Z"}], "owed": null,
    "grant": null, "grant_state": null, "ended": null})");
  Json golden = expected;
  golden["reason"] = kEscaped;
  CHECK(json.dump(1) == golden.dump(1));
}

TEST_CASE("what may be taken for another is named") {
  const std::string alike = "\xd0\xb0" "dmin";
  struct Row {
    const char* name;
    void (*change)(core::Request&, const std::string&);
  };
  const Row rows[] = {
      {"subject", [](core::Request& r, const std::string& t) { r.subject.identity = identity(1000, t.c_str(), "x"); }},
      {"subject", [](core::Request& r, const std::string& t) { r.subject.identity = identity(1000, "x", t.c_str()); }},
      {"subject", [](core::Request& r, const std::string& t) { r.subject.tty = t; }},
      {"target", [](core::Request& r, const std::string& t) { r.target = identity(1, t.c_str(), "x"); }},
      {"command", [](core::Request& r, const std::string& t) { r.argv.push_back(t); }},
      {"command", [](core::Request& r, const std::string& t) { r.command.path = t; }},
      {"command", [](core::Request& r, const std::string& t) { r.command.options = {t}; }},
      {"command", [](core::Request& r, const std::string& t) { r.command.env = {t}; }},
      {"cwd", [](core::Request& r, const std::string& t) { r.cwd = "/home/" + t; }},
      {"reason", [](core::Request& r, const std::string& t) { r.reason = "as " + t; }},
      {"ticket", [](core::Request& r, const std::string& t) { r.ticket = t; }},
  };
  for (const Row& row : rows) {
    INFO(row.name);
    core::Request one = request();
    one.reason.clear();
    CHECK(request_json(one, {}, kHost, kNow, Form::kShort)["looks_alike"] == Json::array());
    row.change(one, alike);
    CHECK(request_json(one, {}, kHost, kNow, Form::kShort)["looks_alike"] == Json::array({row.name}));
  }
}

TEST_CASE("an ended request's document") {
  core::Request ended = request();
  ended.state = core::RequestState::kDenied;
  ended.ended_by = "bob";
  ended.ended_why = "no\x9b";
  ended.ended_wall = 1'795'000'002'000;
  ended.subject.loginuid = policy::kNoUid;
  const Json json = request_json(ended, {}, kHost, kNow, Form::kWhole);
  CHECK(json["ended"] == Json::parse(R"({"by":"bob","why":"no\\x9b","time":"2026-11-18T11:06:42.000Z"})"));
  CHECK(!json.contains("deadline_in_s"));
  CHECK(json["subject"]["loginuid"].is_null());
}

TEST_CASE("a grant's document") {
  core::Grant grant;
  grant.id = *core::Id::parse("fedcba9876543210fedcba9876543210");
  grant.subject = request().subject;
  grant.target = request().target;
  grant.rule = "admin-root";
  grant.lifetime_s = 600;
  grant.claim_until = 2'000;
  grant.created_wall = grant.claim_until_wall = 1'795'000'000'000;
  Json json = grant_json(grant, kHost, kNow, Form::kWhole);
  CHECK(json["state"] == "approved");
  CHECK(json["claim_in_s"] == 1);
  CHECK(json["expires"].is_null());
  CHECK(json["request"].is_null());
  grant.state = core::GrantState::kActive;
  grant.expires = 500;  // over, and not swept yet
  json = grant_json(grant, kHost, kNow, Form::kWhole);
  CHECK(json["expires_in_s"] == 0);
  grant.state = core::GrantState::kEnded;
  grant.end = core::GrantEnd::kRevoked;
  grant.ended_by = "eva";
  json = grant_json(grant, kHost, kNow, Form::kWhole);
  CHECK(json["ended"]["how"] == "revoked");
  CHECK(json["ended"]["why"].is_null());
}

TEST_CASE("hostile text never leaves ASCII, in any place that holds a text") {
  core::Request bad = request();
  bad.subject.identity = identity(1000, kHostile, kHostile);
  bad.target = identity(1, kHostile, kHostile);
  bad.service = bad.subject.tty = bad.cwd = bad.reason = bad.ticket = bad.ended_by = bad.ended_why = kHostile;
  bad.argv = {kHostile, kHostile};
  bad.command = {true, false, false, "", kHostile, 1, {kHostile}, {kHostile}};
  bad.offer.rule = kHostile;
  bad.offer.seats = {{kHostile, 1}};
  bad.state = core::RequestState::kDenied;
  const core::Vote vote{{}, kHostile, 1, true, {}, {}, kHostile, {}, 0};
  core::Grant grant;
  grant.subject = bad.subject;
  grant.target = bad.target;
  grant.argv = bad.argv;
  grant.cwd = grant.rule = grant.ended_by = grant.ended_why = kHostile;
  grant.state = core::GrantState::kEnded;
  core::AuditEntry entry;
  entry.type = entry.person = entry.boot_id = kHostile;
  entry.fields = kHostile;  // not JSON
  for (const Form form : {Form::kWhole, Form::kShort}) {
    for (const Json& json : {request_json(bad, {{&vote, 1}, {{kHostile}}}, {kHostile, kHostile}, kNow, form),
                             grant_json(grant, {kHostile, kHostile}, kNow, form), entry_json(entry)}) {
      const std::string text = dump(json);
      CHECK(std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; }));
      CHECK(text.find("\\u") == text.find("\\u{"));  // JSON's own escapes are not needed either
    }
  }
}

TEST_CASE("a long command is cut in lists only, and says so") {
  core::Request big = request();
  big.argv = {"sudo", std::string(4000, ' ') + ";rm", "x"};
  Json json = request_json(big, {}, kHost, kNow, Form::kShort);
  CHECK(json["command"]["argv"].is_null());
  CHECK(json["command"]["cut"] == true);
  CHECK(json["command"]["text"] == "sudo... (4011 bytes)");
  CHECK(json["command"]["length"] == 4011);
  big.argv.front() = std::string(300, 's');
  json = request_json(big, {}, kHost, kNow, Form::kShort);
  CHECK(json["command"]["text"].get<std::string>().ends_with("... (4307 bytes)"));
  json = request_json(big, {}, kHost, kNow, Form::kWhole);
  CHECK(json["command"]["argv"][1].get<std::string>().size() == 4003);
  CHECK(json["command"]["cut"] == false);
  big.argv = {std::string(core::kArgvMax - 1, '\x01')};
  CHECK(dump(request_json(big, {}, kHost, kNow, Form::kWhole)).size() < core::kFrameMax);
}

TEST_CASE("what sudo would run beside what was typed") {
  core::Request one = request();
  one.command.path = "/" + std::string(300, 'p');
  one.command.env = {std::string(300, 'E')};
  Json json = request_json(one, {}, kHost, kNow, Form::kShort)["command"];
  CHECK(json["argv"].size() == 4);
  CHECK((json["path"].is_null() && json["env"].is_null() && json["cut"] == true));
  json = request_json(one, {}, kHost, kNow, Form::kWhole)["command"];
  CHECK((json["path"].get<std::string>().size() == 301 && json["env"].size() == 1 && json["cut"] == false));
  one.command.path.clear();  // a shell, or not found
  one.command.env.clear();
  json = request_json(one, {}, kHost, kNow, Form::kShort)["command"];
  CHECK((json["path"].is_null() && json["env"].empty() && json["cut"] == false));
  one.command = {};
  json = request_json(one, {}, kHost, kNow, Form::kShort)["command"];
  for (const char* key : {"path", "words_at", "options", "env"}) CHECK((json.contains(key) && json[key].is_null()));
}

TEST_CASE("the votes stand in lists too, a long reason cut") {
  const core::Vote vote{{}, "bob", 1001, true, 300, std::nullopt, std::string(1000, 'r'), {}, 1'795'000'001'000};
  const Json votes = request_json(request(), {{&vote, 1}, {{"bob"}}}, kHost, kNow, Form::kShort)["votes"];
  REQUIRE(votes.size() == 1);
  CHECK(votes[0]["person"] == "bob");
  CHECK(votes[0]["reason"].get<std::string>().ends_with("... (1000 bytes)"));
  CHECK(request_json(request(), {}, kHost, kNow, Form::kShort)["votes"] == Json::array());
}

TEST_CASE("times") {
  CHECK(iso_time(0) == "1970-01-01T00:00:00.000Z");
  CHECK(iso_time(1'795'000'000'007) == "2026-11-18T11:06:40.007Z");
  CHECK(iso_time(-1) == "1970-01-01T00:00:00.000Z");
}

TEST_CASE("a status for anybody has nothing of what a channel's command has printed") {
  const std::string whole = R"({"couriers":[{"name":"relay","reached":true,"why":""},{"name":"notify","reached":false,"why":"https://hooks/SECRET"}],"policy":{}})";
  CHECK(status_for_anyone(whole) ==
        R"({"couriers":[{"name":"relay","reached":true,"why":""},{"name":"notify","reached":false,"why":"an admin can see why"}],"policy":{}})");
}

TEST_CASE("a status for anybody has nothing of what the policy's files say") {
  CHECK(status_for_anyone(R"({"state":"degraded","policy":{"in_force":"the last good set","hash":"ab","rules":3,"since":"x",
        "error_count":2,"warning_count":1,"errors":["rules.toml:3:1: E05 `db-root`: set:dba"],"warnings":["w"]},"store":"ok"})") ==
        R"({"state":"degraded","policy":{"in_force":"the last good set","hash":"ab","error_count":2,"warning_count":1},"store":"ok"})");
  CHECK(status_for_anyone(R"({"policy":["E05 secret"]})") == R"({"policy":{}})");
  CHECK(status_for_anyone("{}") == "{}");
  CHECK(status_for_anyone("nonsense") == "{}");
}

TEST_CASE("messages on the wire") {
  CHECK(wire_text("plain \\x1b stays") == "plain \\x1b stays");
  CHECK(wire_text("a\x1b[2J\xe2\x80\xae\n") == "a\\x1b[2J\\u{202e}\\n");
  CHECK(wire_text("") == "");
  CHECK(reprint("{\"a\": [1, \"\xc3\xa9\"]}") == "{\"a\":[1,\"\\u00e9\"]}");
  CHECK(reprint("nonsense") == "{}");
}
