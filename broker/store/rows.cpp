// SPDX-License-Identifier: Apache-2.0
#include "broker/store/rows.h"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace jit::store {

using core::Grant;
using core::Request;
using policy::Identity;

const char* const kRequestColumns =
    "id, kind, door, subject_uid, subject_user, subject_person, subject_groups_known, subject_groups_all, "
    "subject_groups_any, loginuid, login_user, audit_session, origin, origin_v4, origin_address, tty, terminal, terminal_leader, "
    "terminal_leader_start, target_uid, target_user, target_person, target_groups_known, target_groups_all, "
    "target_groups_any, service, target_verified, argv, cwd, reason, reason_from, ticket, asked_s, via, offer_rule, "
    "offer_fingerprint, offer_reason_required, offer_reason_min, offer_give_s, offer_max_s, offer_wait_s, "
    "offer_claim_s, offer_scope, offer_shortened, offer_tickets, offer_record, offer_notify, offer_review_s, offer_votes, "
    "offer_machines, offer_match, offer_self, offer_ladder, offer_break_glass, offer_on_expiry, offer_run_max_s, "
    "offer_warn_before, policy_hash, boot_id, created, deadline, created_wall, "
    "deadline_wall, process, process_start, parent, parent_start, digest, secret_hash, ssh_key, "
    "urgency, command_known, command_verified, command_bound, command_words_at, command_path, command_options, command_env, "
    "not_before, not_before_wall, extends, risk, risk_signs, typed_code, command_changeable, asked_scope, nonce, payload, command_sha256, recording, target_group";
const char* const kRequestStateColumns =
    "state, ended_by, ended_why, ended_wall, granted, steps, wrong_codes, review_due, reviewed_by, reviewed_why, reviewed_wall";
const char* const kGrantColumns =
    "id, request, request_digest, subject_uid, subject_user, subject_person, subject_groups_known, "
    "subject_groups_all, subject_groups_any, loginuid, login_user, audit_session, origin, origin_v4, origin_address, tty, "
    "terminal, terminal_leader, terminal_leader_start, door, target_uid, target_user, target_person, "
    "target_groups_known, target_groups_all, target_groups_any, argv, cwd, scope, rule, fingerprint, policy_hash, "
    "boot_id, lifetime_s, max_s, created, claim_until, created_wall, claim_until_wall, not_before, payload, digest, "
    "on_expiry, run_max_s, warn_before, command_known, command_verified, command_sha256, command_path, command_options, command_env";
const char* const kGrantStateColumns =
    "state, ending, starts, expires, starts_wall, expires_wall, bound_terminal, bound_leader, bound_leader_start, "
    "bound_audit_session, connection, connection_start, uses, ended_by, ended_why, ended_wall, ssh_key";
const char* const kVoteColumns = "request, person, uid, approve, duration_s, scope, reason, digest, time, block_s, kind, key, signed_text, signed_digest, host_in_doubt, user";
const char* const kAbsenceColumns = "person, user_name, until_wall";
const char* const kFactColumns = "name, type, value, set_by, uid, boot_id, set_boottime, set_wall, for_s";
const char* const kNetworkColumns = "person, v4, network, last_wall";

std::string insert_into(const char* table, const std::string& columns) {
  std::string sql = std::string("INSERT INTO ") + table + " (" + columns + ") VALUES (?";
  for (const char c : columns) {
    if (c == ',') sql += ", ?";
  }
  return sql + ")";
}

std::string update_of(const char* table, const char* columns, const char* key) {
  std::string sql = std::string("UPDATE ") + table + " SET ";
  for (const char* c = columns; *c != '\0'; ++c) {
    if (*c == ',') sql += " = ?";
    sql += *c;
  }
  return sql + " = ? WHERE " + key + " = ?";
}

namespace {

void bind_identity(Bind& bind, const Identity& identity) {
  bind.number(identity.uid).bytes(identity.user).bytes(identity.person).number(identity.groups_known);
  bind.words(identity.groups_all).words(identity.groups_any);
}

core::IdentityPtr read_identity(Row& row) {
  auto identity = std::make_shared<Identity>();
  identity->uid = row.number<std::uint32_t>();
  identity->user = row.bytes();
  identity->person = row.bytes();
  identity->groups_known = row.flag();
  identity->groups_all = row.words();
  identity->groups_any = row.words();
  return identity;
}

void bind_process(Bind& bind, const core::Process& process) { bind.number(process.pid).number(process.start); }

core::Process read_process(Row& row) {
  core::Process process;
  process.pid = row.number<std::int32_t>();
  process.start = row.number<std::uint64_t>();
  return process;
}

void bind_terminal(Bind& bind, const core::Terminal& terminal) {
  bind.number(terminal.number);
  bind_process(bind, terminal.leader);
}

core::Terminal read_terminal(Row& row) {
  core::Terminal terminal;
  terminal.number = row.number<std::uint32_t>();
  terminal.leader = read_process(row);
  return terminal;
}

void bind_subject(Bind& bind, const core::Subject& subject) {
  bind_identity(bind, *subject.identity);
  bind.number(subject.loginuid).bytes(subject.login_user).number(subject.audit_session).number(subject.origin.kind);
  const auto& address = subject.origin.peer.bytes;
  bind.number(subject.origin.peer.v4);
  bind.bytes({reinterpret_cast<const char*>(address.data()), address.size()}).bytes(subject.tty);
  bind_terminal(bind, subject.terminal);
}

core::Subject read_subject(Row& row) {
  core::Subject subject;
  subject.identity = read_identity(row);
  subject.loginuid = row.number<std::uint32_t>();
  subject.login_user = row.bytes();
  subject.audit_session = row.number<std::uint32_t>();
  subject.origin.kind = row.one_of(policy::Origin::Kind::kPeer);
  subject.origin.peer.v4 = row.flag();
  const std::string address = row.bytes();
  if (address.size() == subject.origin.peer.bytes.size()) {
    std::memcpy(subject.origin.peer.bytes.data(), address.data(), address.size());
  }
  subject.tty = row.bytes();
  subject.terminal = read_terminal(row);
  return subject;
}

void bind_expiry(Bind& bind, policy::Expiry on_expiry, std::uint32_t run_max_s, const std::vector<std::uint32_t>& warn_before_s) {
  std::vector<std::string> warn_before;
  for (const std::uint32_t time : warn_before_s) warn_before.push_back(std::to_string(time));
  bind.number(on_expiry).number(run_max_s).words(warn_before);
}

void bind_offer(Bind& bind, const policy::Offer& offer) {
  bind.text(offer.rule).text(offer.fingerprint).number(offer.reason_required).number(offer.reason_min);
  bind.number(offer.give_s).number(offer.max_s).number(offer.wait_s).number(offer.claim_s);
  bind.number(offer.scope).number(offer.shortened);
  bind.words(offer.tickets).number(offer.record).words(offer.notify).number(offer.review_s).number(offer.votes);
  bind.number(offer.machines).number(offer.match).number(offer.self);
  std::vector<std::string> ladder;
  for (const policy::Step& step : offer.ladder) {
    ladder.insert(ladder.end(), {std::to_string(step.after_s), step.add, step.to, step.notify});
  }
  bind.words(ladder).number(offer.break_glass);
  bind_expiry(bind, offer.on_expiry, offer.run_max_s, offer.warn_before_s);
}

std::uint32_t number_of(const std::string& digits) {
  std::uint32_t out = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), out);
  return out;
}

policy::Offer read_offer(Row& row) {
  policy::Offer offer;
  offer.rule = row.bytes();
  offer.fingerprint = row.bytes();
  offer.reason_required = row.flag();
  offer.reason_min = row.number<std::uint32_t>();
  offer.give_s = row.number<std::uint32_t>();
  offer.max_s = row.number<std::uint32_t>();
  offer.wait_s = row.number<std::uint32_t>();
  offer.claim_s = row.number<std::uint32_t>();
  offer.scope = row.one_of(policy::Scope::kLogin);
  offer.shortened = row.flag();
  offer.tickets = row.words();
  offer.record = row.flag();
  offer.notify = row.words();
  offer.review_s = row.number<std::uint32_t>();
  offer.votes = row.one_of(policy::Votes::kHardware);
  offer.machines = row.flag();
  offer.match = row.flag();
  offer.self = row.flag();
  const std::vector<std::string> ladder = row.words();
  for (std::size_t i = 0; i + 3 < ladder.size(); i += 4) {
    offer.ladder.push_back({number_of(ladder[i]), ladder[i + 1], ladder[i + 2], ladder[i + 3]});
  }
  offer.break_glass = row.flag();
  offer.on_expiry = row.one_of(policy::Expiry::kWarn);
  offer.run_max_s = row.number<std::uint32_t>();
  for (const std::string& time : row.words()) offer.warn_before_s.push_back(number_of(time));
  return offer;
}

}  // namespace

int bind_request(Bind& bind, const Request& request) {
  if (!request.subject.identity || !request.target || request.id.empty()) return kUnstorable;
  // The kinds that came later are seen from what else stands in the row.
  bind.id(request.id).number(std::min(request.kind, core::RequestKind::kAhead)).number(request.door);
  bind_subject(bind, request.subject);
  bind_identity(bind, *request.target);
  bind.bytes(request.service).number(request.target_verified).words(request.argv).bytes(request.cwd);
  bind.bytes(request.reason).number(request.reason_from).bytes(request.ticket).maybe(request.asked_s);
  bind.bytes(request.via);
  bind_offer(bind, request.offer);
  bind.text(request.policy_hash).text(request.boot_id).number(request.created).number(request.deadline);
  bind.number(request.created_wall).number(request.deadline_wall);
  bind_process(bind, request.process);
  bind_process(bind, request.parent);
  bind.text(request.digest).text(request.secret_hash).text(request.ssh_key).number(request.urgency);
  const core::Command& command = request.command;
  bind.number(command.known).number(command.verified).number(command.digest_bound).number(command.words_at);
  bind.bytes(command.path).words(command.options).words(command.env);
  bind.number(request.not_before).number(request.not_before_wall).id(request.extends);
  bind.number(request.card.score).words(request.card.signs).text(request.typed_code).number(command.changeable).maybe(request.asked_scope);
  bind.text(request.nonce).text(request.payload).text(command.sha256).bytes(request.recording).bytes(request.target_group);
  return bind.code();
}

void bind_state(Bind& bind, const Request& request) {
  bind.number(request.state).text(request.ended_by).text(request.ended_why).number(request.ended_wall);
  bind.id(request.grant).number(request.steps).number(request.wrong_codes).number(request.review_due);
  bind.text(request.reviewed_by).text(request.reviewed_why).number(request.reviewed_wall);
}

Request read_request(Row& row) {
  Request request;
  request.id = row.id();
  request.kind = row.one_of(core::RequestKind::kAhead);
  request.door = row.one_of(policy::Door::kPolkit);
  request.subject = read_subject(row);
  request.target = read_identity(row);
  request.service = row.bytes();
  request.target_verified = row.flag();
  request.argv = row.words();
  request.cwd = row.bytes();
  request.reason = row.bytes();
  request.reason_from = row.one_of(core::ReasonFrom::kCommandLine);
  request.ticket = row.bytes();
  request.asked_s = row.maybe_number();
  request.via = row.bytes();
  request.offer = read_offer(row);
  request.policy_hash = row.bytes();
  request.boot_id = row.bytes();
  request.created = row.number<core::BootMs>();
  request.deadline = row.number<core::BootMs>();
  request.created_wall = row.number<core::WallMs>();
  request.deadline_wall = row.number<core::WallMs>();
  request.process = read_process(row);
  request.parent = read_process(row);
  request.digest = row.bytes();
  request.secret_hash = row.bytes();
  request.ssh_key = row.bytes();
  request.urgency = row.one_of(core::Urgency::kCritical);
  request.command.known = row.flag();
  request.command.verified = row.flag();
  request.command.digest_bound = row.flag();
  request.command.words_at = row.number<std::uint32_t>();
  request.command.path = row.bytes();
  request.command.options = row.words();
  request.command.env = row.words();
  request.not_before = row.number<core::BootMs>();
  request.not_before_wall = row.number<core::WallMs>();
  request.extends = row.id();
  request.card.score = row.number<std::int64_t>();
  request.card.signs = row.words();
  request.typed_code = row.bytes();
  request.command.changeable = row.flag();
  if (!row.skip_null()) request.asked_scope = row.one_of(policy::Scope::kLogin);
  request.nonce = row.bytes();
  request.payload = row.bytes();
  request.command.sha256 = row.bytes();
  request.recording = row.bytes();
  request.target_group = row.bytes();
  if (!request.extends.empty()) {
    request.kind = core::RequestKind::kExtension;
  } else if (request.offer.break_glass) {
    request.kind = core::RequestKind::kBreakGlass;
  }
  request.state = row.one_of(core::RequestState::kCancelled);
  request.ended_by = row.bytes();
  request.ended_why = row.bytes();
  request.ended_wall = row.number<core::WallMs>();
  request.grant = row.id();
  request.steps = row.number<std::uint32_t>();
  request.wrong_codes = row.number<std::uint32_t>();
  request.review_due = row.number<core::WallMs>();
  request.reviewed_by = row.bytes();
  request.reviewed_why = row.bytes();
  request.reviewed_wall = row.number<core::WallMs>();
  return request;
}

int bind_grant(Bind& bind, const Grant& grant) {
  if (!grant.subject.identity || !grant.target || grant.id.empty()) return kUnstorable;
  bind.id(grant.id).id(grant.request).text(grant.request_digest);
  bind_subject(bind, grant.subject);
  bind.number(grant.door);
  bind_identity(bind, *grant.target);
  bind.words(grant.argv).bytes(grant.cwd).number(grant.scope).text(grant.rule).text(grant.fingerprint);
  bind.text(grant.policy_hash).text(grant.boot_id).number(grant.lifetime_s).number(grant.max_s);
  bind.number(grant.created).number(grant.claim_until).number(grant.created_wall).number(grant.claim_until_wall);
  bind.number(grant.not_before).text(grant.payload).text(grant.digest);
  bind_expiry(bind, grant.on_expiry, grant.run_max_s, grant.warn_before_s);
  const core::Command& command = grant.command;
  bind.number(command.known).number(command.verified).text(command.sha256).bytes(command.path).words(command.options).words(command.env);
  return bind.code();
}

void bind_state(Bind& bind, const Grant& grant) {
  bind.number(grant.state).number(grant.end).number(grant.starts).number(grant.expires);
  bind.number(grant.starts_wall).number(grant.expires_wall);
  bind_terminal(bind, grant.terminal);
  bind.number(grant.audit_session);
  bind_process(bind, grant.connection);
  bind.number(grant.uses).text(grant.ended_by).text(grant.ended_why).number(grant.ended_wall);
  bind.text(grant.ssh_key);
}

Grant read_grant(Row& row) {
  Grant grant;
  grant.id = row.id();
  grant.request = row.id();
  grant.request_digest = row.bytes();
  grant.subject = read_subject(row);
  grant.door = row.one_of(policy::Door::kPolkit);
  grant.target = read_identity(row);
  grant.argv = row.words();
  grant.cwd = row.bytes();
  grant.scope = row.one_of(policy::Scope::kLogin);
  grant.rule = row.bytes();
  grant.fingerprint = row.bytes();
  grant.policy_hash = row.bytes();
  grant.boot_id = row.bytes();
  grant.lifetime_s = row.number<std::uint32_t>();
  grant.max_s = row.number<std::uint32_t>();
  grant.created = row.number<core::BootMs>();
  grant.claim_until = row.number<core::BootMs>();
  grant.created_wall = row.number<core::WallMs>();
  grant.claim_until_wall = row.number<core::WallMs>();
  grant.not_before = row.number<core::BootMs>();
  grant.payload = row.bytes();
  grant.digest = row.bytes();
  grant.on_expiry = row.one_of(policy::Expiry::kWarn);
  grant.run_max_s = row.number<std::uint32_t>();
  for (const std::string& time : row.words()) grant.warn_before_s.push_back(number_of(time));
  grant.command.known = row.flag();
  grant.command.verified = row.flag();
  grant.command.sha256 = row.bytes();
  grant.command.digest_bound = !grant.command.sha256.empty();
  grant.command.path = row.bytes();
  grant.command.options = row.words();
  grant.command.env = row.words();
  grant.state = row.one_of(core::GrantState::kEnded);
  grant.end = row.one_of(core::GrantEnd::kVoid);
  grant.starts = row.number<core::BootMs>();
  grant.expires = row.number<core::BootMs>();
  grant.starts_wall = row.number<core::WallMs>();
  grant.expires_wall = row.number<core::WallMs>();
  grant.terminal = read_terminal(row);
  grant.audit_session = row.number<std::uint32_t>();
  grant.connection = read_process(row);
  grant.uses = row.number<std::uint32_t>();
  grant.ended_by = row.bytes();
  grant.ended_why = row.bytes();
  grant.ended_wall = row.number<core::WallMs>();
  grant.ssh_key = row.bytes();
  return grant;
}

void bind_vote(Bind& bind, const core::Vote& vote) {
  bind.id(vote.request).bytes(vote.person).number(vote.uid).number(vote.approve).maybe(vote.duration_s);
  bind.maybe(vote.scope).bytes(vote.reason).text(vote.digest).number(vote.time).maybe(vote.block_s);
  bind.number(vote.kind).text(vote.key).text(vote.signed_text).text(vote.signed_digest).number(vote.host_in_doubt);
  bind.bytes(vote.user);
}

core::Vote read_vote(Row& row) {
  core::Vote vote;
  vote.request = row.id();
  vote.person = row.bytes();
  vote.uid = row.number<std::uint32_t>();
  vote.approve = row.flag();
  vote.duration_s = row.maybe_number();
  if (!row.skip_null()) vote.scope = row.one_of(policy::Scope::kLogin);
  vote.reason = row.bytes();
  vote.digest = row.bytes();
  vote.time = row.number<core::WallMs>();
  vote.block_s = row.maybe_number();
  vote.kind = row.one_of(core::VoteKind::kCode);
  vote.key = row.bytes();
  vote.signed_text = row.bytes();
  vote.signed_digest = row.bytes();
  vote.host_in_doubt = row.flag();
  vote.user = row.bytes();
  return vote;
}

void bind_fact(Bind& bind, const core::Fact& fact) {
  bind.text(fact.name).number(fact.value.index());
  if (const bool* flag = std::get_if<bool>(&fact.value)) bind.number(*flag);
  if (const auto* number = std::get_if<std::int64_t>(&fact.value)) bind.number(*number);
  if (const double* decimal = std::get_if<double>(&fact.value)) bind.real(*decimal);
  if (const auto* text = std::get_if<std::string>(&fact.value)) bind.bytes(*text);
  bind.bytes(fact.set_by).number(fact.uid).text(fact.boot_id).number(fact.set).number(fact.set_wall).maybe(fact.for_s);
}

core::Fact read_fact(Row& row) {
  core::Fact fact;
  fact.name = row.bytes();
  switch (row.number<std::uint8_t>()) {
    case 0: fact.value = row.flag(); break;
    case 1: fact.value = row.number<std::int64_t>(); break;
    case 2: fact.value = row.real(); break;
    default: fact.value = row.bytes(); break;
  }
  fact.set_by = row.bytes();
  fact.uid = row.number<std::uint32_t>();
  fact.boot_id = row.bytes();
  fact.set = row.number<core::BootMs>();
  fact.set_wall = row.number<core::WallMs>();
  fact.for_s = row.maybe_number();
  return fact;
}

void bind_network(Bind& bind, const core::SeenNet& seen) {
  const auto& address = seen.net.bytes;
  bind.bytes(seen.person).number(seen.net.v4);
  bind.bytes({reinterpret_cast<const char*>(address.data()), address.size()}).number(seen.last);
}

core::SeenNet read_network(Row& row) {
  core::SeenNet seen;
  seen.person = row.bytes();
  seen.net.v4 = row.flag();
  const std::string address = row.bytes();
  if (address.size() == seen.net.bytes.size()) std::memcpy(seen.net.bytes.data(), address.data(), address.size());
  seen.last = row.number<core::WallMs>();
  return seen;
}

void bind_absence(Bind& bind, const core::Absence& absence) { bind.bytes(absence.person).bytes(absence.user).number(absence.until); }

core::Absence read_absence(Row& row) {
  core::Absence absence;
  absence.person = row.bytes();
  absence.user = row.bytes();
  absence.until = row.number<core::WallMs>();
  return absence;
}

}  // namespace jit::store
