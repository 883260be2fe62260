// SPDX-License-Identifier: Apache-2.0
#include "log_maker.h"

#include <algorithm>
#include <memory>

#include "evidence/signature.h"
#include "evidence/text.h"
#include "evidence/vote_code.h"

namespace jit::test {

namespace {

constexpr const char* kBoot = "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0";
constexpr std::int64_t kBegin = 1'800'000'000'000;

std::uint8_t seed_of(const std::string& person) { return static_cast<std::uint8_t>(100 + person.front()); }

}  // namespace

HostKey key_of(std::uint8_t seed) { return std::move(*HostKey::from_secret(evidence::Bytes(evidence::kSecretBytes, seed))); }

std::string id_of(std::string_view word) { return evidence::sha256_hex(word).substr(0, 32); }

LogMaker::LogMaker(std::uint8_t host_seed) : key_(key_of(host_seed)) { lines.emplace_back(evidence::LogLine{host(), 1, {}}); }

evidence::ExportHost LogMaker::host() const { return {key_.id(), key_.public_key().text, "web1"}; }

std::uint64_t LogMaker::add(const std::string& type, const std::string& request, const std::string& grant, Json fields) {
  evidence::Entry entry;
  entry.sequence = size() + 1;
  entry.boottime_ms = static_cast<std::int64_t>(size()) * 1000;
  entry.wall_ms = kBegin + entry.boottime_ms;
  entry.boot_id = kBoot;
  entry.type = type;
  entry.request = request;
  entry.grant = grant;
  entry.fields = std::move(fields);
  auto leaf = evidence::leaf_of(entry, [this] {
    std::array<std::uint8_t, 16> out{};
    out[15] = ++salt_;
    out[0] = static_cast<std::uint8_t>(size());
    return out;
  });
  const evidence::Hash hash = evidence::leaf_hash(leaf.text);
  tree_.add(hash);
  leaves_.push_back(hash);
  lines.emplace_back(evidence::EntryLine{hash, std::move(leaf.text), std::move(leaf.personal), std::nullopt});
  return size();
}

void LogMaker::document(const Envelope& envelope) { lines.emplace_back(evidence::EvidenceLine{envelope, {}}); }
void LogMaker::code(const std::string& text) { lines.emplace_back(evidence::EvidenceLine{std::nullopt, text}); }
void LogMaker::checkpoint() { checkpoint(key_, size(), root(), 1); }

void LogMaker::checkpoint(const HostKey& key, std::uint64_t size, const evidence::Hash& root, std::int64_t epoch) {
  evidence::Checkpoint head;
  head.size = size;
  head.root = root;
  head.host_id = key.id();
  head.boot_id = kBoot;
  head.epoch = epoch;
  head.wall_ms = kBegin + static_cast<std::int64_t>(size) * 1000;
  head.policy_hash = evidence::sha256_hex("policy");
  head.people_version = 3;
  lines.emplace_back(evidence::CheckpointLine{key.seal(evidence::kCheckpointType, payload_of(head), evidence::kCheckpointNamespace)});
}

void LogMaker::end() { lines.emplace_back(evidence::EndLine{size()}); }

LogMaker::Ask LogMaker::ask(const std::string& word, const std::string& person, std::uint32_t needed, const std::string& extends, bool self) {
  evidence::Request request;
  request.id = id_of(word);
  request.kind = extends.empty() ? "elevation" : "extension";
  request.host_id = key_.id();
  request.host_name = "web1";
  request.boot_id = kBoot;
  request.nonce = evidence::sha256_hex("nonce of " + word);
  request.subject.name = person;
  request.subject.uid = 1000;
  request.subject.person = person;
  request.subject.origin = "local";
  request.door = "sudo";
  request.service = "sudo";
  request.target = {"root", 0, false};
  request.command.argv = {"cat", "/etc/shadow"};
  request.reason_from = "";
  request.urgency = "normal";
  request.extends = extends;
  request.offer.rule = "root";
  request.offer.self = self;
  request.offer.votes = votes;
  request.offer.scope = "session";
  request.offer.on_expiry = "terminate";
  request.offer.give_s = 600;
  request.offer.max_s = 3600;
  request.offer.claim_s = 60;
  if (needed > 0) request.offer.seats = {{"set:sre", needed}};
  request.policy_hash = evidence::sha256_hex("policy");
  request.created_ms = kBegin;
  request.deadline_ms = kBegin + 60'000;
  Json fields{{"state", "pending"}, {"kind", request.kind}, {"door", "sudo"}, {"rule", "root"}, {"scope", "session"}, {"needed", needed},
              {"give_s", 600}, {"max_s", 3600}, {"policy", request.policy_hash}, {"person", person}, {"user", person}, {"uid", 1000},
              {"target", {{"name", "root"}, {"uid", 0}}}, {"argv", {"cat", "/etc/shadow"}}, {"seats", Json::array()}};
  if (needed > 0) fields["seats"].push_back({{"set", "set:sre"}, {"count", needed}});
  if (!extends.empty()) fields["extends"] = extends;
  if (twist_request) twist_request(request, fields);
  const std::string payload = payload_of(request);
  Ask out{request.id, evidence::digest_of(evidence::kRequestType, payload), needed, {}, person};
  fields["digest"] = out.digest;
  add("request.created", out.id, "", std::move(fields));
  document(key_.seal(evidence::kRequestType, payload, evidence::kRequestNamespace));
  return out;
}

void LogMaker::narrow(Json& fields, const Json& logged) const {
  if (narrowed) fields.update({{"duration_s", 300}, {"scope", "command"}});
  if (logged.is_object()) fields.update(logged);
  for (auto at = fields.begin(); at != fields.end();) at = at->is_null() ? fields.erase(at) : std::next(at);
}

Hand LogMaker::hand_of(const std::string& voter) const {
  if (const auto found = hands.find(voter); found != hands.end()) return found->second;
  const auto key = std::make_shared<HostKey>(key_of(seed_of(voter)));
  return {key->public_key(), [key](std::string_view purpose, std::string_view message) { return key->sign(purpose, message); }};
}

void LogMaker::vote(Ask& ask, const std::string& voter, bool approve, bool is_signed, const Json& logged) {
  Json fields{{"voter", voter}, {"kind", "local"}, {"approve", approve}, {"reason", "it's \"fine\""}, {"digest", ask.digest}, {"person", ask.person}, {"uid", 1000}};
  if (!is_signed) {
    fields["voter_uid"] = 1001;
    add("vote.cast", ask.id, "", std::move(fields));
    return;
  }
  const Hand hand = hand_of(voter);
  evidence::Vote vote;
  vote.digest = ask.digest;
  vote.request = ask.id;
  vote.host_id = key_.id();
  vote.boot_id = kBoot;
  vote.approve = approve;
  vote.reason = "it's \"fine\"";
  vote.person = voter;
  vote.key_id = evidence::fingerprint(hand.key);
  vote.time_ms = kBegin;
  if (narrowed) vote.duration_s = 300, vote.scope = "command";
  Envelope envelope{std::string(evidence::kVoteType), payload_of(vote), {}};
  const std::string kind = hand.key.kind == "ssh" ? "sshsig" : "webauthn";
  envelope.signatures.push_back({vote.key_id, kind, hand.sign(evidence::kVoteNamespace, evidence::pae(envelope.type, envelope.payload))});
  const std::string digest = evidence::digest_of(envelope.type, envelope.payload);
  fields["kind"] = kind;
  fields["key"] = vote.key_id;
  fields["vote"] = digest;
  if (approve) ask.signed_votes.push_back(digest);
  narrow(fields, logged);
  add("vote.cast", ask.id, "", std::move(fields));
  document(envelope);
}

void LogMaker::vote_by_code(Ask& ask, const std::string& voter, const Json& logged) {
  const Hand hand = hand_of(voter);
  evidence::VoteCode vote;
  vote.digest = ask.digest;
  vote.approve = true;
  vote.key = *evidence::key_prefix(hand.key);
  vote.reason = "by hand";
  if (narrowed) vote.duration_s = 300, vote.scope = 0;
  const auto body = *evidence::body_of(vote);
  const std::string text = *evidence::to_text(vote, hand.sign(evidence::kVoteCodeNamespace, evidence::text_of(body)));
  const std::string digest = evidence::sha256_hex(evidence::text_of(body));
  ask.signed_votes.push_back(digest);
  Json fields{{"voter", voter}, {"kind", "code"}, {"approve", true}, {"reason", "by hand"}, {"digest", ask.digest},
              {"person", "alice"}, {"uid", 1000}, {"key", evidence::fingerprint(hand.key)}, {"vote", digest}};
  narrow(fields, logged);
  add("vote.cast", ask.id, "", std::move(fields));
  code(text);
}

void LogMaker::approved(const Ask& ask, const std::string& grant) { add("request.approved", ask.id, grant, {{"state", "approved"}, {"digest", ask.digest}, {"by", "bob"}}); }

void LogMaker::end_of(const Ask& ask, const std::string& type) { add(type, ask.id, "", {{"state", "denied"}, {"digest", ask.digest}}); }

std::string LogMaker::grant(const Ask& ask, const std::string& word, const std::string& person) {
  evidence::Grant grant;
  grant.id = id_of(word);
  grant.request = ask.id;
  grant.request_digest = ask.digest;
  grant.host_id = key_.id();
  grant.boot_id = kBoot;
  grant.rule = "root";
  grant.policy_hash = evidence::sha256_hex("policy");
  grant.door = "sudo";
  grant.scope = "session";
  grant.subject = person;
  grant.person = person;
  grant.subject_uid = 1000;
  grant.target = "root";
  grant.lifetime_s = 600;
  grant.max_s = 3600;
  grant.created_ms = kBegin;
  grant.claim_until_ms = kBegin + 60'000;
  grant.votes = ask.signed_votes;
  std::ranges::sort(grant.votes);
  if (narrowed) grant.lifetime_s = 300, grant.scope = "command";
  Json fields{{"door", "sudo"}, {"rule", "root"}, {"scope", grant.scope}, {"policy", grant.policy_hash}, {"state", "approved"}, {"lifetime_s", grant.lifetime_s},
              {"argv", {"cat", "/etc/shadow"}}, {"request_digest", ask.digest}, {"person", person}, {"uid", 1000}, {"target", {{"name", "root"}, {"uid", 0}}}};
  if (twist_grant) twist_grant(grant, fields);
  const std::string payload = payload_of(grant);
  fields["grant_digest"] = evidence::digest_of(evidence::kGrantType, payload);
  add("grant.created", ask.id, grant.id, std::move(fields));
  document(key_.seal(evidence::kGrantType, payload, evidence::kGrantNamespace));
  return grant.id;
}

void LogMaker::use(const std::string& grant, const Ask& ask, const std::string& type, std::int64_t more_s) {
  add(type, ask.id, grant, {{"door", "sudo"}, {"rule", "root"}, {"state", "active"}, {"uses", 1}, {"person", "alice"}, {"uid", 1000},
                            {"expires_ms", kBegin + (600 + more_s) * 1000}});
}

std::string LogMaker::text() const {
  std::string out;
  for (const auto& line : lines) out += to_line(line) + "\n";
  return out;
}

std::string LogMaker::text_from(std::uint64_t first) const {
  evidence::Frontier before;
  for (std::uint64_t i = 0; i + 1 < first; ++i) before.add(leaves_[static_cast<std::size_t>(i)]);
  std::string out = to_line(evidence::LogLine{host(), first, before.subtrees()}) + "\n";
  std::uint64_t sequence = 0;
  for (const auto& line : lines) {
    if (std::holds_alternative<evidence::EntryLine>(line)) ++sequence;
    if (sequence >= first) out += to_line(line) + "\n";
  }
  return out;
}

std::string LogMaker::proof(const std::string& id) const {
  Envelope head;
  std::uint64_t counted = 0;
  std::uint64_t sequence = 0;
  for (const auto& line : lines) {
    if (std::holds_alternative<evidence::EntryLine>(line)) ++sequence;
    if (const auto* checkpoint = std::get_if<evidence::CheckpointLine>(&line)) {
      head = checkpoint->envelope;
      counted = sequence;
    }
  }
  std::string out = to_line(evidence::ProofLine{host(), head, id}) + "\n";
  sequence = 0;
  std::uint64_t taken = 0;
  bool mine = false;
  for (const auto& line : lines) {
    if (const auto* entry = std::get_if<evidence::EntryLine>(&line)) {
      const auto read = evidence::read_leaf(entry->leaf, entry->personal);
      mine = ++sequence <= counted && read && (read->entry.request == id || read->entry.grant == id);
      if (!mine) continue;
      auto proven = *entry;
      proven.path = *evidence::inclusion_proof(sequence - 1, counted, [this](std::uint64_t i) { return std::optional(leaves_[static_cast<std::size_t>(i)]); });
      out += to_line(proven) + "\n";
      ++taken;
    } else if (mine && std::holds_alternative<evidence::EvidenceLine>(line)) {
      out += to_line(line) + "\n";
    }
  }
  return out + to_line(evidence::EndLine{taken}) + "\n";
}

std::string allowed_signers() {
  std::string out = "# who signs with which key\n";
  for (const char* person : {"alice", "bob", "carol", "dave"}) out += std::string(person) + " " + key_of(seed_of(person)).public_key().text + "\n";
  return out;
}

}  // namespace jit::test
