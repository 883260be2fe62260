// SPDX-License-Identifier: Apache-2.0
// One entry of the log as it is hashed. What tells of a person stands there as a salted SHA-256 only, so that it can be erased
// later and every proof holds.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "evidence/canonical.h"

namespace jit::evidence {

inline constexpr std::size_t kLeafMax = 256 * 1024;  // bytes; what people supply is not in it

struct Entry {
  std::uint64_t sequence = 0;    // from 1; its leaf has the index sequence - 1
  std::int64_t boottime_ms = 0;   // times: at most 2^53
  std::int64_t wall_ms = 0;
  std::string boot_id;            // at most 64 bytes
  std::string type;               // "grant.created", ...
  std::string request;            // 32 hex digits; empty: none
  std::string grant;
  Json fields = Json::object();   // "person" and "uid" are among them where there are
};

// May a field of this name stand in the leaf as it is? Whatever is not named is personal.
bool is_public(std::string_view type, std::string_view field);

// What was taken out of a leaf: field -> {"salt": 32 hex digits, "value": ...}.
using Personal = std::map<std::string, Json, std::less<>>;

struct Leaf {
  std::string text;  // canonical; {"boot","boottime","fields","grant","personal":{field:hex},"request","sequence","time","type","v":1}
  Personal personal;
};

using Salt = std::function<std::array<std::uint8_t, 16>()>;

// A value that a canonical document cannot hold (a fraction, nested too deep) stands as its text.
// Throws std::exception where a field's name cannot be written, or the leaf were longer than kLeafMax.
Leaf leaf_of(const Entry& entry, const Salt& salt);

// A field's commitment: hex SHA-256 of the 16 bytes of salt followed by the canonical JSON of the value.
std::string commitment(std::span<const std::uint8_t> salt, const Json& value);

struct Read {
  Entry entry;                       // with all personal fields that are there and match
  std::vector<std::string> erased;   // those that are not there
};
// `personal` may hold fewer fields than the leaf names, none beside them.
// Nothing: not canonical, an unknown member, a text that is not printable ASCII, or a personal field that is another one than its commitment says.
std::optional<Read> read_leaf(std::string_view text, const Personal& personal);

}  // namespace jit::evidence
