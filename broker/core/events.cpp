// SPDX-License-Identifier: Apache-2.0
#include "broker/core/events.h"

#include <nlohmann/json.hpp>

#include "evidence/text.h"

namespace jit::core::events {

namespace {

using nlohmann::json;

// json sorts its keys, and every text in it is escaped ASCII: the dump is canonical.
std::string text(std::string_view bytes) { return evidence::escape(bytes); }

json words(std::span<const std::string> argv) {
  json out = json::array();
  for (const std::string& word : argv) out.push_back(text(word));
  return out;
}

json seats(std::span<const policy::Seat> seats) {
  json out = json::array();
  for (const policy::Seat& seat : seats) out.push_back({{"set", text(seat.set)}, {"count", seat.count}});
  return out;
}

std::string origin(const policy::Origin& from) {
  switch (from.kind) {
    case policy::Origin::Kind::kLocal: return "local";
    case policy::Origin::Kind::kPeer: return from.peer.text();
    case policy::Origin::Kind::kUnknown: break;
  }
  return "unknown";
}

AuditEntry about(std::string_view type, const policy::Identity& who) {
  AuditEntry entry;
  entry.type = type;
  entry.person = who.person;
  entry.uid = who.uid;
  return entry;
}

}  // namespace

AuditEntry request(std::string_view type, const Request& request) {
  AuditEntry entry = about(type, *request.subject.identity);
  entry.request = request.id;
  entry.grant = request.grant;
  json fields{{"state", name_of(request.state)}, {"digest", request.digest}};
  if (type == kRequestCreated) {
    fields["kind"] = name_of(request.kind);
    fields["door"] = policy::name_of(request.door);
    fields["service"] = text(request.service);
    fields["user"] = text(request.subject.identity->user);
    fields["loginuid"] = request.subject.loginuid;
    fields["audit_session"] = request.subject.audit_session;
    fields["origin"] = origin(request.subject.origin);
    fields["tty"] = text(request.subject.tty);
    fields["target"] = {{"name", text(request.target->user)}, {"uid", request.target->uid}};
    fields["target_verified"] = request.target_verified;
    fields["argv"] = words(request.argv);
    fields["cwd"] = text(request.cwd);
    fields["reason"] = text(request.reason);
    fields["reason_from"] = name_of(request.reason_from);
    fields["ticket"] = text(request.ticket);
    fields["rule"] = text(request.offer.rule);
    fields["seats"] = seats(request.offer.seats);
    fields["give_s"] = request.offer.give_s;
    fields["max_s"] = request.offer.max_s;
    fields["wait_s"] = request.offer.wait_s;
    fields["scope"] = policy::name_of(request.offer.scope);
    fields["policy"] = request.policy_hash;
  }
  if (!request.ended_by.empty()) fields["by"] = text(request.ended_by);
  if (!request.ended_why.empty()) fields["why"] = text(request.ended_why);
  entry.fields = fields.dump();
  return entry;
}

AuditEntry vote(const Request& request, const Vote& vote) {
  AuditEntry entry = about(kVoteCast, *request.subject.identity);
  entry.request = request.id;
  json fields{{"voter", text(vote.person)}, {"voter_uid", vote.uid},     {"kind", "local"},
              {"approve", vote.approve},    {"reason", text(vote.reason)}, {"digest", vote.digest}};
  if (vote.duration_s) fields["duration_s"] = *vote.duration_s;
  if (vote.scope) fields["scope"] = policy::name_of(*vote.scope);
  entry.fields = fields.dump();
  return entry;
}

AuditEntry grant(std::string_view type, const Grant& grant) {
  AuditEntry entry = about(type, *grant.subject.identity);
  entry.request = grant.request;
  entry.grant = grant.id;
  json fields{{"door", policy::name_of(grant.door)},
              {"target", {{"name", text(grant.target->user)}, {"uid", grant.target->uid}}},
              {"rule", text(grant.rule)},
              {"scope", policy::name_of(grant.scope)},
              {"policy", grant.policy_hash},
              {"state", name_of(grant.state)}};
  if (type == kGrantCreated) {
    fields["lifetime_s"] = grant.lifetime_s;
    fields["argv"] = words(grant.argv);
    fields["request_digest"] = grant.request_digest;
  }
  if (type == kGrantClaimed || type == kGrantUsed) {
    fields["uses"] = grant.uses;
    fields["expires_ms"] = grant.expires_wall;
  }
  if (grant.end != GrantEnd::kNone) fields["end"] = name_of(grant.end);
  if (!grant.ended_by.empty()) fields["by"] = text(grant.ended_by);
  if (!grant.ended_why.empty()) fields["why"] = text(grant.ended_why);
  entry.fields = fields.dump();
  return entry;
}

AuditEntry denied(const Ask& ask, std::string_view cause, std::string_view why, std::string_view policy_hash) {
  AuditEntry entry = about(kAccessDenied, *ask.subject.identity);
  const json fields{{"door", policy::name_of(ask.door)}, {"service", text(ask.service)},
                    {"user", text(ask.subject.identity->user)},
                    {"target", text(ask.target ? ask.target->user : std::string())},
                    {"argv", words(ask.argv)}, {"cause", cause}, {"why", text(why)},
                    {"origin", origin(ask.subject.origin)}, {"policy", policy_hash}};
  entry.fields = fields.dump();
  return entry;
}

AuditEntry denials(std::uint32_t uid, std::string_view person, policy::Door door, std::string_view cause,
                   std::size_t count) {
  AuditEntry entry;
  entry.type = kAccessDenied;
  entry.uid = uid;
  entry.person = person;
  entry.fields = json{{"door", policy::name_of(door)}, {"cause", cause}, {"repeated", count}}.dump();
  return entry;
}

AuditEntry already_root(const Ask& ask) {
  AuditEntry entry = about(kAlreadyRoot, *ask.subject.identity);
  entry.fields = json{{"door", policy::name_of(ask.door)}, {"service", text(ask.service)},
                      {"target", text(ask.target->user)},
                      {"argv", words(ask.argv)}, {"loginuid", ask.subject.loginuid}}
                     .dump();
  return entry;
}

AuditEntry note(std::string_view type, std::string_view name, std::string_view value) {
  AuditEntry entry;
  entry.type = type;
  entry.fields = json{{std::string(name), text(value)}}.dump();
  return entry;
}

}  // namespace jit::core::events
