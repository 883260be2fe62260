// SPDX-License-Identifier: Apache-2.0
// Votes with keys of each kind, and which of them a rule takes that wants hardware.
#include "evidence/vote_code.h"
#include "evidence/webauthn.h"
#include "tests/core/signing.h"
#include "tests/evidence/authenticator.h"
#include "tests/evidence/voters.h"

namespace jit::core_test {

namespace {

using test::Hand;

std::string enrolled(const std::string& person, const evidence::PublicKey& key) {
  return "[[person]]\nname = \"" + person + "\"\nusers = [\"" + person + "\"]\n[[person.key]]\nid = \"one\"\nkind = \"" + key.kind + "\"\npublic = \"" + key.text + "\"\n";
}

// Bob and carol have a key of this kind, the same as far as the policy goes; of hers nothing is made.
struct Holding : World {
  Holding(const std::string& terms, const evidence::PublicKey& key, const evidence::PublicKey& carols) {
    use(load_policy(rules_with("one = { need = [{ from = \"set:sre\" }], wait = \"10m\" }",
                               "one = { need = [{ from = \"set:sre\" }], wait = \"10m\"" + terms + " }"),
                    people_with_keys({{"alice", kAlice}}) + enrolled("bob", key) + enrolled("carol", carols)));
  }
  Request asked(std::uint32_t uid = kAlice) {
    submit(ask(uid, "root"));
    return held.requests.at(only_request());
  }
  Reply<Request> carried(const std::string& vote) { return carry(*this, vote, {who(kBob)}); }
};

const evidence::PublicKey& a_token() {
  static const evidence::PublicKey key = test::SshSigner(evidence::SshKeyType::kTokenEd25519).key();
  return key;
}

std::string signed_with(const Hand& hand, const evidence::Vote& vote) {
  evidence::Envelope envelope{std::string(evidence::kVoteType), evidence::payload_of(vote), {}};
  envelope.signatures.push_back({vote.key_id, hand.key.kind == "ssh" ? "sshsig" : "webauthn", hand.sign(evidence::kVoteNamespace, evidence::pae(envelope.type, envelope.payload))});
  return evidence::to_json(envelope);
}

std::string envelope_of(const Request& request, const Hand& hand) {
  evidence::Vote vote = vote_for(request, "bob", kBob);
  vote.key_id = evidence::fingerprint(hand.key);
  return signed_with(hand, vote);
}

std::string code_of(const Request& request, const Hand& hand) {
  evidence::VoteCode vote;
  vote.digest = request.digest;
  vote.approve = true;
  vote.key = *evidence::key_prefix(hand.key);
  vote.reason = std::string(evidence::kCodeReasonMax, 'r');
  const auto body = evidence::body_of(vote);
  return evidence::to_text(vote, hand.sign(evidence::kVoteCodeNamespace, evidence::text_of(*body))).value_or("");
}

}  // namespace

TEST_CASE("a key of each kind votes, where the rule wants hardware only those in tokens", "[signed][hardware]") {
  const std::string votes = GENERATE("signed", "hardware");
  for (const test::Voter& voter : test::voters()) {
    const bool counts = voter.hardware || votes == "signed";
    for (const bool by_code : {false, true}) {
      const auto made = [&](const Request& request, const Hand& hand) { return by_code ? code_of(request, hand) : envelope_of(request, hand); };
      CAPTURE(voter.name, votes, by_code);
      const auto& good = by_code ? voter.good_codes : voter.good;
      for (const Hand& hand : good) {
        Holding world(", votes = \"" + votes + "\"", hand.key, a_token());
        const auto reply = world.carried(made(world.asked(), hand));
        CHECK(reply.error() == (counts ? "" : "Denied"));
        CHECK(world.held.grants.size() == (counts ? 1U : 0U));
        if (!counts) CHECK(reply.one().message.find("hardware key") != std::string::npos);
        if (counts) CHECK(world.held.votes.at(0).kind == (by_code ? VoteKind::kCode : hand.key.kind == "ssh" ? VoteKind::kSshsig : VoteKind::kWebauthn));
      }
      if (good.empty()) continue;
      Holding world(", votes = \"" + votes + "\"", good.front().key, a_token());
      const Request request = world.asked();
      for (const Hand& hand : by_code ? voter.bad_codes : voter.bad) CHECK_FALSE(world.carried(made(request, hand)).error().empty());
      CHECK(world.held.grants.empty());
      CHECK(world.held.votes.empty());
    }
  }
}

TEST_CASE("her own key answers her where it is in hardware, of any kind", "[signed][hardware][self]") {
  for (const test::Voter& voter : test::voters()) {
    CAPTURE(voter.name);
    Holding world(", self = \"hardware-key\"", voter.good.front().key, a_token());
    const auto reply = world.carried(envelope_of(world.asked(kBob), voter.good.front()));
    CHECK(reply.error() == (voter.hardware ? "" : "Denied"));
    CHECK(world.held.grants.size() == (voter.hardware ? 1U : 0U));
  }
}

TEST_CASE("an assertion is the vote of who enrolled its credential", "[signed][hardware][D7]") {
  const test::Authenticator bobs(evidence::WebauthnAlgorithm::kEs256, "of bob"), carols(evidence::WebauthnAlgorithm::kEs256, "of carol");
  const Hand carol{carols.key(), [&](std::string_view, std::string_view message) {
                     test::Answer answer;
                     answer.challenge = test::challenge_of(message);
                     return bytes_of(carols.assertion(answer));
                   }};
  Holding world(", votes = \"hardware\"", bobs.key(), carols.key());
  evidence::Vote vote = vote_for(world.asked(), "bob", kBob);
  const auto refused = [&](const std::string& why) {
    const auto reply = carry(world, signed_with(carol, vote), {world.who(kBob), world.who(kCarol)});
    CHECK(reply.one().message.find(why) != std::string::npos);
    CHECK(world.held.votes.empty());
  };
  vote.key_id = evidence::fingerprint(carols.key());
  refused("another person");
  vote.key_id = evidence::fingerprint(bobs.key());
  refused("another key");
  vote.person = "carol";
  refused("another key");
  vote.key_id = evidence::fingerprint(carols.key());
  CHECK(carry(world, signed_with(carol, vote), {world.who(kBob), world.who(kCarol)}).error().empty());
  REQUIRE(world.held.votes.size() == 1);
  CHECK(world.held.votes[0].person == "carol");
}

}  // namespace jit::core_test
