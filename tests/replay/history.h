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
  static cli::Recorded recorded;  // kept from one to the next, as jitctl does: nothing of the last one may stay
  std::vector<Past> out;
  for (const AuditEntry& entry : entries) {
    const cli::Json json = document(entry);
    if (!json["fields"].contains("decision")) continue;
    if (const auto broken = cli::read_decision(json, recorded)) FAIL(entry.type << " lacks " << broken->lacks << ": " << entry.fields);
    out.push_back(recorded.past);
  }
  return out;
}

}  // namespace jit::core_test
