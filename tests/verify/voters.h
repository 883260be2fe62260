// SPDX-License-Identifier: Apache-2.0
// Voters with a key of each kind: what is theirs, and what only looks so.
#pragma once

#include <string>
#include <vector>

#include "log_maker.h"

namespace jit::test {

struct Voter {
  std::string name;
  bool hardware = false;
  std::vector<Hand> good, bad;             // all with the same public key
  std::vector<Hand> good_codes, bad_codes; // empty: no code can be made with it
};

std::vector<Voter> voters();
std::string signers_of(const std::vector<Voter>& voters);  // lines for allowed_signers

}  // namespace jit::test
