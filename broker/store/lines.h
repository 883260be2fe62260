// SPDX-License-Identifier: Apache-2.0
// The log as lines for others (evidence/export.h): entries, the signed documents that they name, and signed heads.
#pragma once

#include <optional>
#include <vector>

#include "broker/store/reader.h"

namespace jit::store {

class Lines {
 public:
  Lines(Reader& reader, Database::Seal seal) : reader_(reader), seal_(std::move(seal)) {}

  // What the entry names, as it was signed. Nothing where it names none, or cannot any more: a document tells of people as its
  // entry did.
  std::optional<evidence::EvidenceLine> document(const LogEntry& entry);
  // Of the entries behind `after` up to `to`, at most `limit` of them; `last`: the sequence of the last. Nothing: it cannot be read.
  std::optional<std::vector<evidence::ExportLine>> entries(std::uint64_t after, std::uint64_t to, std::size_t limit, std::uint64_t& last);

 private:
  std::optional<evidence::EvidenceLine> sealed(std::string_view type, const std::string& payload, std::string_view purpose);
  Reader& reader_;
  Database::Seal seal_;
};

}  // namespace jit::store
