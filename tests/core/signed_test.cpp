// SPDX-License-Identifier: Apache-2.0
// Votes that people signed, and when a vote by uid alone is not enough.
#include "evidence/grant.h"
#include "evidence/vote_code.h"
#include "evidence/wire.h"
#include "tests/core/signing.h"

namespace jit::core_test {

namespace {

struct Signed : World {
  explicit Signed(const std::string& votes = "signed", const std::string& more_people = {}) {
    Host host;
    host.id = std::string(31, '0') + "1";
    host.name = "db1";
    core->use_host(host);
    use(load_policy(rules_with("one = { need = [{ from = \"set:sre\" }], wait = \"10m\" }",
                               "one = { need = [{ from = \"set:sre\" }], wait = \"10m\", votes = \"" + votes + "\" }"),
                    people_with_keys({{"bob", kBob}, {"carol", kCarol}, {"alice", kAlice}}) + more_people));
  }
  Request asked(std::uint32_t uid = kAlice, const std::string& target = "root") {
    submit(ask(uid, target));
    return held.requests.at(only_request());
  }
  Reply<Request> signs(std::uint32_t uid, const std::string& name, const Request& request, bool approve = true) {
    return carry(*this, sealed(vote_for(request, name, uid, approve), key_of(uid)), {who(uid)});
  }
};

std::string code_for(const Request& request, std::uint32_t uid, bool approve = true, const std::string& reason = "fine") {
  evidence::VoteCode vote;
  vote.digest = request.digest;
  vote.approve = approve;
  vote.key = *evidence::key_prefix(key_of(uid).public_key());
  vote.reason = reason;
  vote.typed = request.typed_code;
  const auto body = evidence::body_of(vote);
  return *evidence::to_text(vote, key_of(uid).sign(evidence::kVoteCodeNamespace, evidence::text_of(*body)));
}

}  // namespace

TEST_CASE("a signed vote gives what the rule wants signed, and a vote by uid does not", "[signed]") {
  Signed world;
  const Request request = world.asked();
  world.signed_head = {7, std::string(64, 'a'), "{}"};
  CHECK(world.vote(kBob, request.id).error() == "Denied");
  const std::string vote = sealed(vote_for(request, "bob", kBob), key_of(kBob));
  const auto by = world.core->signed_by(vote);
  REQUIRE(by);
  CHECK(by.value.person == "bob");
  CHECK(by.value.users == std::vector<std::string>{"bob"});
  CHECK(carry(world, vote, {world.who(kBob)}).error().empty());
  const Grant& grant = world.only_grant();
  CHECK(evidence::read_grant(grant.payload)->votes.size() == 1);
  CHECK(evidence::read_grant(grant.payload)->request_digest == request.digest);
  CHECK(evidence::read_grant(grant.payload)->head == "7:" + std::string(64, 'a'));
  REQUIRE(world.held.votes.size() == 1);
  CHECK(world.held.votes[0].kind == VoteKind::kSshsig);
  CHECK(world.held.votes[0].signed_text == vote);
  CHECK(world.held.votes[0].signed_digest == evidence::read_grant(grant.payload)->votes[0]);
  CHECK(carry(world, vote, {world.who(kBob)}).error().empty());  // carried twice
  CHECK(world.held.grants.size() == 1);
}

TEST_CASE("a yes that comes while the person stands at the question for a code begins when the door asks for it", "[signed][bind]") {
  Signed world;
  Ask ask = world.ask(kAlice);
  ask.can_ask = true;
  const Answer told = world.answer(world.submit(ask));
  CHECK(told.takes_code);
  CHECK(world.signs(kBob, "bob", world.held.requests.at(told.id)).error().empty());
  world.pass_and_tick(15'000);
  CHECK(world.bound(world.bind(ask)).cause == "no-hand-over");
  CHECK(world.only_grant().state == GrantState::kUnclaimed);
  SECTION("and is used then") {
    CHECK(world.said(world.resume(told.id, told.secret)) == "allow granted");
    CHECK(world.bound(world.bind(ask)).allow);
    CHECK(world.only_grant().starts == world.now);
  }
  SECTION("and sudo opens no session: that was the first use") {
    CHECK(world.said(world.resume(told.id, told.secret)) == "allow granted");
    const BootMs asked = world.now;
    world.pass_and_tick(10'000);
    CHECK(world.only_grant().starts == asked);
  }
  SECTION("and nobody asks for it: it ends unused") {
    world.pass_and_tick(world.only_grant().claim_until - world.now);
    CHECK(world.core->live_grants().empty());
    CHECK(world.said(world.resume(told.id, told.secret)) == "deny gone");
  }
}

TEST_CASE("a wrong code that is carried again is no other try", "[signed][D15]") {
  Signed world;
  world.use(load_policy(rules_with("one = { need = [{ from = \"set:sre\" }], wait = \"10m\" }",
                                   "one = { need = [{ from = \"set:sre\" }], wait = \"10m\", votes = \"signed\", match = true }"),
                        people_with_keys({{"bob", kBob}, {"carol", kCarol}, {"alice", kAlice}})));
  const Request request = world.asked();
  evidence::Vote vote = vote_for(request, "bob", kBob);
  vote.typed = request.typed_code == "000000" ? "000001" : "000000";
  const std::string wrong = sealed(vote, key_of(kBob));
  for (int times = 0; times < 5; ++times) CHECK(carry(world, wrong, {world.who(kBob)}).error() == "Denied");
  CHECK(world.held.requests.at(request.id).wrong_codes == 1);
  CHECK(world.logged(events::kVoteRefused) == 1);
  vote.typed = request.typed_code;
  CHECK(carry(world, sealed(vote, key_of(kBob)), {world.who(kBob)}).error().empty());
}

TEST_CASE("a denial always counts", "[signed]") {
  Signed world;
  const Request request = world.asked();
  SECTION("by uid") { CHECK(world.vote(kBob, request.id, false).error().empty()); }
  SECTION("signed") { CHECK(world.signs(kBob, "bob", request, false).error().empty()); }
  SECTION("a code") { CHECK(carry(world, code_for(request, kBob, false), {world.who(kBob)}).error().empty()); }
  CHECK(world.held.requests.at(request.id).state == RequestState::kDenied);
}

TEST_CASE("a vote code is a signed vote", "[signed][code]") {
  Signed world;
  const Request request = world.asked();
  const std::string code = code_for(request, kBob);
  CHECK(code.size() <= evidence::kCodeMax);
  std::string copied = code.substr(0, 40) + "\n " + code.substr(40) + "\r\n";
  CHECK(carry(world, copied, {world.who(kBob)}).error().empty());
  CHECK(world.held.votes.at(0).kind == VoteKind::kCode);
  CHECK(world.only_grant().request == request.id);
}

TEST_CASE("what was signed is for this request of this host and boot, by who may", "[signed][D1][D9][D12]") {
  Signed world;
  const Request request = world.asked();
  const auto refused = [&](const evidence::Vote& vote, const evidence::HostKey& key, const std::string& why) {
    const auto reply = carry(world, sealed(vote, key), {world.who(kBob)});
    INFO(why);
    CHECK(reply.one().message.find(why) != std::string::npos);
    CHECK(world.held.grants.empty());
  };
  const evidence::Vote good = vote_for(request, "bob", kBob);
  evidence::Vote vote = good;
  vote.host_id = std::string(32, 'a');
  refused(vote, key_of(kBob), "another host");
  vote = good;
  vote.boot_id = "boot-0";
  refused(vote, key_of(kBob), "started again");
  vote = good;
  vote.digest = std::string(64, 'b');
  refused(vote, key_of(kBob), "nothing that waits here");
  vote = good;
  vote.request = std::string(32, 'c');
  refused(vote, key_of(kBob), "another request");
  vote = good;
  vote.person = "carol";
  refused(vote, key_of(kBob), "another person");
  vote = good;
  vote.key_id = key_of(kCarol).fingerprint();
  refused(vote, key_of(kBob), "another key");
  vote = good;
  vote.duration_s = 999'999;
  refused(vote, key_of(kBob), "at most 15m");
  vote = good;
  vote.scope = "session";
  refused(vote, key_of(kBob), "only narrow");
  refused(vote_for(request, "alice", kAlice), key_of(kAlice), "own request");
  refused(good, key_of(4711), "enrolled");
  CHECK(world.logged(events::kVoteRefused) == 4);  // signed, and for something else: each once
  CHECK(world.signs(kBob, "bob", request).error().empty());
}

TEST_CASE("what is not one signed vote is refused", "[signed][D9][D17]") {
  Signed world;
  const Request request = world.asked();
  const evidence::HostKey key = key_of(kBob);
  const std::string payload = evidence::payload_of(vote_for(request, "bob", kBob));
  const auto refused = [&](const std::string& text) {
    CHECK_FALSE(carry(world, text, {world.who(kBob)}).error().empty());
    CHECK(world.held.grants.empty());
  };
  refused("");
  refused("{}");
  refused("jc1");
  refused(std::string(evidence::kEnvelopeMax + 1, '{'));
  const auto envelope = key.seal(evidence::kVoteType, payload, evidence::kVoteNamespace);
  refused(evidence::to_json(envelope) + " ");
  refused(evidence::to_json(key.seal(evidence::kVoteType, payload, evidence::kRequestNamespace)));
  refused(evidence::to_json(key.seal("application/vnd.pam-jit.vote.v0+json", payload, evidence::kVoteNamespace)));
  refused(evidence::to_json(key.seal(evidence::kRequestType, payload, evidence::kVoteNamespace)));
  for (std::string other : {payload.substr(0, payload.size() - 1) + ",\"auto\":true}", "{\"decision\":\"approve\"," + payload.substr(1), payload + " ", "\xef\xbb\xbf" + payload}) {
    refused(evidence::to_json(key.seal(evidence::kVoteType, other, evidence::kVoteNamespace)));
  }
  auto two = envelope;
  two.signatures.push_back(key_of(kCarol).seal(evidence::kVoteType, payload, evidence::kVoteNamespace).signatures[0]);
  refused(evidence::to_json(two));
  auto none = envelope;
  none.signatures.clear();
  refused(evidence::to_json(none));
}

TEST_CASE("a key that is revoked, over or not yet in force signs nothing", "[signed][D13]") {
  const std::string more = GENERATE("revoked = true\n", "not-after = 2001-01-01T00:00:00Z\n", "not-before = 2999-01-01T00:00:00Z\n");
  Signed world;
  world.use(load_policy(rules_with("one = { need = [{ from = \"set:sre\" }], wait = \"10m\" }",
                                   "one = { need = [{ from = \"set:sre\" }], wait = \"10m\", votes = \"signed\" }"),
                        people_with_keys({{"bob", kBob}}, more) + people_with_keys({{"carol", kCarol}}).substr(12)));
  const Request request = world.asked();
  CHECK(world.signs(kBob, "bob", request).error() == "Denied");
  CHECK(world.held.grants.empty());
}

TEST_CASE("a key that is revoked while the request waits stops counting", "[signed][D13]") {
  Signed world;
  const auto rules = rules_with("two = { need = [{ from = \"set:sre\", count = 2 }], wait = \"10m\" }",
                                "two = { need = [{ from = \"set:sre\", count = 2 }], wait = \"10m\", votes = \"signed\" }");
  world.use(load_policy(rules, people_with_keys({{"bob", kBob}, {"carol", kCarol}, {"dave", kDave}})));
  const Request request = world.asked(kAlice, "two");
  CHECK(world.signs(kBob, "bob", request).error().empty());
  SECTION("still in force") {
    CHECK(world.signs(kCarol, "carol", request).error().empty());
    CHECK(world.held.grants.size() == 1);
  }
  SECTION("revoked") {
    world.use(load_policy(rules, people_with_keys({{"carol", kCarol}, {"dave", kDave}})));
    CHECK(world.signs(kCarol, "carol", request).error().empty());
    CHECK(world.held.grants.empty());
  }
}

TEST_CASE("a key whose time passes while the request waits stops counting", "[signed][D13]") {
  Signed world;
  const bool passed = GENERATE(false, true);
  world.use(load_policy(rules_with("two = { need = [{ from = \"set:sre\", count = 2 }], wait = \"10m\" }",
                                   "two = { need = [{ from = \"set:sre\", count = 2 }], wait = \"10m\", votes = \"signed\" }"),
                        people_with_keys({{"bob", kBob}}, "not-after = 2023-11-14T23:38:00Z\n") + people_with_keys({{"carol", kCarol}, {"erin", kErin}}).substr(12)));
  const Request request = world.asked(kAlice, "two");
  CHECK(world.signs(kBob, "bob", request).error().empty());
  if (passed) world.pass(100'000);  // it was 23:36:40
  CHECK(world.signs(kCarol, "carol", request).error().empty());
  CHECK(world.held.grants.size() == (passed ? 0 : 1));
  CHECK(world.core->standing_votes(request.id).size() == (passed ? 1 : 2));
  if (passed) CHECK(world.signs(kErin, "erin", request).error().empty());
  CHECK(world.held.grants.size() == 1);
}

TEST_CASE("a hardware key is asked for where the rule says so", "[signed]") {
  const std::string kPoint(32, 'k');
  const evidence::Bytes blob = evidence::WireWriter().string(std::string_view("sk-ssh-ed25519@openssh.com")).string(std::string_view(kPoint)).string(std::string_view("ssh:")).bytes();
  Signed world("hardware", "[[person]]\nname = \"dave\"\nusers = [\"dave\"]\n[[person.key]]\nid = \"token\"\nkind = \"ssh\"\npublic = \"sk-ssh-ed25519@openssh.com " +
                           evidence::base64(blob) + "\"\n");
  const Request request = world.asked();
  CHECK(world.signs(kBob, "bob", request).one().message.find("hardware key") != std::string::npos);
  CHECK(carry(world, code_for(request, kBob), {world.who(kBob)}).one().message.find("hardware key") != std::string::npos);
  CHECK(world.held.grants.empty());
}

TEST_CASE("a machine answers with its own key, where the rule takes machines", "[signed]") {
  const bool taken = GENERATE(true, false);
  Signed world;
  const std::string need = "one = { need = [{ from = \"set:sre\" }], wait = \"10m\" }";
  // Where machines do not count somebody else must be able to fill the seat.
  const std::string rule = "one = { need = [{ from = \"person:*\" }], wait = \"10m\", machines = " + std::string(taken ? "true" : "false") + " }";
  const std::string machine = "[[person]]\nname = \"runbook\"\nclass = \"machine\"\n[[person.key]]\nid = \"ci\"\nkind = \"ssh\"\npublic = \"" +
                              key_of(4711).public_key().text + "\"\n";
  world.use(load_policy(rules_with(need, rule), people_with_keys({{"bob", kBob}}) + machine));
  const Request request = world.asked();
  const auto reply = carry(world, sealed(vote_for(request, "runbook", 4711), key_of(4711)), {});
  CHECK(reply.error().empty() == taken);
  CHECK(world.held.grants.size() == (taken ? 1U : 0U));
  if (!taken) CHECK(world.signs(kBob, "bob", request).error().empty());
}

TEST_CASE("what somebody without an account here gave is used by who has no login uid", "[signed]") {
  Signed world;
  world.use(load_policy(rules_with("one = { need = [{ from = \"set:sre\" }], wait = \"10m\" }",
                                   "one = { need = [{ from = \"person:zoe\" }], wait = \"10m\", votes = \"signed\" }"),
                        people_with_keys({{"zoe", 4712}})));
  Ask ask = GENERATE(false, true) ? world.login(kAlice) : world.ask(kAlice);
  ask.subject.loginuid = policy::kNoUid;
  world.submit(ask);
  const Request request = world.held.requests.at(world.only_request());
  CHECK(carry(world, sealed(vote_for(request, "zoe", 4712), key_of(4712)), {}).error().empty());
  CHECK(world.held.votes.at(0).uid == policy::kNoUid);
  if (ask.door == policy::Door::kSudo) REQUIRE(world.bound(world.bind(ask)).allow);
  CHECK(world.said(world.submit(ask)) == "allow granted");
}

TEST_CASE("where the requester is root here, only a signed vote counts", "[signed][local]") {
  Signed world("any");
  Ask root = world.ask(kAlice, "root");
  world.submit(root);
  CHECK(world.vote(kBob, world.only_request()).error().empty());
  CHECK_FALSE(world.held.votes.at(0).host_in_doubt);
  CHECK(world.bound(world.bind(root)).allow);
  world.submit(world.ask(kAlice, "why"));
  Ask second = world.ask(kAlice, "why");
  second.reason = "because it is needed";
  second.reason_from = ReasonFrom::kPrompt;
  world.submit(second);
  const Request request = world.held.requests.at(world.only_request());
  SECTION("while he is") {
    CHECK(world.vote(kCarol, request.id).one().message.find("only a signed vote counts") != std::string::npos);
    CHECK(world.signs(kCarol, "carol", request).error().empty());
  }
  SECTION("and after it a vote by uid is marked, after a restart, too") {
    CHECK(world.end(world.caller(kAlice), world.only_grant().id).error().empty());
    SECTION("") {}
    SECTION("") { world.restart(); }
    CHECK(world.vote(kCarol, request.id).error().empty());
    CHECK(world.held.votes.back().host_in_doubt);
  }
}

TEST_CASE("a vote by uid comes from a login session of the voter", "[signed][local]") {
  Signed world("any");
  const Request request = world.asked();
  Caller cron = world.caller(kBob);
  cron.in_session = false;
  CHECK(world.vote(cron, request.id, {true, {}, {}, "fine"}).one().message.find("login session") != std::string::npos);
  CHECK(world.vote(cron, request.id, {false, {}, {}, "no"}).error().empty());
}

TEST_CASE("who stands at the question for a vote code while the broker is restarted finds what was signed meanwhile", "[signed]") {
  Signed world;
  const Ask ask = world.ask(kAlice);
  const Answer told = world.answer(world.submit(ask));
  REQUIRE(told.takes_code);
  world.restart();
  world.core->use_host({std::string(31, '0') + "1", "db1", 1});
  world.pass_and_tick(300'000);
  REQUIRE(world.core->live_requests().size() == 1);
  SECTION("a yes") {
    CHECK(world.signs(kBob, "bob", world.held.requests.at(told.id)).error().empty());
    CHECK(world.said(world.resume(told.id, told.secret)) == "allow granted");
    CHECK(world.bound(world.bind(ask)).allow);
  }
  SECTION("nothing yet") { CHECK(world.said(world.resume(told.id, told.secret)) == "pending resumed"); }
}

TEST_CASE("a restart keeps signed votes, and another boot voids them", "[signed][F3]") {
  Signed world;
  world.use(load_policy(rules_with("two = { need = [{ from = \"set:sre\", count = 2 }], wait = \"10m\" }",
                                   "two = { need = [{ from = \"set:sre\", count = 2 }], wait = \"10m\", votes = \"signed\" }"),
                        people_with_keys({{"bob", kBob}, {"carol", kCarol}})));
  const Request request = world.asked(kAlice, "two");
  CHECK(world.signs(kBob, "bob", request).error().empty());
  SECTION("the same boot") {
    world.restart();
    world.core->use_host({std::string(31, '0') + "1", "db1", 1});
    CHECK(world.signs(kCarol, "carol", request).error().empty());
    CHECK(world.held.grants.size() == 1);
  }
  SECTION("another boot") {
    world.restart(true);
    CHECK_FALSE(world.signs(kCarol, "carol", request).error().empty());
    CHECK(world.held.grants.empty());
  }
}

}  // namespace jit::core_test
