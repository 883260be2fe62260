// SPDX-License-Identifier: Apache-2.0
// The log as lines for others (evidence/export.h): entries, what they name by its digest, and signed heads.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "broker/store/reader.h"
#include "evidence/export.h"

namespace jit::store {

class Lines {
 public:
  Lines(Reader& reader, Database::Seal seal) : reader_(reader), seal_(std::move(seal)) {}

  // Of the entries behind `after`, at most `limit` of them and not above `to`; the sequence of the last in `last`. Nothing: it
  // cannot be read.
  std::optional<std::vector<evidence::ExportLine>> entries(std::uint64_t after, std::uint64_t to, std::size_t limit, std::uint64_t& last);
  std::optional<std::vector<evidence::ExportLine>> proof(const core::Id& id, const core::Head& head, const evidence::ExportHost& host);

 private:
  bool add_evidence(const LogEntry& entry, std::vector<evidence::ExportLine>& out);
  void add_sealed(std::string_view type, const std::string& payload, std::vector<evidence::ExportLine>& out);

  Reader& reader_;
  Database::Seal seal_;
};

}  // namespace jit::store
