// SPDX-License-Identifier: Apache-2.0
// A log, as jitctl gets it from the bus.
#pragma once

#include "broker/bus/json.h"
#include "cli/decision_record.h"
#include "tests/core/world.h"

namespace jit::core_test {

using policy::analysis::Past;
using policy::analysis::Replay;

inline cli::Json document(const AuditEntry& entry) { return cli::Json::parse(bus::dump(bus::entry_json(entry))); }

// The decisions in it; the test fails where one cannot be read.
inline std::vector<Past> decisions(const std::vector<AuditEntry>& entries) {
  std::vector<Past> out;
  for (const AuditEntry& entry : entries) {
    const cli::Json json = document(entry);
    if (!json["fields"].contains("decision")) continue;
    auto read = cli::read_decision(json);
    if (const auto* const broken = std::get_if<cli::Unreadable>(&read)) FAIL(entry.type << " lacks " << broken->lacks << ": " << entry.fields);
    out.push_back(std::get<cli::Recorded>(read).past);
  }
  return out;
}

}  // namespace jit::core_test
