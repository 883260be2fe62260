// SPDX-License-Identifier: Apache-2.0
// The record of a decision, as audit entries hold it (broker/core/record.h), read back. Nothing is guessed: a record that
// lacks something is no record.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/client.h"
#include "policy/analysis/replay.h"

namespace jit::cli {

struct Recorded {
  policy::analysis::Past past;
  std::string tags;  // hash of those that the host had
};
struct Unreadable {
  std::string lacks;  // "input.at": what is missing, or not as a broker writes it
};
// An entry of the log whose fields hold a "decision". `out` is filled anew, and keeps its memory from one entry to the next;
// it means nothing where something is lacking.
std::optional<Unreadable> read_decision(const Json& entry, Recorded& out);

}  // namespace jit::cli
