// SPDX-License-Identifier: Apache-2.0
// Makes the text of a file of the archive, some entries at a time, since whoever makes it has doors to answer.
#pragma once

#include <string>

#include "broker/store/store.h"

namespace jit::store {

class PartMaker {
 public:
  enum class Step : std::uint8_t { kMore, kMade, kFailed };

  PartMaker(Database& database, evidence::ExportHost host, Database::Seal seal, ArchivePart part);
  Step step();  // kFailed: it cannot be read, or somebody was erased meanwhile
  const ArchivePart& part() const { return part_; }  // may end earlier than was asked, at another signed head
  std::string take() { return std::move(text_); }

 private:
  Database& database_;
  const evidence::ExportHost host_;
  const Database::Seal seal_;
  ArchivePart part_;
  const std::uint64_t erasures_;
  std::uint64_t done_;
  std::string text_;
};

}  // namespace jit::store
