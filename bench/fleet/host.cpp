// SPDX-License-Identifier: Apache-2.0
#include "bench/fleet/host.h"

#include <unistd.h>

#include <chrono>
#include <ctime>

#include "evidence/envelope.h"
#include "evidence/request.h"
#include "evidence/vote.h"
#include "relay/credentials/subjects.h"

namespace jit::bench {
namespace {

constexpr std::int64_t kMinute = 60'000;

std::int64_t wall_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// A plain sudo of somebody, as the broker would sign it.
evidence::Request plain_request(const std::string& host, const std::string& name, const std::string& set) {
  evidence::Request out;
  out.id = relay::random_token();
  out.kind = "elevation";
  out.host_id = host;
  out.host_name = name;
  out.boot_id = std::string(32, 'b');
  out.nonce = relay::random_token() + relay::random_token();
  out.subject.name = out.subject.person = "alice";
  out.subject.uid = 2001;
  out.subject.loginuid = 2001;
  out.subject.origin = "192.0.2.7";
  out.subject.tty = "/dev/pts/0";
  out.door = out.service = "sudo";
  out.target.name = "root";
  out.command.argv = {"systemctl", "restart", "postgresql.service"};
  out.command.path = "/usr/bin/systemctl";
  out.command.known = true;
  out.command.words_at = 1;
  out.cwd = "/home/alice";
  out.reason = "the replica lags behind since the upgrade";
  out.reason_from = "prompt";
  out.urgency = "normal";
  out.offer.rule = "sre-root";
  out.offer.fingerprint = std::string(64, 'f');
  out.offer.seats = {{set, 1}};
  out.offer.votes = "signed";
  out.offer.scope = "command";
  out.offer.give_s = out.offer.max_s = 900;
  out.offer.wait_s = 300;
  out.offer.on_expiry = "end";
  out.policy_hash = std::string(64, 'a');
  out.created_ms = wall_ms();
  out.deadline_ms = out.created_ms + 5 * kMinute;
  out.created_boot_ms = 1'000'000;
  out.deadline_boot_ms = out.created_boot_ms + 5 * kMinute;
  return out;
}

}  // namespace

Ns now() { return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

Host::Host(Scene& scene, int number)
    : scene_(scene), key_(evidence::HostKey::generate()), id_(key_.id()), name_("h" + std::to_string(number) + ".example") {}

void Host::connect() {
  const auto login = relay::read_login(scene_.authority.issue_host(id_, std::time(nullptr), 0));
  transport_ = std::make_unique<relay::Transport>(relay::Settings{scene_.authority.urls, login->jwt, login->sign, scene_.ca, relay::host_client(id_)});
}

std::vector<Host::News> Host::take() {
  std::vector<News> out;
  for (const relay::Event& event : transport_->take()) {
    News news;
    switch (event.kind) {
      case relay::Event::Kind::kOpen:
        news.opened = transport_->subscribe(relay::votes_of(id_)) && transport_->subscribe(relay::inbox_of(relay::host_client(id_)) + ".>");
        news.closed = !news.opened;
        break;
      case relay::Event::Kind::kMessage: {
        const auto envelope = evidence::parse_envelope(event.data);
        if (!envelope || envelope->signatures.size() != 1 || envelope->type != evidence::kVoteType) break;
        const evidence::Signature& signature = envelope->signatures.front();
        if (evidence::verify(scene_.approver, signature.kind, evidence::kVoteNamespace, evidence::pae(envelope->type, envelope->payload), signature.bytes) !=
            evidence::Flaw::kNone) {
          break;
        }
        const auto vote = evidence::read_vote(envelope->payload);
        const auto waits = vote ? digests_.find(vote->request) : digests_.end();
        if (waits == digests_.end() || waits->second != vote->digest || !vote->approve) break;
        digests_.erase(waits);
        news.vote = vote->request;
        break;
      }
      case relay::Event::Kind::kAnswer: {
        const auto sent = sent_.find(event.token);
        if (sent == sent_.end()) break;
        (event.data.find("\"seq\"") != std::string::npos ? news.confirmed : news.refused) = sent->second;
        sent_.erase(sent);
        break;
      }
      case relay::Event::Kind::kMissed: news.refused = "messages were missed"; break;
      case relay::Event::Kind::kRefused: news.refused = event.text; break;
      case relay::Event::Kind::kClosed:
        news.closed = true;
        news.refused = event.text;
        break;
    }
    out.push_back(std::move(news));
  }
  return out;
}

std::string Host::ask() {
  const evidence::Request request = plain_request(id_, name_, scene_.set);
  const std::string payload = evidence::payload_of(request);
  const std::string digest = evidence::digest_of(evidence::kRequestType, payload);
  const std::string envelope = evidence::to_json(key_.seal(evidence::kRequestType, payload, evidence::kRequestNamespace));
  const std::string token = relay::random_token();
  digests_[request.id] = digest;
  sent_[token] = request.id;
  return transport_->publish(relay::request_subject(scene_.set, id_, request.id), envelope, digest, token) ? request.id : std::string();
}

}  // namespace jit::bench
