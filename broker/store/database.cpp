// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "broker/store/archive.h"
#include "broker/store/lines.h"
#include "broker/store/log_writer.h"
#include "broker/store/reader.h"
#include "broker/store/store.h"
#include "broker/store/writer.h"

namespace jit::store {

std::string_view name_of(OpenError error) {
  switch (error) {
    case OpenError::kNone:
      return "none";
    case OpenError::kNewer:
      return "newer";
    case OpenError::kDamaged:
      return "damaged";
    case OpenError::kFull:
      return "full";
    case OpenError::kIo:
      return "io";
  }
  return "io";
}

// The writer goes first at the end: it writes what waits, and tells.
struct Database::Impl {
  Impl(const Place& place, Db db, core::Post post, Log log, std::chrono::milliseconds patience, Writer::Found found)
      : reader_place(place),
        writer_place(place),
        reader(reader_place),
        archive(place.archive()),
        writer(std::move(db), writer_place, std::move(post), std::move(log), patience, std::move(found)) {}
  Place reader_place;
  Place writer_place;
  Reader reader;
  Archive archive;
  Writer writer;
};

Database::Database(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Database::~Database() = default;

Database::Opened Database::open(const std::string& path, core::Post post, Log log, std::chrono::milliseconds patience) {
  Place place(path);
  Connected opened = open_checked(place);
  if (!opened.db) return {nullptr, opened.error, std::move(opened.message)};
  int code = SQLITE_OK;
  Writer::Found found;
  if (const auto written = LogWriter::prepare(opened.db.get(), code)) found = {written->tree(), written->head()};
  if (code != SQLITE_OK) {
    const OpenError error = kind_of(opened.db.get(), code);
    return {nullptr, error, path + ": " + (code == SQLITE_CORRUPT ? "the log in it makes no sense. Put back a copy" : sqlite3_errmsg(opened.db.get()))};
  }
  // Where that cannot be done now, the next part is not written either, and says why.
  LogFiles files;
  if (read_files(opened.db.get(), files) == SQLITE_OK) Archive(place.archive()).settle(files);
  auto impl = std::make_unique<Impl>(place, std::move(opened.db), std::move(post), std::move(log), patience, std::move(found));
  if (!impl->reader.open()) return {nullptr, OpenError::kIo, impl->reader.error()};
  return {std::unique_ptr<Database>(new Database(std::move(impl))), OpenError::kNone, {}};
}

void Database::commit(core::Batch batch, std::function<void(bool)> done) {
  impl_->writer.commit(std::move(batch), std::move(done));
}

bool Database::failing() const { return impl_->writer.failing(); }

std::string Database::last_error() const {
  const std::string& read = impl_->reader.error();
  return read.empty() ? impl_->writer.error() : read;
}

std::uint64_t Database::misfiled() const { return impl_->reader.misfiled(); }
std::uint64_t Database::failed_reads() const { return impl_->reader.failures(); }

core::State Database::load_live() { return impl_->reader.load_live(); }

core::Past Database::past() { return impl_->reader.past(); }
std::vector<core::Asked> Database::asked_since(const std::string& boot_id, core::BootMs created, core::WallMs created_wall) {
  return impl_->reader.asked_since(boot_id, created, created_wall);
}

std::vector<core::Request> Database::requests(const RequestFilter& filter) { return impl_->reader.requests(filter); }

std::optional<core::Request> Database::request(const core::Id& id) {
  auto found = impl_->reader.request(id);
  if (found.empty()) return std::nullopt;
  return std::move(found.front());
}

std::vector<core::Id> Database::request_ids(std::string_view hex_prefix, std::size_t limit) {
  return impl_->reader.ids("requests", hex_prefix, limit);
}

std::vector<core::Vote> Database::votes(const core::Id& request) { return impl_->reader.votes(request); }

std::vector<core::Grant> Database::grants(const GrantFilter& filter) { return impl_->reader.grants(filter); }

std::optional<core::Grant> Database::grant(const core::Id& id) {
  auto found = impl_->reader.grant(id);
  if (found.empty()) return std::nullopt;
  return std::move(found.front());
}

std::vector<core::Id> Database::grant_ids(std::string_view hex_prefix, std::size_t limit) {
  return impl_->reader.ids("grants", hex_prefix, limit);
}

std::vector<core::AuditEntry> Database::entries(const AuditFilter& filter) { return impl_->reader.entries(filter); }

std::uint64_t Database::last_sequence() { return impl_->reader.last_sequence(); }

core::Head Database::head() const { return impl_->writer.head(); }
void Database::seal(std::function<void(bool)> done, bool again) { impl_->writer.seal(std::move(done), again); }
std::vector<LogEntry> Database::log(std::uint64_t after, std::size_t limit) { return impl_->reader.log(after, limit); }
std::vector<Checkpoint> Database::checkpoints(std::uint64_t from, std::uint64_t to) { return impl_->reader.checkpoints(from, to); }
std::optional<Cut> Database::cut() { return impl_->reader.cut(); }
std::optional<evidence::Hash> Database::root_at(std::uint64_t size) { return impl_->reader.root_at(size); }
std::optional<std::vector<evidence::Hash>> Database::frontier_at(std::uint64_t size) { return impl_->reader.frontier_at(size); }
std::int64_t Database::epoch() { return impl_->reader.epoch(); }
std::optional<Proof> Database::proof(const core::Id& id) { return impl_->reader.proof(id, head()); }

std::optional<ArchivePart> Database::ready_for_archive(core::WallMs before, core::WallMs now) { return impl_->reader.ready_for_archive(before, now); }

std::optional<std::vector<evidence::ExportLine>> Database::lines(std::uint64_t after, std::uint64_t to, std::size_t limit, const Seal& seal, std::uint64_t& last) {
  return Lines(impl_->reader, seal).entries(after, to, limit, last);
}

void Database::archive(ArchivePart part, std::string text, core::WallMs ended, core::Batch batch, std::function<void(bool)> done) {
  impl_->writer.archive({part, std::move(text), ended}, std::move(batch), std::move(done));
}

std::vector<std::string> Database::other_archives() { return impl_->archive.others(); }

std::vector<ArchivePart> Database::archived() { return impl_->reader.archived(); }

std::optional<std::string> Database::read_archive(const ArchivePart& part) {
  auto text = impl_->archive.read(part.first);
  if (!text) impl_->reader.blame("entries " + std::to_string(part.first) + " to " + std::to_string(part.last) + " cannot be read: " + impl_->archive.problem());
  return text;
}

std::optional<Database::OldEntries> Database::archived_entries(const AuditFilter& filter) {
  const auto parts = archived();
  const auto part = std::ranges::find_if(parts, [&](const ArchivePart& each) { return each.last > filter.after && each.until >= filter.since; });
  const auto text = part != parts.end() ? read_archive(*part) : std::nullopt;
  if (!text) return std::nullopt;
  OldEntries out{entries_in(*text, filter), part->last};
  if (!out.entries.empty() && out.entries.size() >= filter.limit) out.looked_at = out.entries.back().sequence;
  return out;
}

std::uint64_t Database::erasures() const { return impl_->writer.erasures(); }
std::uint64_t Database::erased_in_archive() const { return impl_->writer.erased_in_archive(); }

bool Database::keeps_erased() const { return impl_->writer.unemptied(); }

std::uint64_t Database::told_of(const std::string& person) { return impl_->reader.told_about(person); }

std::optional<evidence::EvidenceLine> Database::document(const LogEntry& entry, const Seal& seal) {
  return Lines(impl_->reader, seal).document(entry);
}

void Database::keep_policy(PolicySet set) { impl_->writer.keep_policy(std::move(set)); }

std::optional<PeopleVersions> Database::people_versions() { return impl_->reader.people_versions(); }
void Database::keep_carried(const std::string& courier, std::uint64_t sequence) { impl_->writer.keep_carried(courier, sequence); }
std::optional<std::uint64_t> Database::carried(const std::string& courier) { return impl_->reader.carried(courier); }
std::optional<Database::PolicySet> Database::kept_policy() { return impl_->reader.kept_policy(); }

}  // namespace jit::store
