// SPDX-License-Identifier: Apache-2.0
// Each field of each entry is public or personal because somebody decided so.
#include "evidence/privacy.h"

#include <nlohmann/json.hpp>

#include "tests/core/world.h"

namespace jit::core_test {

namespace {

policy::Identity identity(const std::string& name) {
  policy::Identity out;
  out.user = out.person = name;
  out.uid = 1000;
  return out;
}

// Every optional part is there, so that every field is written.
Request full_request() {
  Request out;
  out.id = *Id::parse(std::string(32, 'a'));
  out.grant = *Id::parse(std::string(32, 'b'));
  out.extends = out.grant;
  out.subject.identity = std::make_shared<const policy::Identity>(identity("alice"));
  out.target = std::make_shared<const policy::Identity>(identity("root"));
  out.subject.login_user = "carol";
  out.offer.seats = {{"person:bob", 1}};
  out.not_before = out.not_before_wall = 1;
  out.ended_by = "bob";
  out.ended_why = "why";
  return out;
}

Grant full_grant() {
  const Request request = full_request();
  Grant out;
  out.id = request.grant;
  out.request = request.id;
  out.subject = request.subject;
  out.target = request.target;
  out.ssh_key = std::string(64, 'c');
  out.end = GrantEnd::kRevoked;
  out.ended_by = "bob";
  out.ended_why = "why";
  return out;
}

std::vector<AuditEntry> all_entries() {
  const Request request = full_request();
  const Grant grant = full_grant();
  const policy::Identity bob = identity("bob");
  const std::string record = R"({"outcome":"allow"})";
  Ask ask;
  ask.subject = request.subject;
  ask.target = request.target;
  Vote vote;
  vote.person = "bob";
  vote.uid = 1001;
  vote.duration_s = vote.block_s = 60;
  vote.scope = policy::Scope::kTty;
  vote.kind = VoteKind::kSshsig;
  vote.host_in_doubt = true;
  policy::Step step;
  step.add = step.to = step.notify = "set:sre";
  Fact fact;
  fact.name = "load";
  fact.for_s = 60;
  std::vector<AuditEntry> out;
  for (const std::string_view type : {events::kRequestCreated, events::kRequestAttached, events::kRequestDetached, events::kRequestApproved, events::kRequestDenied,
                                      events::kRequestExpired, events::kRequestCancelled}) {
    out.push_back(events::request(type, request, record));
  }
  for (const std::string_view type : {events::kGrantCreated, events::kGrantClaimed, events::kGrantUsed, events::kGrantEnded, events::kGrantExtended}) {
    out.push_back(events::grant(type, grant, record, true));
  }
  out.push_back(events::vote(request, vote));
  out.push_back(events::vote_refused(request, bob, "why"));
  out.push_back(events::vote_foreign("bob", std::string(64, 'd'), "why"));
  out.push_back(events::escalated(request, step));
  out.push_back(events::reviewed(request, 1001));
  out.push_back(events::acknowledged(request, "ops"));
  out.push_back(events::unsent(request));
  out.push_back(events::away(bob, 1));
  out.push_back(events::away(bob, 0));
  out.push_back(events::denied(ask, "policy", "why", "hash", record));
  out.push_back(events::observed(ask, "door", "rule", "deny", record, "hash"));
  out.push_back(events::fact_set(fact));
  out.push_back(events::fact_cleared("load", bob));
  out.push_back(events::network_seen(ask));
  out.push_back(events::denials(1000, "alice", policy::Door::kSudo, "policy", 2));
  out.push_back(events::denials(1000, "alice", policy::Door::kSudo, "observed rule: deny", 2));
  out.push_back(events::already_root(ask));
  return out;
}

}  // namespace

TEST_CASE("somebody decided of each field whether it tells of a person", "[audit][privacy]") {
  using evidence::Privacy;
  for (const AuditEntry& entry : all_entries()) {
    const auto fields = nlohmann::json::parse(entry.fields);
    CHECK_FALSE(fields.empty());
    for (auto field = fields.begin(); field != fields.end(); ++field) {
      INFO(entry.type << " " << field.key());
      CHECK(evidence::privacy_of(entry.type, field.key()) != Privacy::kUndecided);
    }
    for (const char* name : {"person", "uid", "user", "argv", "reason", "why", "target", "origin", "tty", "voter", "decision", "seats", "vote", "grant_digest"}) {
      CHECK(evidence::privacy_of(entry.type, name) == Privacy::kPersonal);
    }
  }
  CHECK(evidence::privacy_of("access.observed", "by") == Privacy::kPublic);
  CHECK(evidence::privacy_of("grant.ended", "by") == Privacy::kPersonal);
  CHECK(evidence::privacy_of("grant.created", "a field of tomorrow") == Privacy::kUndecided);
}

}  // namespace jit::core_test
