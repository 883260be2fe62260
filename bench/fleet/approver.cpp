// SPDX-License-Identifier: Apache-2.0
#include "bench/fleet/approver.h"

#include <ctime>
#include <utility>

#include "evidence/envelope.h"
#include "evidence/request.h"
#include "evidence/ssh_key.h"
#include "evidence/sshsig.h"
#include "evidence/vote.h"
#include "relay/credentials/subjects.h"

namespace jit::bench {
namespace {

relay::Settings settings_of(Scene& scene, const std::string& person) {
  const auto login = relay::read_login(scene.authority.issue_approver(person, {scene.set}, std::time(nullptr), 0));
  return {scene.authority.urls, login->jwt, login->sign, scene.ca, relay::approver_client(person)};
}

}  // namespace

Approver::Approver(Scene& scene, std::string person, const evidence::HostKey& key)
    : scene_(scene), person_(std::move(person)), key_(key), transport_(settings_of(scene, person_)) {}

std::vector<Approver::Seen> Approver::take() {
  std::vector<Seen> out;
  for (const relay::Event& event : transport_.take()) {
    switch (event.kind) {
      case relay::Event::Kind::kOpen:
        open_ = transport_.subscribe(relay::requests_of(scene_.set)) && transport_.subscribe(relay::inbox_of(relay::approver_client(person_)) + ".>");
        break;
      case relay::Event::Kind::kMessage:
        if (auto seen = answer(event)) out.push_back(std::move(*seen));
        break;
      case relay::Event::Kind::kAnswer:
        if (event.data.find("\"seq\"") == std::string::npos) trouble_ = "a vote was not taken: " + event.data;
        break;
      case relay::Event::Kind::kMissed: trouble_ = "messages were missed"; break;
      case relay::Event::Kind::kRefused:
      case relay::Event::Kind::kClosed: trouble_ = event.text; break;
    }
  }
  return out;
}

// As jitctl does it: the key is in the signature, the host's id is the key's, and only then the payload means something.
std::optional<Approver::Seen> Approver::answer(const relay::Event& event) {
  const auto about = relay::read_request_subject(event.subject);
  const auto envelope = about ? evidence::parse_envelope(event.data) : std::nullopt;
  if (!envelope || envelope->signatures.size() != 1 || envelope->type != evidence::kRequestType) return std::nullopt;
  const evidence::Signature& signature = envelope->signatures.front();
  const auto raw = evidence::key_of_sshsig(signature.bytes);
  if (!raw) return std::nullopt;
  const evidence::PublicKey host{"ssh", std::string(raw->name) + " " + evidence::base64(raw->blob), false};
  if (evidence::host_id_of(host) != about->host) return std::nullopt;
  if (evidence::verify(host, signature.kind, evidence::kRequestNamespace, evidence::pae(envelope->type, envelope->payload), signature.bytes) !=
      evidence::Flaw::kNone) {
    return std::nullopt;
  }
  const auto request = evidence::read_request(envelope->payload);
  if (!request || request->id != about->request) return std::nullopt;
  Seen seen{request->id, now(), 0};
  evidence::Vote vote;
  vote.digest = evidence::digest_of(envelope->type, envelope->payload);
  vote.request = request->id;
  vote.host_id = request->host_id;
  vote.boot_id = request->boot_id;
  vote.approve = true;
  vote.duration_s = 300;
  vote.person = person_;
  vote.key_id = key_.fingerprint();
  vote.time_ms = request->created_ms;
  const std::string text = evidence::to_json(key_.seal(evidence::kVoteType, evidence::payload_of(vote), evidence::kVoteNamespace));
  seen.voted = now();
  const std::string subject = relay::vote_subject(about->host, request->id, person_);
  if (!transport_.publish(subject, text, evidence::digest_of("vote", text), relay::random_token())) trouble_ = "the connection was lost";
  return seen;
}

}  // namespace jit::bench
