// SPDX-License-Identifier: Apache-2.0
// Three values, and unknown never opens: each case is asked of a permit, of a guard, and of `unless` in both.
#include "policy/match.h"

#include "world.h"

using namespace jit::policy;
using namespace jit::policy::test;

namespace {

// Which way the four places that hold the same test go.
struct Answers {
  bool permit, guard, permit_unless, guard_unless;
};

bool allowed(const std::string& rules, const Request& request) {
  return policy_of("net.vpn = [\"10.99.0.0/16\"]\nset.ops = [\"user:bob\", \"group:sre\"]\n" + rules)->decide(request).outcome ==
         Outcome::kAllow;
}

Answers ask(const std::string& test, const Request& request) {
  const std::string any = "[[permit]]\nid = \"any\"\nmax = \"1h\"\n";
  return {
      allowed("[[permit]]\nid = \"p\"\nmax = \"1h\"\n" + test + '\n', request),
      !allowed(any + "[[guard]]\nid = \"g\"\ndeny = \"no\"\n" + test + '\n', request),
      !allowed(any + "unless." + test + '\n', request),
      allowed(any + "[[guard]]\nid = \"g\"\ndeny = \"no\"\nunless." + test + '\n', request),
  };
}

void check(const char* what, const Answers& got, Truth expected) {
  INFO(what);
  const bool opens = expected == Truth::kTrue;
  const bool closes = expected != Truth::kFalse;
  CHECK(got.permit == opens);
  CHECK(got.guard == closes);
  CHECK(got.permit_unless == closes);
  CHECK(got.guard_unless == opens);
}

}  // namespace

TEST_CASE("Kleene logic") {
  const Truth f = Truth::kFalse, u = Truth::kUnknown, t = Truth::kTrue;
  CHECK((both(t, t) == t && both(t, u) == u && both(u, f) == f && both(t, f) == f && both(u, u) == u));
  CHECK((either(f, f) == f && either(f, u) == u && either(u, t) == t && either(f, t) == t && either(u, u) == u));
}

TEST_CASE("who") {
  World w;
  Identity no_groups = w.alice;
  no_groups.groups_known = false;
  Identity nameless = user("", 1001);
  nameless.groups_known = false;
  Identity no_uid = w.alice;
  no_uid.uid = kNoUid;
  struct Case {
    const char* test;
    const Identity* who;
    Truth expected;
  };
  const Case cases[] = {
      {R"(who = ["user:alice"])", &w.alice, Truth::kTrue},
      {R"(who = ["user:ali*"])", &w.alice, Truth::kTrue},
      {R"(who = ["user:*"])", &w.alice, Truth::kTrue},
      {R"(who = ["user:bob"])", &w.alice, Truth::kFalse},
      {R"(who = ["user:Alice"])", &w.alice, Truth::kFalse},
      {R"(who = ["user:1001"])", &w.alice, Truth::kTrue},
      {R"(who = ["user:1002"])", &w.alice, Truth::kFalse},
      {R"(who = ["user:1001"])", &no_uid, Truth::kUnknown},
      {R"(who = ["group:dba"])", &w.alice, Truth::kTrue},
      {R"(who = ["group:d*"])", &w.alice, Truth::kTrue},
      {R"(who = ["group:sre"])", &w.alice, Truth::kFalse},
      {R"(who = ["group:dba"])", &no_groups, Truth::kUnknown},
      {R"(who = ["group:dba", "user:alice"])", &no_groups, Truth::kTrue},
      {R"(who = ["group:dba", "user:bob"])", &no_groups, Truth::kUnknown},
      {R"(who = ["set:ops"])", &w.bob, Truth::kTrue},
      {R"(who = ["set:ops"])", &w.alice, Truth::kFalse},
      {R"(who = ["set:ops"])", &no_groups, Truth::kUnknown},
      {R"(who = ["person:alice"])", &w.alice, Truth::kTrue},
      {R"(who = ["person:alice"])", &w.bob, Truth::kFalse},
      {R"(who = ["person:*"])", &w.carl, Truth::kFalse},
      {R"(who = ["user:alice"])", &nameless, Truth::kUnknown},
      {R"(who = ["person:alice"])", &nameless, Truth::kUnknown},
  };
  for (const Case& c : cases) {
    Request request = w.request();
    request.subject = c.who;
    check(c.test, ask(c.test, request), c.expected);
  }
}

TEST_CASE("groups: what opens needs all sources, what closes needs one") {
  World w;
  Identity half = w.alice;
  half.groups_all = {};
  half.groups_any = {"dba"};
  Request request = w.request();
  request.subject = &half;
  const Answers got = ask(R"(who = ["group:dba"])", request);
  CHECK_FALSE(got.permit);
  CHECK(got.guard);
  CHECK(got.permit_unless);
  CHECK_FALSE(got.guard_unless);
}

TEST_CASE("as: root is a name and an id together") {
  World w;
  const Identity toor = user("toor", 0);
  const Identity fake = user("root", 1666);
  const Identity nobody = user("", kNoUid);
  struct Case {
    const char* test;
    const Identity* target;
    Answers expected;
  };
  const Case cases[] = {
      {R"(as = ["user:root"])", &w.root, {true, true, true, true}},
      {R"(as = ["user:root"])", &w.postgres, {false, false, false, false}},
      {R"(as = ["user:root"])", &toor, {false, true, true, false}},
      {R"(as = ["user:root"])", &fake, {false, true, true, false}},
      {R"(as = ["user:root"])", &nobody, {false, true, true, false}},
      {R"(as = ["user:0"])", &toor, {true, true, true, true}},
      {R"(as = ["user:postgres"])", &w.postgres, {true, true, true, true}},
      {R"(as = ["group:postgres"])", &w.postgres, {true, true, true, true}},
  };
  for (const Case& c : cases) {
    INFO(c.test << " " << c.target->user);
    Request request = w.request();
    request.target = c.target;
    const Answers got = ask(c.test, request);
    CHECK(got.permit == c.expected.permit);
    CHECK(got.guard == c.expected.guard);
    CHECK(got.permit_unless == c.expected.permit_unless);
    CHECK(got.guard_unless == c.expected.guard_unless);
  }
}

TEST_CASE("door, hosts and from") {
  World w;
  Request peer = w.request();
  peer.from.kind = Origin::Kind::kPeer;
  peer.from.peer = Address::parse("::ffff:10.99.3.4").value();
  Request elsewhere = peer;
  elsewhere.from.peer = Address::parse("10.98.3.4").value();
  Request six = peer;
  six.from.peer = Address::parse("2001:db8::1").value();
  Request unknown = w.request();
  unknown.from = {};
  Request su = w.request();
  su.door = Door::kSu;
  const Request local = w.request();
  struct Case {
    const char* test;
    const Request* request;
    Truth expected;
  };
  const Case cases[] = {
      {R"(door = ["sudo"])", &local, Truth::kTrue},        {R"(door = ["sudo"])", &su, Truth::kFalse},
      {R"(door = ["ssh", "su"])", &su, Truth::kTrue},      {R"(hosts = ["tag:db"])", &local, Truth::kTrue},
      {R"(hosts = ["tag:d*"])", &local, Truth::kTrue},     {R"(hosts = ["tag:web"])", &local, Truth::kFalse},
      {R"(from = ["local"])", &local, Truth::kTrue},       {R"(from = ["local"])", &peer, Truth::kFalse},
      {R"(from = ["net:vpn"])", &local, Truth::kFalse},    {R"(from = ["net:vpn"])", &peer, Truth::kTrue},
      {R"(from = ["net:vpn"])", &elsewhere, Truth::kFalse}, {R"(from = ["net:vpn"])", &six, Truth::kFalse},
      {R"(from = ["net:vpn", "local"])", &local, Truth::kTrue},
      {R"(from = ["net:vpn"])", &unknown, Truth::kUnknown}, {R"(from = ["local"])", &unknown, Truth::kUnknown},
      {R"(from = ["net:vpn", "local"])", &unknown, Truth::kUnknown},
  };
  for (const Case& c : cases) check(c.test, ask(c.test, *c.request), c.expected);
}

TEST_CASE("a rule is AND over its properties, and so is unless") {
  World w;
  Request unknown = w.request();
  unknown.from = {};
  const std::string any = "[[permit]]\nid = \"any\"\nmax = \"1h\"\n";
  const std::string guard = "[[guard]]\nid = \"g\"\ndeny = \"no\"\n";
  const std::string alice = "unless.who = [\"user:alice\"]\n", bob = "unless.who = [\"user:bob\"]\n", from = "unless.from = [\"local\"]\n";
  // false AND unknown is false: the guard does not apply.
  CHECK(allowed(any + guard + "who = [\"user:bob\"]\nfrom = [\"local\"]\n", unknown));
  CHECK_FALSE(allowed(any + guard + "who = [\"user:alice\"]\nfrom = [\"local\"]\n", unknown));
  CHECK_FALSE(allowed(any + alice + from, w.request()));
  CHECK_FALSE(allowed(any + alice + from, unknown));
  CHECK(allowed(any + bob + from, unknown));
  CHECK(allowed(any + guard + alice + from, w.request()));
  CHECK_FALSE(allowed(any + guard + alice + from, unknown));
  CHECK_FALSE(allowed(any + guard + bob + from, w.request()));
}
