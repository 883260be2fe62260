// SPDX-License-Identifier: Apache-2.0
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
  Impl(const Place& place, Db db, core::Post post, std::chrono::milliseconds patience)
      : reader_place(place),
        writer_place(place),
        reader(reader_place),
        writer(std::move(db), writer_place, std::move(post), patience) {}
  Place reader_place;
  Place writer_place;
  Reader reader;
  Writer writer;
};

Database::Database(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Database::~Database() = default;

Database::Opened Database::open(const std::string& path, core::Post post, std::chrono::milliseconds patience) {
  Place place(path);
  Connected opened = open_checked(place);
  if (!opened.db) return {nullptr, opened.error, std::move(opened.message)};
  auto impl = std::make_unique<Impl>(place, std::move(opened.db), std::move(post), patience);
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

void Database::keep_policy(PolicySet set) { impl_->writer.keep_policy(std::move(set)); }

std::optional<PeopleVersions> Database::people_versions() { return impl_->reader.people_versions(); }
std::optional<Database::PolicySet> Database::kept_policy() { return impl_->reader.kept_policy(); }

}  // namespace jit::store
