// SPDX-License-Identifier: Apache-2.0
#include "broker/core/document.h"

#include <algorithm>

#include "evidence/envelope.h"

namespace jit::core {
namespace {

std::optional<std::uint32_t> known(std::uint32_t uid) { return uid == policy::kNoUid ? std::nullopt : std::optional(uid); }

std::string origin_of(const policy::Origin& origin) {
  switch (origin.kind) {
    case policy::Origin::Kind::kLocal: return "local";
    case policy::Origin::Kind::kPeer: return origin.peer.text();
    case policy::Origin::Kind::kUnknown: break;
  }
  return "unknown";
}

evidence::Request::Offer offer_of(const policy::Offer& offer) {
  evidence::Request::Offer out;
  out.rule = offer.rule;
  out.fingerprint = offer.fingerprint;
  for (const policy::Seat& seat : offer.seats) out.seats.push_back({seat.set, seat.count});
  for (const policy::Step& step : offer.ladder) out.ladder.push_back({step.after_s, step.add, step.to, step.notify});
  out.votes = policy::name_of(offer.votes);
  out.scope = policy::name_of(offer.scope);
  out.give_s = offer.give_s;
  out.max_s = offer.max_s;
  out.wait_s = offer.wait_s;
  out.claim_s = offer.claim_s;
  out.review_s = offer.review_s;
  out.run_max_s = offer.run_max_s;
  out.reason_min = offer.reason_min;
  out.on_expiry = policy::name_of(offer.on_expiry);
  out.warn_before_s = offer.warn_before_s;
  out.tickets = offer.tickets;
  out.notify = offer.notify;
  out.reason_required = offer.reason_required;
  out.record = offer.record;
  out.machines = offer.machines;
  out.match = offer.match;
  out.self = offer.self;
  out.break_glass = offer.break_glass;
  return out;
}

}  // namespace

evidence::Request document_of(const Request& request, const Host& host, const std::string& head) {
  evidence::Request out;
  out.id = request.id.text();
  out.kind = name_of(request.kind);
  out.host_id = host.id;
  out.host_name = host.name;
  out.boot_id = request.boot_id;
  out.epoch = host.epoch;
  out.nonce = request.nonce;
  const policy::Identity& who = *request.subject.identity;
  out.subject = {who.user, who.uid, known(request.subject.loginuid), request.subject.login_user, who.person,
                 origin_of(request.subject.origin), request.subject.tty, known(request.subject.audit_session)};
  out.door = policy::name_of(request.door);
  out.service = request.service;
  out.target = {request.target->user, request.target->uid, request.target_verified, request.target_group};
  out.command.argv = request.argv;
  out.command.known = request.command.known;
  out.command.verified = request.command.verified;
  out.command.changeable = request.command.changeable;
  out.command.path = request.command.path;
  out.command.sha256 = request.command.sha256;
  out.command.words_at = request.command.words_at;
  out.command.options = request.command.options;
  out.command.env = request.command.env;
  out.cwd = request.cwd;
  out.reason = request.reason;
  out.reason_from = name_of(request.reason_from);
  out.ticket = request.ticket;
  out.urgency = name_of(request.urgency);
  out.asked_s = request.asked_s;
  if (request.asked_scope) out.asked_scope = policy::name_of(*request.asked_scope);
  out.via = request.via;
  out.ssh_key = request.ssh_key;
  if (!request.extends.empty()) out.extends = request.extends.text();
  out.not_before_ms = request.not_before_wall;
  out.offer = offer_of(request.offer);
  out.policy_hash = request.policy_hash;
  out.risk = request.card.score;
  out.risk_signs = request.card.signs;
  out.head = head;
  out.created_ms = request.created_wall;
  out.deadline_ms = request.deadline_wall;
  out.created_boot_ms = request.created;
  out.deadline_boot_ms = request.deadline;
  return out;
}

std::string head_text(const Head& head) { return head.size == 0 ? std::string() : std::to_string(head.size) + ":" + head.root; }

void seal(Request& request, const Host& host, const std::string& head) {
  evidence::Request document = document_of(request, host, head);
  evidence::hide(document, host.hide, host.secret);
  request.payload = evidence::payload_of(document);
  request.payload.shrink_to_fit();  // kept as long as it waits
  request.digest = evidence::digest_of(evidence::kRequestType, request.payload);
}

std::vector<evidence::Opening> openings_of(const Request& request, const Host& host) {
  if (request.payload.find("\"private\":{") == std::string::npos) return {};
  const auto sealed = evidence::read_request(request.payload);
  return sealed ? evidence::openings_of(document_of(request, host, {}), *sealed, host.secret) : std::vector<evidence::Opening>{};
}

evidence::Grant document_of(const Grant& grant, const Host& host, std::span<const Vote> votes, const std::string& head) {
  evidence::Grant out;
  out.id = grant.id.text();
  if (!grant.request.empty()) {
    out.request = grant.request.text();
    out.request_digest = grant.request_digest;
  }
  out.host_id = host.id;
  out.boot_id = grant.boot_id;
  out.epoch = host.epoch;
  out.rule = grant.rule;
  out.policy_hash = grant.policy_hash;
  out.door = policy::name_of(grant.door);
  out.scope = policy::name_of(grant.scope);
  out.subject = grant.subject.identity->user;
  out.person = grant.subject.identity->person;
  out.subject_uid = grant.subject.identity->uid;
  out.target = grant.target->user;
  out.target_uid = grant.target->uid;
  out.lifetime_s = grant.lifetime_s;
  out.max_s = grant.max_s;
  out.created_ms = grant.created_wall;
  out.claim_until_ms = grant.claim_until_wall;
  if (grant.not_before != 0) out.not_before_ms = grant.created_wall + (grant.not_before - grant.created);
  for (const Vote& vote : votes) {
    if (vote.approve && !vote.signed_digest.empty()) out.votes.push_back(vote.signed_digest);
  }
  std::ranges::sort(out.votes);
  out.head = head;
  return out;
}

void seal(Grant& grant, const Host& host, std::span<const Vote> votes, const std::string& head) {
  grant.payload = evidence::payload_of(document_of(grant, host, votes, head));
  grant.digest = evidence::digest_of(evidence::kGrantType, grant.payload);
}

}  // namespace jit::core
