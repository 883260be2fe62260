// SPDX-License-Identifier: Apache-2.0
// The writer's part of the archive.
#include <utility>

#include "broker/store/writer.h"

namespace jit::store {

void Writer::archive(ToArchive old, core::Batch batch, std::function<void(bool)> done) {
  Job job{std::move(batch), {}, std::move(done)};
  Salts salts;
  for (const core::AuditEntry& entry : job.batch.entries) {
    if (auto drafted = draft_of(entry, salts)) job.drafts.push_back(std::move(*drafted));
  }
  job.old = std::move(old);
  queue(std::move(job));
}

int Writer::erase_archived(const core::Batch& batch) {
  if (batch.erased.empty()) return SQLITE_OK;
  std::vector<ArchivePart> parts;
  if (const int code = statements_->parts(parts); code != SQLITE_OK) return code;
  std::uint64_t erased = 0;
  for (const std::string& person : batch.erased) {
    if (!archive_.erase(person, parts, erased)) return kNoArchive;
  }
  erased_in_archive_ = erased;
  return SQLITE_OK;
}

}  // namespace jit::store
