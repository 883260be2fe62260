// SPDX-License-Identifier: Apache-2.0
// Names that carry their kind: user:, group:, set:, person:.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "policy/policy.h"

namespace jit::policy {

struct Principal {
  enum class Kind : std::uint8_t { kUser, kGroup, kSet, kPerson } kind = Kind::kUser;
  std::string name;            // without the kind and without a trailing *
  bool prefix = false;         // the name ended in *
  std::uint32_t uid = kNoUid;  // of "user:1001"; the name is then its digits
  std::string text() const;    // as written
  bool matches(std::string_view other) const { return prefix ? other.starts_with(name) : other == name; }
};

struct ParsedPrincipal {
  std::optional<Principal> principal;
  std::string why;  // where there is none: for people
};

ParsedPrincipal parse_principal(std::string_view text);

// Names of sets, nets, approvals and rules: [A-Za-z0-9][A-Za-z0-9_-]{0,63}.
bool valid_object_name(std::string_view name);

// Names of users, groups and persons: 1 to 256 bytes, nothing that could be read as a number, an option, a path or a
// record (no ':', '/', ',', '*' or control byte; neither blank nor one of -+~#% at the begin).
bool valid_account_name(std::string_view name);

}  // namespace jit::policy
