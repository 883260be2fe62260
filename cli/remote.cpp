// SPDX-License-Identifier: Apache-2.0
#include "cli/remote.h"

#include <algorithm>
#include <ctime>

#include "cli/documents.h"
#include "cli/replace_file.h"
#include "evidence/host_key.h"
#include "evidence/text.h"
#include "evidence/wire.h"
#include "relay/credentials/jwt.h"

namespace jit::cli {

namespace {

constexpr std::size_t kRequestsMost = 10'000;
constexpr std::size_t kBytesMost = 64 * 1024 * 1024;  // of their envelopes
constexpr std::chrono::minutes kReadingMost{5};
constexpr std::size_t kStrangersMost = 100;
constexpr std::size_t kUnsignedMost = 1000;  // subjects, of what no host signed

}  // namespace

std::optional<evidence::PublicKey> key_in(const evidence::Envelope& envelope) {
  evidence::WireReader reader(envelope.signatures.front().bytes);
  if (evidence::text_of(reader.raw(6)) != "SSHSIG" || reader.number() != 1) return std::nullopt;
  const auto blob = reader.string();
  if (!reader.ok()) return std::nullopt;
  const evidence::PublicKey key{"ssh", "ssh-ed25519 " + evidence::base64(blob), false};
  if (evidence::flaw_of(key) != evidence::Flaw::kNone) return std::nullopt;
  return key;
}

Result<std::unique_ptr<Remote>> Remote::connect(Approver approver) {
  if (!approver.relay) return Failure{Exit::kUsage, approver_file() + " names no relay: it needs [relay] with servers and credentials"};
  std::string why;
  const auto text = relay::read_small_file(approver.relay->credentials, why);
  if (!text) return Failure{Exit::kUsage, why};
  const auto claims = relay::read_credentials(*text);
  const auto login = relay::read_login(*text);
  if (!login || !claims || claims->name.empty()) return Failure{Exit::kUsage, approver.relay->credentials + " holds no credentials: jitctl relay issue-approver makes some"};
  if (!approver.person.empty() && approver.person != claims->name) {
    return Failure{Exit::kUsage, approver.relay->credentials + " was issued to " + evidence::escape_to(claims->name, 64) + ", and " + approver_file() + " says that you are somebody else"};
  }
  const relay::Settings settings{approver.relay->servers, login->jwt, login->sign, approver.relay->ca, relay::approver_client(claims->name)};
  std::unique_ptr<Remote> remote(new Remote(std::move(approver), claims->name, claims->sets));
  auto client = RelayClient::connect(settings);
  if (!client) {
    Failure failure = client.failure();
    const std::string remark = relay::remark_on(*claims, failure.message, std::time(nullptr), remote->approver_.relay->credentials);
    return remark.empty() ? failure : Failure{Exit::kNotAllowed, failure.message + remark};
  }
  remote->client_ = std::move(*client);
  if (std::string told = relay::told_to_others(remote->approver_.relay->credentials, false); !told.empty()) remote->notes_.push_back(std::move(told));
  if (std::string told = remote->renew(); !told.empty()) remote->notes_.push_back(std::move(told));
  return remote;
}

// Without it the credentials end when they were made to.
std::string Remote::renew() {
  const std::string& path = approver_.relay->credentials;
  std::string why;
  const auto credentials = relay::read_small_file(path, why);
  const auto claims = credentials ? relay::read_credentials(*credentials) : std::nullopt;
  const auto login = credentials ? relay::read_login(*credentials) : std::nullopt;
  if (!claims || !login) return {};
  if (const std::int64_t from = relay::renew_from(*claims); from == 0 || std::time(nullptr) < from) return {};
  const auto answer = client_->read(relay::last_of(relay::kRenewStream, relay::renewal_subject(claims->user)), "");
  if (!answer || answer->status != 0 || !relay::renews(login->jwt, answer->data)) return {};
  const FileLock lock(path);
  if (relay::read_small_file(path, why) != credentials) return {};  // somebody laid others there meanwhile
  const std::string wrong = lock.replace(relay::with_jwt(*credentials, answer->data));
  return wrong.empty() ? std::string() : "your credentials for the relay end soon, and the new ones cannot be kept: " + path + ": " + wrong;
}

Result<Nothing> Remote::subscribe() {
  for (const std::string& set : sets_) {
    if (const auto done = client_->subscribe(relay::requests_of(set)); !done) return done.failure();
  }
  return client_->subscribe(std::string(relay::kEnds));
}

// Anybody who may publish could fill the screen with it: it is counted, and not shown.
std::string Remote::take_unsigned(const std::string& subject) {
  if (unsigned_.size() < kUnsignedMost) unsigned_.insert(subject);
  return {};
}

// Verified first, parsed second.
std::string Remote::take_request(const std::string& subject, const std::string& envelope) {
  if (!subject.starts_with("jit.v1.req.")) return {};
  const auto about = relay::read_request_subject(subject);
  const auto parsed = about ? evidence::parse_envelope(envelope) : std::nullopt;
  const auto key = parsed && parsed->signatures.size() == 1 ? key_in(*parsed) : std::nullopt;
  if (!key || evidence::host_id_of(*key) != about->host) return take_unsigned(subject);
  auto request = verified(envelope, *key);
  if (!request || request->request.id != about->request) return take_unsigned(subject);
  const std::string fingerprint = evidence::fingerprint(*key);
  if (approver_.host(fingerprint) == nullptr) {
    if (strangers_.size() < kStrangersMost) {
      strangers_[fingerprint] = request->request.host_name;
      keys_.insert_or_assign(fingerprint, *key);
    }
    return {};
  }
  std::string id = request->request.id;
  const auto known = requests_.find(id);
  if (known != requests_.end() && known->second.request.digest == request->digest) return {};  // told again
  if (known != requests_.end() && known->second.request.request.host_id != about->host) return {};  // no host takes the place of another's
  const std::size_t others = bytes_ - (known == requests_.end() ? 0 : known->second.size);
  if ((known == requests_.end() && requests_.size() >= kRequestsMost) || others + envelope.size() > kBytesMost) {
    full_ = true;
    return {};
  }
  bytes_ = others + envelope.size();
  Json document = document_of(*request);
  requests_.insert_or_assign(id, RemoteRequest{std::move(*request), *key, std::move(document), envelope.size()});
  return id;
}

std::string Remote::take_end(const std::string& subject, const std::string& envelope) {
  const auto about = relay::read_end_subject(subject);
  const auto known = about ? requests_.find(about->request) : requests_.end();
  if (known == requests_.end() || known->second.request.request.host_id != about->host) return {};
  const auto parsed = evidence::parse_envelope(envelope);
  if (!parsed || parsed->signatures.size() != 1 || parsed->type != evidence::kOutcomeType) return {};
  const evidence::Signature& signature = parsed->signatures.front();
  const auto flaw = evidence::verify(known->second.host, signature.kind, evidence::kOutcomeNamespace, evidence::pae(parsed->type, parsed->payload), signature.bytes);
  const auto outcome = flaw == evidence::Flaw::kNone ? evidence::read_outcome(parsed->payload) : std::nullopt;
  if (!outcome || outcome->digest != known->second.request.digest || outcome->host_id != about->host) return {};
  Json& document = known->second.document;
  if (!is_open(document)) return {};
  document["state"] = outcome->state;
  document["ended"] = {{"by", evidence::escape(outcome->by)}, {"why", evidence::escape(outcome->why)}};
  return about->request;
}

Result<Nothing> Remote::read_all() {
  read_.clear();
  return read_more();
}

Result<Nothing> Remote::read_more() {
  // One set whose stream nobody keeps hides none of the others.
  std::optional<Failure> failed;
  std::size_t failures = 0;
  unread_.clear();
  const auto end = std::chrono::steady_clock::now() + kReadingMost;
  for (const std::string& set : sets_) {
    const auto whole = client_->read_each(relay::request_stream(set), relay::requests_of(set), read_[set] + 1, kRequestsMost, end, [&](const relay::Event& kept) {
      read_[set] = kept.sequence;
      take_request(kept.kept_subject, kept.data);
    });
    if (!whole) {
      failed = whole.failure();
      ++failures;
    } else if (!*whole) {
      unread_ = "the relay keeps more for " + evidence::escape_to(set, 64) + " than is read at once; its admin can see who fills it";
    }
  }
  if (failed && failures == sets_.size()) return *failed;
  if (failed) unread_ = failed->message;
  if (std::exchange(full_, false)) unread_ = "more requests wait than are kept here; ask their hosts: jitctl -H HOST requests";
  for (const auto& [id, request] : requests_) {
    if (!is_open(request.document)) continue;
    if (std::chrono::steady_clock::now() >= end) {
      unread_ = "the relay is too slow to say how each request ended";
      break;
    }
    const std::string subject = relay::end_subject(request.request.request.host_id, id);
    const auto answer = client_->read(relay::last_of(relay::kEndStream, subject), "");
    if (!answer) return answer.failure();
    if (answer->status == 0) take_end(subject, answer->data);
  }
  return Nothing{};
}

Result<Remote::News> Remote::next(std::chrono::milliseconds timeout, int stop) {
  const auto next = client_->next(timeout, stop);
  if (!next) return next.failure();
  News news{next->woken, {}};
  if (next->woken != RelayClient::Woken::kMessage) return news;
  news.id = take_request(next->message.subject, next->message.data);
  if (news.id.empty()) news.id = take_end(next->message.subject, next->message.data);
  if (std::exchange(full_, false)) news.woken = RelayClient::Woken::kMissed;  // what is over is forgotten where all is read again
  return news;
}

Result<Nothing> Remote::send(const RemoteRequest& request, const std::string& vote) {
  if (vote.size() > relay::kVoteMax) return Failure{Exit::kUsage, "the vote is too long"};
  const std::string subject = relay::vote_subject(request.request.request.host_id, request.request.request.id, person_);
  return client_->keep(subject, vote, evidence::digest_of("vote", vote));
}

std::string Remote::unsigned_told() const {
  if (unsigned_.empty()) return {};
  const std::string count = std::to_string(unsigned_.size()) + (unsigned_.size() < kUnsignedMost ? "" : " or more");
  return "not shown: requests that no host signed, " + count + "; one was sent to " + evidence::escape_to(*unsigned_.begin(), 160) +
         ": tell the relay's admin, who can see whose credentials may send there";
}

Result<const RemoteRequest*> Remote::find(const std::string& prefix) const {
  const RemoteRequest* found = nullptr;
  for (auto it = requests_.lower_bound(prefix); it != requests_.end() && it->first.starts_with(prefix); ++it) {
    if (found != nullptr) return Failure{Exit::kUsage, "more than one id begins with " + prefix + ": give more of it"};
    found = &it->second;
  }
  if (found == nullptr && !unread_.empty()) return Failure{Exit::kUnreachable, prefix + " is not among the requests that could be read; it may be among the others: try again"};
  const auto forged = [&](const std::string& subject) { return subject.substr(subject.rfind('.') + 1).starts_with(prefix); };
  if (found == nullptr && std::ranges::any_of(unsigned_, forged)) return Failure{Exit::kNotAllowed, "no host signed what came as " + prefix + ": it is not shown, and an answer to it opens nothing"};
  if (found == nullptr) return Failure{Exit::kNotAllowed, "there is no such request on the relay, or it is not for you: jitctl requests lists them"};
  return found;
}

Result<Nothing> Remote::trust(const std::string& fingerprint) {
  if (approver_.host(fingerprint) != nullptr) return Nothing{};  // said again
  const auto key = keys_.find(fingerprint);
  if (key == keys_.end()) return Failure{Exit::kUsage, "no host with that key asks you anything"};
  const std::string name = strangers_[fingerprint];
  if (const auto kept = trust_host(name, key->second); !kept) return kept.failure();
  approver_.hosts.push_back({name, key->second});
  keys_.erase(key);
  strangers_.erase(fingerprint);
  return read_all();
}

}  // namespace jit::cli
