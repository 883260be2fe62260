// SPDX-License-Identifier: Apache-2.0
#include "broker/store/log_keeper.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "evidence/checkpoint.h"

namespace jit::store {

LogKeeper::LogKeeper(std::string head_path, std::string boot, const core::Clock& clock, Told told)
    : file_(std::move(head_path)), boot_(std::move(boot)), clock_(clock), told_(std::move(told)) {}

void LogKeeper::use_key(std::shared_ptr<const evidence::HostKey> key) {
  const std::lock_guard lock(mutex_);
  key_ = std::move(key);
}

void LogKeeper::use_policy(std::string hash, std::int64_t people_version) {
  const std::lock_guard lock(mutex_);
  policy_hash_ = std::move(hash);
  people_version_ = people_version;
}

Log LogKeeper::log() {
  Log out;
  out.sign = [this](std::uint64_t size, const evidence::Hash& root, std::int64_t epoch) { return sign(size, root, epoch); };
  out.publish = [this](const core::Head& head, std::int64_t epoch) { publish(head, epoch); };
  return out;
}

std::string LogKeeper::sign(std::uint64_t size, const evidence::Hash& root, std::int64_t epoch) {
  evidence::Checkpoint checkpoint;
  std::shared_ptr<const evidence::HostKey> key;
  {
    const std::lock_guard lock(mutex_);
    key = key_;
    checkpoint.policy_hash = policy_hash_;
    checkpoint.people_version = people_version_;
  }
  if (!key) return {};
  checkpoint.size = size;
  checkpoint.root = root;
  checkpoint.host_id = key->id();
  checkpoint.boot_id = boot_;
  checkpoint.epoch = epoch;
  checkpoint.boottime_ms = clock_.boottime();
  checkpoint.wall_ms = clock_.wall();
  return evidence::to_json(key->seal(evidence::kCheckpointType, evidence::payload_of(checkpoint), evidence::kCheckpointNamespace));
}

void LogKeeper::publish(const core::Head& head, std::int64_t epoch) {
  auto envelope = evidence::parse_envelope(head.envelope);
  const bool written = envelope && file_.write({boot_, epoch, std::move(*envelope)});
  told_(head, written ? std::string() : file_.path() + ": " + std::strerror(errno));
}

// The same words under the same key are the same signature.
bool LogKeeper::ours(const evidence::Envelope& envelope) const {
  return envelope.type == evidence::kCheckpointType && key_ && key_->seal(envelope.type, envelope.payload, evidence::kCheckpointNamespace) == envelope;
}

std::pair<std::string, std::string> LogKeeper::compare(Database& database, Judged& out) {
  // First of all: whatever else is wrong, what was known of people is not forgotten.
  const auto kept = file_.read();
  const auto checkpoint = kept && ours(kept->checkpoint) ? evidence::read_checkpoint(kept->checkpoint.payload) : std::nullopt;
  if (checkpoint && checkpoint->boot_id == boot_) out.people_version = checkpoint->people_version;
  const std::string problem = file_.problem();
  const core::Head last = database.head();
  std::optional<evidence::Checkpoint> newest;
  if (!last.envelope.empty()) {
    const auto envelope = evidence::parse_envelope(last.envelope);
    if (!envelope) return {"damaged", "the last signed head in the database is damaged"};
    if (!ours(*envelope)) return {"key", "the log in the database was signed with another host key"};
    newest = evidence::read_checkpoint(envelope->payload);
    if (!newest || newest->size != last.size || evidence::to_hex(newest->root) != last.root) return {"damaged", "the last signed head in the database does not fit its log"};
  }
  if (newest && newest->boot_id == boot_) out.people_version = std::max(out.people_version, newest->people_version);
  if (!kept) {
    if (!problem.empty()) return {"damaged", problem};
    const bool expected = newest && newest->boot_id == boot_;
    return expected ? std::pair<std::string, std::string>{"missing", file_.path() + " is missing"} : std::pair<std::string, std::string>();
  }
  out.epoch = std::max(out.epoch, kept->epoch);
  if (!ours(kept->checkpoint)) return {"key", file_.path() + " was signed with another host key"};
  if (!checkpoint || checkpoint->epoch != kept->epoch || checkpoint->boot_id != kept->boot) return {"damaged", file_.path() + ": it is damaged"};
  const std::uint64_t size = database.last_sequence();
  if (size < checkpoint->size) {
    return {"behind", "the log in the database ends at entry " + std::to_string(size) + ", and " + std::to_string(checkpoint->size) + " were signed"};
  }
  // Of what is in the archive only the end is known here, and no head is kept for so long.
  if (database.root_at(checkpoint->size) != checkpoint->root) return {"other", "the log in the database is another one than what was signed"};
  if (database.epoch() < checkpoint->epoch) return {"epoch", "the database is from before an earlier loss"};
  return {};
}

LogKeeper::Judged LogKeeper::judge(Database& database) {
  Judged out;
  out.epoch = database.epoch();
  if (out.epoch == 0) return out;
  Judged seen = out;
  std::tie(out.cause, out.text) = compare(database, seen);
  out.people_version = seen.people_version;
  {
    const std::lock_guard lock(mutex_);
    people_version_ = std::max(people_version_, out.people_version);  // until somebody says what is in force
  }
  if (!out.cause.empty()) out.epoch = seen.epoch + 1;
  if (out.cause.empty() && !file_.read() && file_.problem().empty()) begin(database, out.epoch);
  return out;
}

// The first time in a boot: what is there is remembered before anything is written, so that a head that is missing later was taken
// away, and not one that a broker had no time to write.
void LogKeeper::begin(Database& database, std::int64_t epoch) {
  const core::Head last = database.head();
  std::string text = last.envelope;
  if (text.empty()) {
    const std::uint64_t size = database.last_sequence();
    const auto root = database.root_at(size);
    if (root) text = sign(size, *root, epoch);
  }
  auto envelope = evidence::parse_envelope(text);
  const auto checkpoint = envelope ? evidence::read_checkpoint(envelope->payload) : std::nullopt;
  if (!checkpoint) return;
  if (!file_.write({checkpoint->boot_id, checkpoint->epoch, std::move(*envelope)})) told_(last, file_.path() + ": " + std::strerror(errno));
}

}  // namespace jit::store
