// SPDX-License-Identifier: Apache-2.0
#include "relay/credentials/subjects.h"

#include "tests/catch.h"

#include <algorithm>
#include <random>
#include <set>

using namespace jit::relay;

namespace {

const std::string kSubjectHost(32, 'a');
const std::string kAsked(32, '1');

}  // namespace

TEST_CASE("no name of people means anything to NATS, and no two are one token") {
  std::set<std::string> seen;
  for (const std::string& name : std::vector<std::string>{"bob", "group:sre", "a.b", "a*", ">", "*", "a b", "a%2Eb", "a\n", "\xc3\xa9", "set:on-call_1", "B", "b", "%", "a.>", "eva@example"}) {
    CAPTURE(name);
    const std::string token = token_of(name);
    CHECK(token.find_first_of(".*> \t\r\n") == std::string::npos);
    CHECK(name_of_token(token) == name);
    CHECK(seen.insert(token).second);
  }
  CHECK(token_of("group:sre") == "group:sre");
  CHECK(token_of("a.b") == "a%2Eb");
  for (const char* bad : {"", "a.b", "%", "%4", "%41", "%4g", "%2e", "a b", "*", ">", "%GG"}) {
    CAPTURE(bad);
    CHECK(name_of_token(bad) == std::nullopt);
  }
  CHECK(name_of_token(std::string(769, 'a')) == std::nullopt);
}

TEST_CASE("any bytes come back from their token") {
  std::minstd_rand chance(1);
  for (int n = 0; n < 2000; ++n) {
    std::string name(1 + chance() % 40, '\0');
    for (char& c : name) c = static_cast<char>(chance() % 256);
    REQUIRE(name_of_token(token_of(name)) == name);
  }
}

TEST_CASE("subjects are read as they are written, and nothing else is") {
  const auto request = read_request_subject(request_subject("group:sre", kSubjectHost, kAsked));
  REQUIRE(request);
  CHECK((request->set == "group:sre" && request->host == kSubjectHost && request->request == kAsked));
  const auto vote = read_vote_subject(vote_subject(kSubjectHost, kAsked, "e.v.a"));
  REQUIRE(vote);
  CHECK(vote->person == "e.v.a");
  CHECK(read_end_subject(end_subject(kSubjectHost, kAsked))->host == kSubjectHost);
  for (const std::string& bad : std::vector<std::string>{"", "jit", "jit.v1.vote", "jit.v1.vote..x.bob", "jit.v2.vote." + kSubjectHost + "." + kAsked + ".bob", "jit.v1.vote." + kSubjectHost + "." + kAsked,
                                "jit.v1.vote." + kSubjectHost + "." + kAsked + ".bob.x", "jit.v1.vote." + kSubjectHost + "x." + kAsked + ".bob", "jit.v1.vote." + kSubjectHost + "." + kAsked + ".*",
                                "jit.v1.req.set." + kSubjectHost + "." + kAsked, "JIT.v1.vote." + kSubjectHost + "." + kAsked + ".bob", "jit.v1.vote." + std::string(32, 'A') + "." + kAsked + ".bob"}) {
    CAPTURE(bad);
    CHECK_FALSE(read_vote_subject(bad));
  }
}

TEST_CASE("a host may speak and hear for itself, an approver as himself") {
  const Permissions host = host_permissions(kSubjectHost);
  CHECK(host.publish == std::vector<std::string>{"jit.v1.req.*." + kSubjectHost + ".*", "jit.v1.end." + kSubjectHost + ".*", "jit.v1.here." + kSubjectHost,
                                                 "$JS.API.DIRECT.GET.VOTE.jit.v1.vote." + kSubjectHost + ".*.*"});
  CHECK(host.subscribe == std::vector<std::string>{"jit.v1.vote." + kSubjectHost + ".*.*", "_INBOX.host-" + kSubjectHost + ".>"});
  const Permissions bob = approver_permissions("bob", {"group:sre"});
  CHECK(bob.publish == std::vector<std::string>{"jit.v1.vote.*.*.bob", "$JS.API.DIRECT.GET.END.jit.v1.end.*.*", "$JS.API.DIRECT.GET.REQ-group:sre"});
  CHECK(bob.subscribe == std::vector<std::string>{"jit.v1.end.*.*", "_INBOX.person-bob.>", "jit.v1.req.group:sre.*.*"});
  // A name that is a pattern is a name.
  const Permissions star = approver_permissions("*", {">"});
  CHECK(star.publish[0] == "jit.v1.vote.*.*.%2A");
  CHECK(star.subscribe[2] == "jit.v1.req.%3E.*.*");
}

TEST_CASE("the accounts share nothing with which one changes what another keeps") {
  for (const Shared& each : shared_subjects()) {
    CAPTURE(each.name);
    const bool api = each.subject.starts_with("$");
    // Of JetStream's API only reading one message by its subject, or from a stream for this set of people.
    CHECK((!api || each.subject.starts_with("$JS.API.DIRECT.GET.")));
    CHECK((!each.hosts || each.subject != "$JS.API.DIRECT.GET.*"));
    // What both read is one message of a subject that the user's own key names, and that no account of theirs writes.
    CHECK((each.hosts != each.approvers || each.name == "renewals"));
  }
}
