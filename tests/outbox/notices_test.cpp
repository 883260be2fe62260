// SPDX-License-Identifier: Apache-2.0
#include "broker/outbox/notices.h"

#include "tests/catch.h"

#include <nlohmann/json.hpp>

#include "broker/core/events.h"
#include "evidence/request.h"
#include "evidence/text.h"
#include "tests/core/world.h"

using namespace jit;
using namespace jit::outbox;
using core_test::kAlice;
using core_test::kBob;
using Json = nlohmann::json;

namespace {

// What the core told, as the database would give it back; "root" and "free" require a message to pager.
struct Told {
  core_test::World world;

  Told() {
    std::string rules = core_test::kRules;
    for (const std::string id : {"root", "free"}) {
      const std::string line = "id = \"" + id + "\"\n";
      rules.replace(rules.find(line), line.size(), line + "require = [\"notify:pager\"]\n");
    }
    rules += "[[permit]]\nid = \"glass\"\nwho = [\"set:staff\"]\ndoor = [\"sudo\"]\nas = [\"user:root\"]\n"
             "require = [\"reason:20\", \"review:1d\", \"notify:alarm\"]\nbreak-glass = true\nmax = \"10m\"\n";
    world.use(core_test::load_policy(rules));
    world.core->use_notifier([] { return true; });
  }
  Json last(std::string_view type) const {
    const core::AuditEntry* found = nullptr;
    for (const core::AuditEntry& each : world.told_entries) {
      if (each.type == type) found = &each;
    }
    REQUIRE(found != nullptr);
    return of(*found);
  }
  evidence::PrivateFields hide;
  Json of(const core::AuditEntry& entry) const {
    const Kept kept{[&](const core::Id& id) {
                      const auto at = world.held.requests.find(id);
                      return at == world.held.requests.end() ? std::nullopt : std::optional(at->second);
                    },
                    [&](const core::Id& id) {
                      const auto at = world.held.grants.find(id);
                      return at == world.held.grants.end() ? std::nullopt : std::optional(at->second);
                    },
                    hide,
                    {world.wall(), world.boottime(), world.boot}};
    const std::string members = notice_of(entry, kept);
    return members.empty() ? Json() : Json::parse("{" + members + "}");
  }
};

}  // namespace

TEST_CASE("a notice of a request says what the host signed, escaped") {
  Told told;
  core::Ask ask = told.world.ask(kAlice);
  ask.argv = {"sudo", "cat", "\x1b[31m<!here>\n"};
  ask.reason = "caf\xc3\xa9";
  told.world.submit(ask);
  const Json notice = told.last(core::events::kRequestCreated);
  CHECK(notice["event"] == "request");
  CHECK(notice["channels"] == Json::array({"pager"}));
  CHECK(notice["who"]["name"] == "alice");
  CHECK(notice["command"]["text"] == evidence::render_argv(ask.argv));
  CHECK(notice["reason"] == "caf\\u{e9}");
  CHECK(notice["left_ms"] == 600'000);
  CHECK(notice["seats"][0]["set"] == "set:sre");
}

TEST_CASE("a decision is told to who was told of the request, and its grant to nobody again") {
  Told told;
  told.world.submit(told.world.ask(kAlice));
  const core::Id id = told.world.only_request();
  REQUIRE(told.world.vote(kBob, id).one());
  // Decided meanwhile: no longer news.
  CHECK(told.last(core::events::kRequestCreated).is_null());
  const Json decided = told.last(core::events::kRequestApproved);
  CHECK(decided["event"] == "decided");
  CHECK(decided["state"] == "approved");
  CHECK(decided["request"] == id.text());
  CHECK(decided["channels"] == Json::array({"pager"}));
  const Json grant = told.last(core::events::kGrantCreated);
  CHECK(grant["event"] == "grant");
  CHECK(grant["channels"].empty());
}

TEST_CASE("what nobody was asked for is told as a grant") {
  Told told;
  told.world.submit(told.world.ask(kAlice, "free"));
  const Json grant = told.last(core::events::kGrantCreated);
  CHECK(grant["event"] == "grant");
  CHECK(grant["channels"] == Json::array({"pager"}));
  CHECK(grant["who"]["name"] == "alice");
  CHECK(grant["target"]["name"] == "free");
  CHECK(grant["command"]["text"] == evidence::render_argv(told.world.only_grant().argv));
  CHECK(grant["command"]["verified"] == false);
  told.hide.command = true;
  const Json closed = told.last(core::events::kGrantCreated);
  CHECK_FALSE(closed.contains("command"));
  CHECK(closed["private"] == Json::array({"command"}));
  told.hide = {};
  const core::Grant given = told.world.only_grant();
  REQUIRE(told.world.revoke(told.world.caller(0), {given.id.text(), {}, {}, false}).one());
  const Json ended = told.last(core::events::kGrantEnded);
  CHECK(ended["event"] == "ended");
  CHECK(ended["state"] == "revoked");
  CHECK(ended["channels"].empty());  // only who asks for it in his file
}

TEST_CASE("an emergency is told once, as one") {
  Told told;
  core::Ask ask = told.world.ask(kAlice);
  ask.via = "glass";
  ask.reason = "the pager rings and nobody answers";
  ask.reason_from = core::ReasonFrom::kPrompt;
  told.world.submit(ask);
  const Json notice = told.last(core::events::kRequestCreated);
  CHECK(notice["event"] == "break-glass");
  CHECK(notice["channels"] == Json::array({"alarm"}));
  CHECK(notice["reason"] == ask.reason);
  CHECK(told.last(core::events::kGrantCreated).is_null());
}

TEST_CASE("a rule that requires a message is closed where nobody sends them") {
  Told told;
  told.world.core->use_notifier([] { return false; });
  const core::Conn conn = told.world.submit(told.world.ask(kAlice));
  CHECK(told.world.answer(conn).verdict == core::Verdict::kDeny);
  told.world.core->use_notifier([] { return true; });
  const core::Conn again = told.world.submit(told.world.ask(kAlice));
  CHECK(told.world.answer(again).verdict == core::Verdict::kPending);
  // It was queued with the request: a notifier that leaves takes nothing back.
  told.world.core->use_notifier([] { return false; });
  told.world.use(told.world.policy);
  CHECK(told.world.vote(kBob, told.world.only_request()).one());
}

TEST_CASE("a long command is cut where no escape is, and says how long it was") {
  for (std::size_t most = 40; most < 80; ++most) {
    const std::vector<std::string> argv{"sudo", "echo", std::string(30, 'x') + "\xe2\x80\xae\n\\\x01" + std::string(100, 'y')};
    const std::string whole = evidence::render_argv(argv);
    const std::string shown = shown_command(argv, most);
    const std::string end = "... (" + std::to_string(whole.size()) + " characters in all)";
    REQUIRE(shown.ends_with(end));
    const std::string kept = shown.substr(0, shown.size() - end.size());
    CHECK(whole.starts_with(kept));
    CHECK(kept.size() <= most);
    CHECK((kept.empty() || evidence::unescape(kept).has_value()));
  }
  CHECK(shown_command(std::vector<std::string>{"id"}, 40) == "id");
}
