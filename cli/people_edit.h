// SPDX-License-Identifier: Apache-2.0
// A file of people.d with keys added: everything else in it stays byte for byte, but its version, which rises by one.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/exit.h"
#include "policy/policy.h"

namespace jit::cli {

struct NewKey {
  std::string person;
  policy::Key key;
};

struct Edited {
  std::string text;
  std::int64_t version = 0;
  std::vector<std::string> added;  // lines, for people
};

// Refused: the file does not parse, has none of these people or not as [[person]], or the result would say something else besides.
Result<Edited> add_keys(const policy::Source& file, std::span<const NewKey> keys);

// The id of a key that names none: what its comment says, else its fingerprint; never one of `taken`.
std::string id_for(const policy::Key& key, std::string_view comment, std::span<const policy::Key> taken);

}  // namespace jit::cli
