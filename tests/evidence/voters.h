// SPDX-License-Identifier: Apache-2.0
// Voters with a key of each kind: what is theirs, and what only looks so.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "evidence/signature.h"

namespace jit::test {

// A key, and what comes of it where somebody signs.
struct Hand {
  evidence::PublicKey key;
  std::function<evidence::Bytes(std::string_view purpose, std::string_view message)> sign;
};

struct Voter {
  std::string name;
  bool hardware = false;
  std::vector<Hand> good, bad;             // all with the same public key
  std::vector<Hand> good_codes, bad_codes; // empty: no code can be made with it
};

std::vector<Voter> voters();
std::string signers_of(const std::vector<Voter>& voters);  // lines for allowed_signers

}  // namespace jit::test
