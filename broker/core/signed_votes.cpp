// SPDX-License-Identifier: Apache-2.0
// Votes that carry their own proof. The checks, in their order: size, envelope, a key of people.d that may be used now, its
// signature, and only then what was signed: type, request, host, boot. What a vote cast here must meet besides is in votes.cpp.
#include "broker/core/impl.h"
#include "evidence/envelope.h"
#include "evidence/signature.h"
#include "evidence/text.h"
#include "evidence/vote.h"

namespace jit::core {

namespace {

constexpr BootMs kForeignToldMs = 60'000;
constexpr std::size_t kForeignMost = 1024;

evidence::PublicKey public_key(const policy::Key& key) { return {key.kind, key.public_text, key.verify_required}; }

std::string unusable(const std::string& what) { return "this vote does not count: " + what; }

}  // namespace

IdentityPtr identity_of_person(const std::string& person) {
  policy::Identity identity;
  identity.uid = policy::kNoUid;
  identity.person = person;
  identity.groups_known = true;
  return std::make_shared<const policy::Identity>(std::move(identity));
}

std::optional<Core::Impl::Signer> Core::Impl::signer_of(const std::string& fingerprint) const {
  if (policy() == nullptr || fingerprint.empty()) return std::nullopt;
  for (const policy::Person& person : policy()->rules().people) {
    for (const policy::Key& key : person.keys) {
      if (key.usable(now_s()) && evidence::fingerprint(public_key(key)) == fingerprint) return Signer{&person, &key};
    }
  }
  return std::nullopt;
}

std::optional<Core::Impl::Signer> Core::Impl::signer_of(const evidence::ReadCode& code) const {
  if (policy() == nullptr) return std::nullopt;
  for (const policy::Person& person : policy()->rules().people) {
    for (const policy::Key& key : person.keys) {
      if (key.usable(now_s()) && evidence::key_prefix(public_key(key)) == code.key()) return Signer{&person, &key};
    }
  }
  return std::nullopt;
}

bool Core::Impl::signed_as_wanted(const Live& live, const Vote& vote) const {
  if (vote.kind == VoteKind::kLocal) return live.terms().votes == policy::Votes::kAny;
  const auto signer = signer_of(vote.key);
  return signer && (live.terms().votes != policy::Votes::kHardware || signer->key->hardware);
}

std::vector<Vote> Core::standing_votes(const Id& request) const {
  std::vector<Vote> out;
  const Live* const live = impl_->find(request);
  if (live == nullptr) return out;
  for (const CastVote& cast : live->votes) {
    if (impl_->signed_as_wanted(*live, cast.vote)) out.push_back(cast.vote);
  }
  return out;
}

std::vector<policy::Key> Core::keys_of(const Caller& caller) const {
  std::vector<policy::Key> out;
  if (!policy_) return out;
  for (const policy::Person& person : policy_->rules().people) {
    if (person.name != caller.identity->person) continue;
    std::ranges::copy_if(person.keys, std::back_inserter(out), [&](const policy::Key& key) { return key.usable(impl_->now_s()); });
  }
  return out;
}

Outcome<Core::Impl::Carried> Core::Impl::open_vote(std::string_view text) const {
  if (text.starts_with('{')) return open_envelope(text);
  return open_code(text);
}

Outcome<Core::Impl::Carried> Core::Impl::open_envelope(std::string_view text) const {
  const auto bad = [](std::string what) { return failure<Carried>(Error::kBadInput, unusable(what)); };
  const auto envelope = evidence::parse_envelope(text);
  if (!envelope || envelope->signatures.size() != 1) return bad("it is not one signed envelope");
  const evidence::Signature& signature = envelope->signatures.front();
  const auto signer = signer_of(signature.key_id);
  if (!signer) return failure<Carried>(Error::kDenied, unusable("no key " + evidence::escape(signature.key_id) + " is enrolled here and in force"));
  const std::string signed_bytes = evidence::pae(envelope->type, envelope->payload);
  const evidence::Flaw flaw = evidence::verify(public_key(*signer->key), signature.kind, evidence::kVoteNamespace, signed_bytes, signature.bytes);
  if (flaw != evidence::Flaw::kNone) return bad(std::string(evidence::text_of(flaw)));
  if (envelope->type != evidence::kVoteType) return bad("it is of another kind: " + evidence::escape(envelope->type));
  const auto vote = evidence::read_vote(envelope->payload);
  if (!vote) return bad("what was signed is not a vote of this version");
  Outcome<Carried> out;
  Carried& carried = out.value;
  carried.signer = *signer;
  carried.signing.kind = signature.kind == "webauthn" ? VoteKind::kWebauthn : VoteKind::kSshsig;
  carried.signing.key = signature.key_id;
  carried.signing.text = text;
  carried.signing.digest = evidence::sha256_hex(signed_bytes);
  carried.signing.hardware = signer->key->hardware;
  // The key says who it was; that the vote names somebody else is a vote of nobody.
  if (vote->person != signer->person->name) return bad("it names another person than the one whose key signed it");
  if (vote->key_id != signature.key_id) return bad("it names another key than the one that signed it");
  carried.digest = vote->digest;
  carried.request = vote->request;
  carried.host = vote->host_id;
  carried.boot = vote->boot_id;
  carried.ballot.approve = vote->approve;
  carried.ballot.duration_s = vote->duration_s;
  if (!vote->scope.empty()) {
    carried.ballot.scope = policy::scope_named(vote->scope);
    if (!carried.ballot.scope) return bad("it names a scope that does not exist");
  }
  carried.ballot.block_s = vote->block_s;
  carried.ballot.reason = vote->reason;
  carried.ballot.typed = vote->typed;
  return out;
}

Outcome<Core::Impl::Carried> Core::Impl::open_code(std::string_view text) const {
  const auto bad = [](std::string what) { return failure<Carried>(Error::kBadInput, unusable(what)); };
  const auto code = evidence::ReadCode::parse(text);
  if (!code) return bad("it is not a whole vote code; copy all of it, from jc1 on");
  const auto signer = signer_of(*code);
  if (!signer) return failure<Carried>(Error::kDenied, unusable("no key that made it is enrolled here and in force"));
  evidence::VoteCode vote;
  const evidence::Flaw flaw = code->verify(public_key(*signer->key), vote);
  if (flaw != evidence::Flaw::kNone) return bad(std::string(evidence::text_of(flaw)));
  Outcome<Carried> out;
  Carried& carried = out.value;
  carried.signer = *signer;
  carried.signing.kind = VoteKind::kCode;
  carried.signing.key = evidence::fingerprint(public_key(*signer->key));
  carried.signing.text = text;
  carried.signing.digest = evidence::sha256_hex(evidence::text_of(*evidence::body_of(vote)));
  carried.signing.hardware = signer->key->hardware;
  carried.digest = vote.digest;
  carried.ballot.approve = vote.approve;
  carried.ballot.duration_s = vote.duration_s;
  if (vote.scope) carried.ballot.scope = static_cast<policy::Scope>(*vote.scope);
  carried.ballot.block_s = vote.block_s;
  carried.ballot.reason = vote.reason;
  carried.ballot.typed = vote.typed;
  return out;
}

Outcome<Core::SignedBy> Core::signed_by(std::string_view vote) const {
  const auto opened = impl_->open_vote(vote);
  if (!opened) return failure<SignedBy>(opened.error, opened.message);
  Outcome<SignedBy> out;
  out.value = {opened.value.signer.person->name, opened.value.signer.person->users, {}};
  for (const auto& [id, live] : impl_->requests) {
    if (live->request.digest == opened.value.digest) out.value.request = id;
  }
  return out;
}

void Core::vote_signed(std::string_view text, const std::vector<IdentityPtr>& accounts, Done<Request> done) {
  Impl& impl = *impl_;
  auto opened = impl.open_vote(text);
  if (!opened) return done(failure<Request>(opened.error, opened.message));
  Impl::Carried& carried = opened.value;
  const auto refuse = [&](Error error, const std::string& why) {
    impl.note_foreign(carried, why);
    done(failure<Request>(error, unusable(why)));
  };
  if (!carried.host.empty() && carried.host != impl.host.id) return refuse(Error::kDenied, "it was signed for another host");
  if (!carried.boot.empty() && carried.boot != impl.boot_id) return refuse(Error::kEnded, "it was signed before this host was started again");
  const auto found = std::ranges::find_if(impl.requests, [&](const auto& each) { return each.second->request.digest == carried.digest; });
  if (found == impl.requests.end()) return refuse(Error::kNotFound, "nothing that waits here is what was signed");
  const Live& live = *found->second;
  if (!carried.request.empty() && carried.request != live.request.id.text()) return refuse(Error::kDenied, "it names another request than the one it was made for");
  // Who signed is a person; his groups are those of the account that may fill a seat.
  Caller caller;
  caller.identity = identity_of_person(carried.signer.person->name);
  for (const IdentityPtr& account : accounts) {
    if (person_now(*policy_, *account) != carried.signer.person->name) continue;
    const bool fills = impl.may_fill_any(live.request, live.terms(), *account);
    if (fills || caller.identity->uid == policy::kNoUid) caller.identity = account;
    if (fills) break;
  }
  policy::Identity named = *caller.identity;
  named.person = carried.signer.person->name;
  caller.identity = std::make_shared<const policy::Identity>(std::move(named));
  impl.cast(live.request.id, caller, std::move(carried.ballot), std::move(carried.signing), std::move(done));
}

// A vote of an enrolled key that is for something else: told once a minute for each person, whoever carries it how often.
void Core::Impl::note_foreign(const Carried& carried, const std::string& why) {
  const BootMs now = clock.boottime();
  std::erase_if(foreign, [&](const auto& each) { return each.second <= now; });
  const std::string key = carried.signer.person->name + "\n" + why;
  if (foreign.size() >= kForeignMost || !foreign.emplace(key, now + kForeignToldMs).second) return;
  log(events::vote_foreign(carried.signer.person->name, carried.digest, why));
}

}  // namespace jit::core
