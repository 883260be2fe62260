// SPDX-License-Identifier: Apache-2.0
// The signed documents behind entries.
#include <algorithm>
#include <array>
#include <utility>

#include "evidence/grant.h"
#include "evidence/ledger.h"
#include "evidence/request.h"
#include "evidence/text.h"
#include "evidence/vote.h"
#include "evidence/vote_code.h"

namespace jit::evidence {
namespace {

std::string field_of(const Entry& entry, std::string_view name) {
  const auto found = entry.fields.find(name);
  return found != entry.fields.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// A field that was erased contradicts nothing.
bool agrees(const Entry& entry, std::string_view name, const std::string& plain) {
  const auto found = entry.fields.find(name);
  return found == entry.fields.end() || *found == escape(plain);
}

// The field whose digest a document of this entry has.
std::string_view digest_field(std::string_view type) {
  if (type == "request.created") return "digest";
  if (type == "grant.created") return "grant_digest";
  if (type == "vote.cast") return "vote";
  return "";
}

// What the voter made of the offer. A denial gives no time, whatever it says.
struct Narrowed {
  bool approve = false;
  Json duration, scope, block;  // a null: as offered
};

Json seconds_or_null(const std::optional<std::uint32_t>& seconds) { return seconds ? Json(*seconds) : Json(); }

bool narrows(const Entry& entry, const Narrowed& vote) {
  const auto field = [&](const char* name) {
    const auto found = entry.fields.find(name);
    return found == entry.fields.end() ? Json() : *found;
  };
  const Json none;
  return field("approve") == Json(vote.approve) && field("block_s") == vote.block && field("duration_s") == (vote.approve ? vote.duration : none) &&
         field("scope") == (vote.approve ? vote.scope : none);
}

const std::string kContradicts = "the signed document says something else than the entry";

}  // namespace

std::string Ledger::document(const EvidenceLine& line) {
  const std::string_view field = digest_field(last_.entry.type);
  const std::string digest = field.empty() ? std::string() : field_of(last_.entry, field);
  if (digest.empty() || document_seen_) return "a signed document stands behind it that it does not name";
  document_seen_ = true;
  if (!line.envelope) return vote_code(line.code);
  const Envelope& envelope = *line.envelope;
  if (digest_of(envelope.type, envelope.payload) != digest) return "the signed document behind it is another one than it names";
  if (field == "digest") return request_document(envelope);
  if (field == "grant_digest") return grant_document(envelope);
  return vote_document(envelope);
}

std::string Ledger::settle() {
  const Entry& entry = last_.entry;
  const std::string_view field = digest_field(entry.type);
  if (field.empty() || document_seen_) return "";
  document_seen_ = true;  // asked once
  const std::string digest = field_of(entry, field);
  if (field == "digest") {
    ++counts_.unsigned_requests;
    return "";
  }
  if (!digest.empty() && last_.erased.empty()) return "the signed document that it names is missing";
  return field == "vote" ? without_document(entry) : "";
}

// Who erases a person's fields takes the documents that name him, too: then nobody can tell any more that the vote was signed.
std::string Ledger::without_document(const Entry& vote) {
  if (field_of(vote, "kind") == "local") return "";
  const bool erased = std::ranges::find(last_.erased, "vote") != last_.erased.end();
  if (field_of(vote, "vote").empty() && !erased) return "the vote names nothing that was signed";
  if (approves(vote) && !field_of(vote, "voter").empty()) ++counts_.unproven;
  return "";
}

std::string Ledger::signed_by_host(const Envelope& envelope, std::string_view purpose) const {
  if (envelope.signatures.size() != 1) return "the document is not signed by the host alone";
  const Signature& signature = envelope.signatures.front();
  if (signature.key_id != fingerprint({"ssh", host_.key, false})) return "the document names another key than the host's";
  const Flaw flaw = verify({"ssh", host_.key, false}, signature.kind, purpose, pae(envelope.type, envelope.payload), signature.bytes);
  return flaw == Flaw::kNone ? "" : "the document is not the host's: " + std::string(text_of(flaw));
}

std::string Ledger::request_document(const Envelope& envelope) {
  if (std::string wrong = signed_by_host(envelope, kRequestNamespace); !wrong.empty()) return wrong;
  const auto request = envelope.type == kRequestType ? read_request(envelope.payload) : std::nullopt;
  if (!request) return "the signed document is no request";
  const Entry& entry = last_.entry;
  std::uint64_t needed = 0;
  for (const Request::Seat& seat : request->offer.seats) needed += seat.count;
  const auto found = asks_.find(entry.request);
  const bool same = request->id == entry.request && request->host_id == host_.id && found != asks_.end() && found->second.needed == needed && repeats(*request);
  if (!same) return kContradicts;
  found->second.self = request->offer.self;
  found->second.asks = request->offer.votes;
  found->second.document = {request->offer.max_s, request->offer.claim_s, request->epoch, request->target.name, request->target.uid};
  return "";
}

std::string Ledger::grant_document(const Envelope& envelope) {
  if (std::string wrong = signed_by_host(envelope, kGrantNamespace); !wrong.empty()) return wrong;
  const auto grant = envelope.type == kGrantType ? read_grant(envelope.payload) : std::nullopt;
  if (!grant) return "the signed document is no grant";
  const Entry& entry = last_.entry;
  const auto number = [&entry](const char* name, std::uint64_t value) {
    const auto found = entry.fields.find(name);
    return found == entry.fields.end() || *found == Json(value);
  };
  const auto target = entry.fields.find("target");
  const bool same = grant->id == entry.grant && grant->request == entry.request && grant->host_id == host_.id && grant->boot_id == entry.boot_id &&
                    agrees(entry, "request_digest", grant->request_digest) && agrees(entry, "person", grant->person) &&
                    agrees(entry, "door", grant->door) && agrees(entry, "rule", grant->rule) && agrees(entry, "scope", grant->scope) &&
                    agrees(entry, "policy", grant->policy_hash) && number("uid", grant->subject_uid) && number("lifetime_s", grant->lifetime_s) &&
                    (target == entry.fields.end() || *target == Json{{"name", escape(grant->target)}, {"uid", grant->target_uid}});
  if (!same) return kContradicts;
  const auto found = asks_.find(entry.request);
  if (found == asks_.end() || !found->second.known) return "";
  const Ask& ask = found->second;
  if (!ask.gives(grant->lifetime_s, grant->scope)) return "the signed document gives more than was offered and voted for";
  if (!ask.user.empty() && ask.user != escape(grant->subject)) return "the signed document is for another user than the request";
  if (ask.document) {
    const std::int64_t opens = std::max(grant->created_ms, grant->not_before_ms);
    if (grant->target != ask.document->target || grant->target_uid != ask.document->target_uid) return "the signed document is for another target than the request";
    const bool within = grant->max_s <= ask.document->max_s && grant->epoch == ask.document->epoch &&
                        grant->claim_until_ms - opens <= static_cast<std::int64_t>(ask.document->claim_s) * 1000;
    if (!within) return "the signed document gives more than the request offered";
  }
  if (!ask.votes_known) return "";
  const bool votes = std::ranges::equal(grant->votes, ask.votes);
  return votes ? "" : "the signed document names other votes than the log";
}

bool Ledger::may_sign(const AllowedSigner& signer, const Entry& vote) const { return !needs_hardware(vote) || in_hardware(signer.key); }

std::string Ledger::count_voter(bool any_key, bool good) {
  if (!any_key) {
    ++counts_.unknown_keys;
    return "";
  }
  if (!good) return std::string("the vote is not signed with a ") + (needs_hardware(last_.entry) ? "hardware key" : "key") + " of that person";
  ++counts_.signed_votes;
  return "";
}

std::string Ledger::vote_document(const Envelope& envelope) {
  const auto vote = envelope.type == kVoteType ? read_vote(envelope.payload) : std::nullopt;
  if (!vote || envelope.signatures.size() != 1) return "the signed document is no vote";
  const Entry& entry = last_.entry;
  const auto ask = asks_.find(entry.request);
  const bool here = ask == asks_.end() || ask->second.boot.empty() || ask->second.boot == vote->boot_id;
  const bool same = here && vote->request == entry.request && vote->host_id == host_.id && agrees(entry, "digest", vote->digest) &&
                    agrees(entry, "voter", vote->person) && agrees(entry, "key", vote->key_id) && envelope.signatures.front().key_id == vote->key_id && agrees(entry, "reason", vote->reason) &&
                    narrows(entry, {vote->approve, seconds_or_null(vote->duration_s), vote->scope.empty() ? Json() : Json(vote->scope), seconds_or_null(vote->block_s)});
  if (!same) return kContradicts;
  bool any = false;
  bool good = false;
  const Signature& signature = envelope.signatures.front();
  for (const AllowedSigner& signer : signers_) {
    if (!signer.may(vote->person, kVoteNamespace, entry.wall_ms / 1000)) continue;
    any = true;
    good = good || (may_sign(signer, entry) && verify(signer.key, signature.kind, kVoteNamespace, pae(envelope.type, envelope.payload), signature.bytes) == Flaw::kNone);
  }
  return count_voter(any, good);
}

std::string Ledger::vote_code(const std::string& text) {
  const Entry& entry = last_.entry;
  const auto code = entry.type == "vote.cast" ? ReadCode::parse(text) : std::nullopt;
  if (!code) return "the signed document is no vote code";
  if (code->signed_digest() != field_of(entry, "vote")) return "the vote code behind it is another one than it names";
  if (code->digest_hint() != field_of(entry, "digest")) return kContradicts;
  const std::string person = field_of(entry, "voter");
  bool any = false;
  bool good = false;
  for (const AllowedSigner& signer : signers_) {
    if (!signer.may(person, kVoteCodeNamespace, entry.wall_ms / 1000)) continue;
    any = true;
    VoteCode vote;
    if (!may_sign(signer, entry) || code->verify(signer.key, vote) != Flaw::kNone) continue;
    const Narrowed made{vote.approve, seconds_or_null(vote.duration_s), vote.scope ? Json(kScopes.at(*vote.scope)) : Json(), seconds_or_null(vote.block_s)};
    if (!narrows(entry, made) || !agrees(entry, "reason", vote.reason)) return kContradicts;
    good = true;
  }
  return count_voter(any, good);
}

}  // namespace jit::evidence
