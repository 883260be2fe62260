// SPDX-License-Identifier: Apache-2.0
// Entries of the log as lines for others (evidence/export.h), each with the signed document that it names. Core's thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "broker/bus/bus.h"
#include "evidence/export.h"

namespace jit::bus {

class LogLines {
 public:
  LogLines(store::Database& database, const Admin& admin) : database_(database), admin_(admin) {}

  // One or two lines, each with its new line. path: in a proof.
  std::string entry(const store::LogEntry& entry, std::optional<std::vector<evidence::Hash>> path = std::nullopt);

 private:
  store::Database& database_;
  const Admin& admin_;
};

std::string line(const evidence::ExportLine& line);  // with its new line

}  // namespace jit::bus
