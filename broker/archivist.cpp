// SPDX-License-Identifier: Apache-2.0
#include "broker/archivist.h"

#include "broker/core/events.h"

namespace jit::broker {
namespace {

constexpr core::BootMs kLookMs = 3'600'000;
constexpr core::BootMs kNextMs = 1'000;     // between two parts: whoever asks meanwhile does not wait for all of them
constexpr core::WallMs kClockMs = 60'000;   // a clock may be set back so far
constexpr core::BootMs kAgainMs = 60'000;  // where the database cannot be asked now

}  // namespace

void Archivist::retain(std::uint32_t seconds) {
  retain_s_ = seconds;
  next_ = clock_.boottime();
}

void Archivist::turn() {
  store::Database* const database = database_();
  if (busy_ || clock_.boottime() < next_) return;
  if (retain_s_ != 0 && database != nullptr && !database->failing()) return begin(*database);
  next_ = clock_.boottime() + kAgainMs;
}

std::vector<std::string> Archivist::notes() const {
  std::vector<std::string> notes;
  if (!problem_.empty()) notes.push_back("old entries of the log stay in the database: " + problem_);
  store::Database* const database = database_();
  if (database == nullptr) return notes;
  if (database->keeps_erased()) {
    notes.push_back("what was erased is still in /var/lib/jit/jit.db or jit.db-wal, since another program has the database open; it goes once that is closed: fuser -v /var/lib/jit/jit.db");
  }
  for (const std::string& folder : database->other_archives()) {
    notes.push_back(folder + " in the archive holds parts of another log, or of this one before a copy was put back; audit erase does not reach "
                             "them: verify them with jit-verify, and move them to where such evidence is kept");
  }
  return notes;
}

// Then either that clock was wrong or this one is.
std::string Archivist::late_entry(store::Database& database) const {
  store::AuditFilter oldest;
  oldest.limit = 1;
  const auto found = database.entries(oldest);
  if (found.empty() || found[0].wall <= clock_.wall() + kClockMs) return {};
  return "entry " + std::to_string(found[0].sequence) + " says that it was written later than now; type: timedatectl";
}

void Archivist::begin(store::Database& database) {
  next_ = clock_.boottime() + kLookMs;
  const auto host = host_();
  const auto part = host ? database.ready_for_archive(clock_.wall() - core::WallMs{retain_s_} * 1000, clock_.wall()) : std::nullopt;
  if (!part) {
    if (host) problem_ = late_entry(database);
    return;
  }
  maker_ = std::make_unique<store::PartMaker>(database, *host, seal_, *part);
  of_ = &database;
  busy_ = true;
  post_([this] { go_on(); });
}

void Archivist::go_on() {
  store::Database* const database = database_();
  if (database == nullptr || database != of_) return end(false, {});
  switch (maker_->step()) {
    case store::PartMaker::Step::kMore: return post_([this] { go_on(); });
    case store::PartMaker::Step::kMade: return hand_over(*database);
    case store::PartMaker::Step::kFailed: return end(false, database->last_error());
  }
}

void Archivist::hand_over(store::Database& database) {
  const store::ArchivePart part = maker_->part();
  core::AuditEntry entry = core::events::archived(part.first, part.last);
  entry.boot_id = boot_;
  entry.boottime = clock_.boottime();
  entry.wall = clock_.wall();
  core::Batch batch;
  batch.entries.push_back(entry);
  database.archive(part, maker_->take(), entry.wall - core::WallMs{retain_s_} * 1000, std::move(batch), [this, entry](bool written) {
    if (written) logged_(entry);
    store::Database* const now = database_();
    end(written, now != nullptr ? now->last_error() : std::string());
  });
}

void Archivist::end(bool good, const std::string& why) {
  maker_.reset();
  of_ = nullptr;
  busy_ = false;
  problem_ = good ? std::string() : why;
  if (good) next_ = clock_.boottime() + kNextMs;  // there may be more
}

}  // namespace jit::broker
