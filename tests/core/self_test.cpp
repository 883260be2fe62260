// SPDX-License-Identifier: Apache-2.0
// self = "hardware-key": what she approved with her own touched key is hers to use.
#include "tests/core/signing.h"
#include "tests/evidence/keys.h"

namespace jit::core_test {

namespace {

struct Own : World {
  test::SshSigner token{evidence::SshKeyType::kTokenEd25519};

  explicit Own(const std::string& self = ", self = \"hardware-key\"") {
    const std::string key = "[[person]]\nname = \"bob\"\nusers = [\"bob\"]\n[[person.key]]\nid = \"token\"\nkind = \"ssh\"\npublic = \"" + token.text() + "\"\n";
    use(load_policy(rules_with("one = { need = [{ from = \"set:sre\" }], wait = \"10m\" }",
                               "one = { need = [{ from = \"set:sre\" }], wait = \"10m\"" + self + " }"),
                    people_with_keys({{"alice", kAlice}, {"carol", kCarol}}) + key));
  }
  Reply<Request> touches() {
    const Request& request = held.requests.at(only_request());
    evidence::Vote vote = vote_for(request, "bob", kBob);
    vote.key_id = evidence::fingerprint(token.key());
    evidence::Envelope envelope{std::string(evidence::kVoteType), evidence::payload_of(vote), {}};
    envelope.signatures.push_back({vote.key_id, "sshsig", token.sign(evidence::pae(envelope.type, envelope.payload))});
    return carry(*this, evidence::to_json(envelope), {who(kBob)});
  }
};

}  // namespace

TEST_CASE("what she approved with her own key is used as often as the grant lets her", "[self]") {
  Own world;
  const Ask ask = GENERATE(false, true) ? world.ask(kBob) : world.login(kBob);
  const bool left = GENERATE(false, true);
  const Conn conn = world.submit(ask);
  if (left) world.detach(conn);
  CHECK(world.touches().error().empty());
  if (GENERATE(false, true)) world.restart();
  CHECK(world.said(world.submit(ask)) == "allow granted");
  CHECK(world.held.grants.size() == 1);
}

TEST_CASE("her own key opens no grant of somebody else to her", "[self]") {
  Own world;
  const Conn conn = world.submit(world.ask(kAlice));
  world.detach(conn);
  CHECK(world.touches().error().empty());
  Ask bob_as_alice = world.ask(kAlice);
  bob_as_alice.subject.loginuid = kBob;
  CHECK(world.said(world.submit(bob_as_alice)) == "pending approval-needed");
  CHECK(world.said(world.submit(world.ask(kAlice))) == "allow granted");
}

TEST_CASE("where the rule does not take it, her own key approves nothing", "[self]") {
  Own world("");
  world.submit(world.ask(kBob));
  CHECK(world.touches().error() == "Denied");
}

}  // namespace jit::core_test
