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

// How many people: what is left to check a grant by where the seats, which may name people, were erased.
std::uint64_t needed(std::span<const policy::Seat> seats) {
  std::uint64_t out = 0;
  for (const policy::Seat& seat : seats) out += seat.count;
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

void add_record(json& fields, const std::string& record) {
  if (!record.empty()) fields["decision"] = json::parse(record);
}

void add_command(json& fields, const Ask& ask) {
  fields["argv"] = words(ask.argv);
  if (!ask.command.path.empty()) fields["path"] = text(ask.command.path);
  if (!ask.command.sha256.empty()) fields["sha256"] = ask.command.sha256;
  if (!ask.recording.empty()) fields["recording"] = text(ask.recording);
}

AuditEntry about(std::string_view type, const policy::Identity& who) {
  AuditEntry entry;
  entry.type = type;
  entry.person = who.person;
  entry.uid = who.uid;
  return entry;
}

}  // namespace

AuditEntry request(std::string_view type, const Request& request, const std::string& record) {
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
    if (!request.target_group.empty()) fields["target"]["group"] = text(request.target_group);
    fields["target_verified"] = request.target_verified;
    fields["argv"] = words(request.argv);
    fields["cwd"] = text(request.cwd);
    fields["reason"] = text(request.reason);
    fields["reason_from"] = name_of(request.reason_from);
    fields["ticket"] = text(request.ticket);
    fields["urgency"] = name_of(request.urgency);
    fields["rule"] = text(request.offer.rule);
    fields["seats"] = seats(request.offer.seats);
    fields["needed"] = needed(request.offer.seats);
    fields["give_s"] = request.offer.give_s;
    fields["max_s"] = request.offer.max_s;
    fields["wait_s"] = request.offer.wait_s;
    fields["scope"] = policy::name_of(request.offer.scope);
    fields["policy"] = request.policy_hash;
    fields["risk"] = {{"score", request.card.score}, {"signs", words(request.card.signs)}};
    if (request.not_before != 0) fields["not_before_ms"] = request.not_before_wall;
    if (!request.extends.empty()) fields["extends"] = request.extends.text();
    if (!request.subject.login_user.empty()) fields["login_user"] = text(request.subject.login_user);
  }
  // Its command's words are those of argv, wherever a decision stands.
  if (!record.empty()) fields["argv"] = words(request.argv);
  add_record(fields, record);
  if (!request.ended_by.empty()) fields["by"] = text(request.ended_by);
  if (!request.ended_why.empty()) fields["why"] = text(request.ended_why);
  entry.fields = fields.dump();
  return entry;
}

AuditEntry vote(const Request& request, const Vote& vote) {
  AuditEntry entry = about(kVoteCast, *request.subject.identity);
  entry.request = request.id;
  json fields{{"voter", text(vote.person)}, {"kind", name_of(vote.kind)},
              {"approve", vote.approve},    {"reason", text(vote.reason)}, {"digest", vote.digest}};
  if (vote.uid != policy::kNoUid) fields["voter_uid"] = vote.uid;
  if (vote.kind != VoteKind::kLocal) {
    fields["key"] = text(vote.key);
    fields["vote"] = vote.signed_digest;
  }
  if (vote.host_in_doubt) fields["attested_by"] = "a host where the requester was root";
  if (vote.duration_s) fields["duration_s"] = *vote.duration_s;
  if (vote.block_s) fields["block_s"] = *vote.block_s;
  if (vote.scope) fields["scope"] = policy::name_of(*vote.scope);
  entry.fields = fields.dump();
  return entry;
}

AuditEntry vote_refused(const Request& request, const policy::Identity& voter, std::string_view why) {
  AuditEntry entry = about(kVoteRefused, *request.subject.identity);
  entry.request = request.id;
  entry.fields = json{{"voter", text(voter.person)}, {"voter_uid", voter.uid}, {"why", text(why)}, {"digest", request.digest}}.dump();
  return entry;
}

AuditEntry vote_foreign(const std::string& person, const std::string& digest, std::string_view why) {
  AuditEntry entry;
  entry.type = kVoteRefused;
  entry.fields = json{{"voter", text(person)}, {"why", text(why)}, {"digest", digest}}.dump();
  return entry;
}

AuditEntry escalated(const Request& request, const policy::Step& step) {
  AuditEntry entry = about(kRequestEscalated, *request.subject.identity);
  entry.request = request.id;
  json fields{{"after_s", step.after_s}, {"digest", request.digest}};
  if (!step.add.empty()) fields["add"] = text(step.add);
  if (!step.to.empty()) fields["to"] = text(step.to);
  if (!step.notify.empty()) fields["notify"] = text(step.notify);
  entry.fields = fields.dump();
  return entry;
}

AuditEntry reviewed(const Request& request, std::uint32_t by_uid) {
  AuditEntry entry = about(kRequestReviewed, *request.subject.identity);
  entry.request = request.id;
  entry.grant = request.grant;
  entry.fields = json{{"by", text(request.reviewed_by)}, {"by_uid", by_uid}, {"text", text(request.reviewed_why)},
                      {"due_ms", request.review_due}, {"digest", request.digest}}
                     .dump();
  return entry;
}

AuditEntry acknowledged(const Request& request, std::string_view channel) {
  AuditEntry entry = about(kNotifyAcknowledged, *request.subject.identity);
  entry.request = request.id;
  entry.grant = request.grant;
  entry.fields = json{{"notify", text(channel)}, {"digest", request.digest}}.dump();
  return entry;
}

AuditEntry unsent(const Request& request) {
  AuditEntry entry = about(kNotifyUnsent, *request.subject.identity);
  entry.request = request.id;
  entry.grant = request.grant;
  std::string channels;
  for (const std::string& channel : request.offer.notify) channels += (channels.empty() ? "" : ", ") + text(channel);
  entry.fields = json{{"notify", channels}, {"digest", request.digest}}.dump();
  return entry;
}

AuditEntry away(const policy::Identity& who, WallMs until) {
  AuditEntry entry = about(until == 0 ? kBack : kAway, who);
  json fields{{"user", text(who.user)}};
  if (until != 0) fields["until_ms"] = until;
  entry.fields = fields.dump();
  return entry;
}

AuditEntry grant(std::string_view type, const Grant& grant, const std::string& record, bool break_glass) {
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
    if (grant.request.empty()) fields["origin"] = origin(grant.subject.origin);  // nobody was asked: no other entry says it
    fields["request_digest"] = grant.request_digest;
    fields["grant_digest"] = grant.digest;
  }
  add_record(fields, record);
  if (break_glass) fields["break_glass"] = true;
  if (type == kGrantClaimed || type == kGrantUsed || type == kGrantExtended) {
    fields["uses"] = grant.uses;
    fields["expires_ms"] = grant.expires_wall;
    if (!grant.ssh_key.empty()) fields["ssh_key"] = grant.ssh_key;
  }
  if (grant.end != GrantEnd::kNone) fields["end"] = name_of(grant.end);
  if (!grant.ended_by.empty()) fields["by"] = text(grant.ended_by);
  if (!grant.ended_why.empty()) fields["why"] = text(grant.ended_why);
  entry.fields = fields.dump();
  return entry;
}

AuditEntry use(std::string_view type, const Grant& grant, const Ask& ask) {
  AuditEntry entry = events::grant(type, grant);
  if (!ask.resolved) return entry;
  json fields = json::parse(entry.fields);
  add_command(fields, ask);
  entry.fields = fields.dump();
  return entry;
}

AuditEntry child(const Ask& ask, const Grant* grant, const std::string& record) {
  AuditEntry entry = about(kCommandAllowed, *ask.subject.identity);
  json fields{{"door", policy::name_of(ask.door)}, {"target", {{"name", text(ask.target->user)}, {"uid", ask.target->uid}}}, {"cwd", text(ask.cwd)}};
  add_command(fields, ask);
  add_record(fields, record);
  if (grant != nullptr) {
    entry.request = grant->request;
    entry.grant = grant->id;
    fields["rule"] = text(grant->rule);
  }
  entry.fields = fields.dump();
  return entry;
}

AuditEntry denied(const Ask& ask, std::string_view cause, std::string_view why, std::string_view policy_hash,
                  const std::string& record) {
  AuditEntry entry = about(kAccessDenied, *ask.subject.identity);
  json fields{{"door", policy::name_of(ask.door)}, {"service", text(ask.service)},
                    {"user", text(ask.subject.identity->user)},
                    {"target", text(ask.target ? ask.target->user : std::string())},
                    {"argv", words(ask.argv)}, {"cause", cause}, {"why", text(why)},
                    {"origin", origin(ask.subject.origin)}, {"policy", policy_hash}};
  add_record(fields, record);
  entry.fields = fields.dump();
  return entry;
}

AuditEntry observed(const Ask& ask, std::string_view by, std::string_view rule, std::string_view would,
                    const std::string& record, std::string_view policy_hash) {
  AuditEntry entry = about(kObserved, *ask.subject.identity);
  json fields{{"by", by},
              {"rule", text(rule)},
              {"would", text(would)},
              {"door", policy::name_of(ask.door)},
              {"service", text(ask.service)},
              {"user", text(ask.subject.identity->user)},
              {"target", text(ask.target ? ask.target->user : std::string())},
              {"argv", words(ask.argv)},
              {"origin", origin(ask.subject.origin)},
              {"policy", policy_hash}};
  add_record(fields, record);
  entry.fields = fields.dump();
  return entry;
}

AuditEntry fact_set(const Fact& fact) {
  AuditEntry entry;
  entry.type = kFactSet;
  entry.person = fact.set_by;
  entry.uid = fact.uid;
  json fields{{"fact", text(fact.name)}};
  fields["value"] = std::visit([](const auto& value) -> json {
    if constexpr (std::is_same_v<std::decay_t<decltype(value)>, std::string>) {
      return text(value);
    } else {
      return value;
    }
  }, fact.value);
  if (fact.for_s) fields["for_s"] = *fact.for_s;
  entry.fields = fields.dump();
  return entry;
}

AuditEntry fact_cleared(std::string_view name, const policy::Identity& by) {
  AuditEntry entry = about(kFactCleared, by);
  entry.fields = json{{"fact", text(name)}}.dump();
  return entry;
}

AuditEntry network_seen(const Ask& ask) {
  AuditEntry entry = about(kNetworkSeen, *ask.subject.identity);
  entry.fields = json{{"door", policy::name_of(ask.door)}, {"origin", origin(ask.subject.origin)}}.dump();
  return entry;
}

AuditEntry denials(std::uint32_t uid, std::string_view person, policy::Door door, std::string_view cause,
                   std::size_t count) {
  AuditEntry entry;
  entry.uid = uid;
  entry.person = person;
  json fields{{"door", policy::name_of(door)}, {"repeated", count}};
  constexpr std::string_view kObservedCause = "observed ";
  if (cause.starts_with(kObservedCause)) {
    // A rule's id holds no colon.
    const std::size_t colon = cause.find(": ");
    entry.type = kObserved;
    fields["rule"] = text(cause.substr(kObservedCause.size(), colon - kObservedCause.size()));
    fields["would"] = text(cause.substr(colon + 2));
  } else {
    entry.type = kAccessDenied;
    fields["cause"] = cause;
  }
  entry.fields = fields.dump();
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

AuditEntry rolled_back(std::string_view cause, std::int64_t epoch) {
  AuditEntry entry;
  entry.type = kRolledBack;
  entry.fields = json{{"cause", cause}, {"epoch", epoch}}.dump();
  return entry;
}

AuditEntry erased(const policy::Identity& by, std::uint64_t removed) {
  AuditEntry entry = about(kErased, by);
  entry.fields = json{{"removed", removed}}.dump();
  return entry;
}

AuditEntry archived(std::uint64_t first, std::uint64_t last) {
  AuditEntry entry;
  entry.type = kArchived;
  entry.fields = json{{"first", first}, {"last", last}}.dump();
  return entry;
}

AuditEntry enforced(const EndReport& report) {
  AuditEntry entry;
  entry.type = kGrantEnforced;
  entry.person = report.person;
  entry.uid = report.uid;
  entry.grant = report.grant;
  const auto list = [](const std::vector<EndReport::Left>& left) {
    json out = json::array();
    for (const auto& one : left) out.push_back({{"pid", one.pid}, {"uid", one.uid}, {"name", text(one.name)}});
    return out;
  };
  json fields{{"cause", text(report.why)}, {"ended", report.ended}};
  if (!report.survivors.empty()) fields["survivors"] = list(report.survivors);
  if (!report.beyond.empty()) fields["beyond"] = list(report.beyond);
  if (!report.later.empty()) fields["later"] = words(report.later);
  if (report.left_out > 0) fields["left_out"] = report.left_out;
  entry.fields = fields.dump();
  return entry;
}

AuditEntry note(std::string_view type, std::string_view name, std::string_view value) {
  AuditEntry entry;
  entry.type = type;
  entry.fields = json{{std::string(name), text(value)}}.dump();
  return entry;
}

}  // namespace jit::core::events
