// SPDX-License-Identifier: Apache-2.0
#include "broker/bus/log_lines.h"

namespace jit::bus {

std::string line(const evidence::ExportLine& line) { return evidence::to_line(line) + "\n"; }

std::string LogLines::entry(const store::LogEntry& entry, std::optional<std::vector<evidence::Hash>> path) {
  std::string out = line(evidence::EntryLine{entry.hash, entry.leaf, entry.personal, std::move(path)});
  const auto found = database_.document(entry, admin_.seal);
  return found ? out + line(*found) : out;
}

}  // namespace jit::bus
