// SPDX-License-Identifier: Apache-2.0
#include "cli/signing.h"

#include <ctime>

#include "cli/documents.h"
#include "evidence/display_code.h"
#include "evidence/hidden.h"
#include "evidence/host_key.h"
#include "evidence/look_alike.h"
#include "evidence/text.h"
#include "evidence/vote.h"
#include "evidence/vote_code.h"
#include "policy/policy.h"

namespace jit::cli {

namespace {

using evidence::escape;

Json texts(const std::vector<std::string>& list) {
  Json out = Json::array();
  for (const std::string& each : list) out.push_back(escape(each));
  return out;
}

Json text_or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(escape(text)); }

std::string time_text(std::int64_t ms) {
  const std::time_t seconds = ms / 1000;
  std::tm parts{};
  char out[32] = "";
  if (ms < 0 || gmtime_r(&seconds, &parts) == nullptr || std::strftime(out, sizeof out, "%Y-%m-%dT%H:%M:%S.000Z", &parts) == 0) return {};
  return out;
}

std::int64_t wall_ms() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

// As the broker's document has them.
Json requirements(const evidence::Request::Offer& offer) {
  Json out = Json::array();
  if (offer.reason_required) out.push_back(offer.reason_min > 0 ? "reason:" + std::to_string(offer.reason_min) : "reason");
  for (const std::string& pattern : offer.tickets) out.push_back(pattern.empty() ? "ticket" : "ticket:" + escape(pattern));
  if (offer.record) out.push_back("record");
  for (const std::string& channel : offer.notify) out.push_back("notify:" + escape(channel));
  if (offer.review_s > 0) out.push_back("review:" + policy::format_duration(offer.review_s));
  return out;
}

std::size_t length_of(const std::vector<std::string>& argv) {
  std::size_t out = 0;
  for (const std::string& word : argv) out += word.size() + 1;
  return out;
}

// Only a hardware key counts where the policy asks for one, and where the requester answers himself.
KeysTaken keys_taken(const evidence::Request& request, bool approve, const std::string& person) {
  const bool own = request.offer.self && !person.empty() && request.subject.person == person;
  return approve && (request.offer.votes == "hardware" || own) ? KeysTaken::kHardware : KeysTaken::kAll;
}

Failure untrue(const std::string& what) { return {Exit::kNo, "this request is not to be believed: " + what}; }

}  // namespace

Result<SignedRequest> verified(std::string_view envelope, const evidence::PublicKey& host) {
  const auto parsed = evidence::parse_envelope(envelope);
  if (!parsed || parsed->signatures.size() != 1) return untrue("it is not one signed envelope");
  const evidence::Signature& signature = parsed->signatures.front();
  if (signature.key_id != evidence::fingerprint(host)) return untrue("another key signed it than that of the host");
  const std::string message = evidence::pae(parsed->type, parsed->payload);
  const evidence::Flaw flaw = evidence::verify(host, signature.kind, evidence::kRequestNamespace, message, signature.bytes);
  if (flaw != evidence::Flaw::kNone) return untrue(std::string(evidence::text_of(flaw)));
  if (parsed->type != evidence::kRequestType) return untrue("it is of another kind");
  auto request = evidence::read_request(parsed->payload);
  if (!request) return untrue("it is not a request of this version; use a newer jitctl");
  if (request->host_id != evidence::host_id_of(host)) return untrue("it names another host than the one whose key signed it");
  std::string digest = evidence::digest_of(parsed->type, parsed->payload);
  return SignedRequest{std::move(*request), std::move(digest)};
}

bool open_private(SignedRequest& request, const Json& openings) {
  const auto read = evidence::read_openings(openings);
  return read && evidence::open(request.request, *read);
}

Json document_of(const SignedRequest& one) {
  const evidence::Request& r = one.request;
  Json seats = Json::array();
  for (const auto& seat : r.offer.seats) seats.push_back({{"set", escape(seat.set)}, {"count", seat.count}, {"filled_by", Json::array()}});
  Json steps = Json::array();
  for (const auto& step : r.offer.ladder) {
    steps.push_back({{"after_s", step.after_s}, {"add", text_or_null(step.add)}, {"to", text_or_null(step.to)}, {"notify", text_or_null(step.notify)}});
  }
  Json alike = evidence::look_alikes({r.subject.name, r.subject.person, r.subject.tty, r.target.name, r.target.group, r.command.path, r.cwd, r.reason, r.ticket,
                                      r.command.argv, r.command.options, r.command.env});
  const auto left = static_cast<std::uint64_t>(std::max<std::int64_t>(0, (r.deadline_ms - wall_ms()) / 1000));
  const auto uid = [](const std::optional<std::uint32_t>& value) { return value ? Json(*value) : Json(nullptr); };
  // Parentheses would stand in quotes if they were the command's own.
  const std::string command = r.hidden.command.empty() ? evidence::render_argv(r.command.argv) : "(private)";
  Json target{{"name", escape(r.target.name)}, {"uid", r.target.uid}};
  if (!r.target.group.empty()) target["group"] = escape(r.target.group);
  Json out{{"id", r.id},
          {"kind", r.kind},
          {"state", "pending"},
          {"subject", {{"name", escape(r.subject.name)}, {"uid", r.subject.uid}, {"loginuid", uid(r.subject.loginuid)},
                       {"person", escape(r.subject.person)}, {"origin", escape(r.subject.origin)}, {"tty", escape(r.subject.tty)}}},
          {"door", escape(r.door)},
          {"service", escape(r.service)},
          {"target", std::move(target)},
          {"target_verified", r.target.verified},
          {"host", {{"id", r.host_id}, {"name", escape(r.host_name)}}},
          {"command", {{"argv", texts(r.command.argv)}, {"text", command}, {"length", length_of(r.command.argv)},
                       {"verified", r.command.verified}, {"cut", false}, {"path", text_or_null(r.command.path)},
                       {"sha256", text_or_null(r.command.sha256)}, {"changeable", r.command.changeable}, {"words_at", r.command.words_at},
                       {"options", texts(r.command.options)}, {"env", texts(r.command.env)}}},
          {"cwd", escape(r.cwd)},
          {"reason", escape(r.reason)},
          {"reason_from", escape(r.reason_from)},
          {"ticket", escape(r.ticket)},
          {"urgency", escape(r.urgency)},
          {"asked", {{"duration_s", uid(r.asked_s)}, {"scope", text_or_null(r.asked_scope)}}},
          {"offer", {{"rule", escape(r.offer.rule)}, {"give_s", r.offer.give_s}, {"max_s", r.offer.max_s}, {"scope", escape(r.offer.scope)},
                     {"escalate", std::move(steps)}, {"seats", std::move(seats)}, {"require", requirements(r.offer)}, {"votes", escape(r.offer.votes)},
                     {"match", r.offer.match}, {"break_glass", r.offer.break_glass}, {"on_expiry", escape(r.offer.on_expiry)}, {"run_max_s", r.offer.run_max_s}}},
          {"steps", 0},
          {"risk", {{"score", r.risk}, {"signs", texts(r.risk_signs)}}},
          {"looks_alike", std::move(alike)},
          {"display_code", evidence::display_code(one.digest)},
          {"not_before", r.not_before_ms == 0 ? Json(nullptr) : Json(time_text(r.not_before_ms))},
          {"extends", text_or_null(r.extends)},
          {"created", time_text(r.created_ms)},
          {"deadline", time_text(r.deadline_ms)},
          {"deadline_in_s", left},
          {"votes", Json::array()},
          {"grant", nullptr}};
  if (const auto closed = evidence::closed_fields(r); !closed.empty()) out["private"] = closed;
  return out;
}

Decision decision_of(const Dict& options) {
  const auto text = [&](const char* name) {
    const auto found = options.find(name);
    if (found == options.end() || !found->second.containsValueOfType<Bytes>()) return std::string();
    const Bytes bytes = found->second.get<Bytes>();
    return std::string(bytes.begin(), bytes.end());
  };
  Decision out;
  out.approve = true;
  if (const auto found = options.find("for-s"); found != options.end()) out.duration_s = found->second.get<std::uint32_t>();
  if (const auto found = options.find("scope"); found != options.end()) out.scope = found->second.get<std::string>();
  out.reason = text("reason");
  for (const char c : text("typed")) {
    if (c != ' ' && c != '-') out.typed += c;
  }
  return out;
}

Result<std::string> signed_vote(const SignedRequest& request, const Decision& decision, const std::string& person,
                                std::span<const evidence::PublicKey> keys, const std::string& key_file) {
  evidence::Vote vote;
  vote.digest = request.digest;
  vote.request = request.request.id;
  vote.host_id = request.request.host_id;
  vote.boot_id = request.request.boot_id;
  vote.approve = decision.approve;
  vote.duration_s = decision.duration_s;
  vote.block_s = decision.block_s;
  vote.scope = decision.scope;
  vote.reason = decision.reason;
  vote.person = person;
  vote.typed = decision.typed;
  vote.time_ms = wall_ms();
  std::string payload;
  const auto made = sign(keys, evidence::kVoteNamespace, [&](const evidence::PublicKey& key) -> Result<std::string> {
    vote.key_id = evidence::fingerprint(key);
    payload = evidence::payload_of(vote);
    return evidence::pae(evidence::kVoteType, payload);
  }, key_file, surroundings(), keys_taken(request.request, decision.approve, person));
  if (!made) return made.failure();
  return evidence::to_json({std::string(evidence::kVoteType), std::move(payload), {made->signature}});
}

Result<std::string> vote_code(const SignedRequest& request, const Decision& decision, const std::string& person,
                              std::span<const evidence::PublicKey> keys, const std::string& key_file) {
  evidence::VoteCode vote;
  vote.digest = request.digest;
  vote.approve = decision.approve;
  vote.duration_s = decision.duration_s;
  vote.block_s = decision.block_s;
  if (const auto scope = policy::scope_named(decision.scope)) vote.scope = static_cast<std::uint8_t>(*scope);
  vote.typed = decision.typed;
  vote.reason = decision.reason;
  if (vote.reason.size() > evidence::kCodeReasonMax) {
    return Failure{Exit::kUsage, "a vote code holds a reason of at most " + std::to_string(evidence::kCodeReasonMax) + " bytes; say it shorter, or use --envelope"};
  }
  const auto made = sign(keys, evidence::kVoteCodeNamespace, [&](const evidence::PublicKey& key) -> Result<std::string> {
    const auto prefix = evidence::key_prefix(key);
    if (!prefix) return Failure{Exit::kUsage, "this key makes no vote codes, they would be too long: use jitctl vote --code --envelope"};
    vote.key = *prefix;
    const auto body = evidence::body_of(vote);
    if (!body) return Failure{Exit::kUsage, "the typed code has six digits"};
    return std::string(evidence::text_of(*body));
  }, key_file, surroundings(), keys_taken(request.request, decision.approve, person));
  if (!made) return made.failure();
  auto text = evidence::to_text(vote, made->signature.bytes);
  if (!text) return Failure{Exit::kNo, "the vote does not fit a code: use jitctl vote --code --envelope"};
  return std::move(*text);
}

Result<Voter> voter_of(Client& client) {
  const auto status = client.status();
  if (!status) return status.failure();
  Voter out;
  // The broker escapes what people named; keys and names of people hold nothing that an escape would change.
  out.person = text_of(*status, "you.person");
  out.host = {"ssh", text_of(*status, "host.public_key"), false};
  out.host_id = text_of(*status, "host.id");
  for (const Json& key : member(*status, "you.keys")) {
    const Json& required = member(key, "verify_required");
    if (text_of(key, "kind") == "ssh") out.keys.push_back({"ssh", text_of(key, "public"), required.is_boolean() && required.get<bool>()});
  }
  return out;
}

Result<Json> cast_signed(Client& client, const Json& shown, const Decision& decision, const Voter& voter, const std::string& key_file) {
  const auto envelope = client.envelope(text_of(shown, "id"));
  if (!envelope) return envelope.failure();
  const auto request = verified(*envelope, voter.host);
  if (!request) return request.failure();
  if (request->request.id != text_of(shown, "id") || evidence::display_code(request->digest) != text_of(shown, "display_code")) {
    return untrue("what the host signed is not what was shown; look again: jitctl show " + text_of(shown, "id"));
  }
  const auto vote = signed_vote(*request, decision, voter.person, voter.keys, key_file);
  if (!vote) return vote.failure();
  return client.submit_vote(*vote);
}

}  // namespace jit::cli
