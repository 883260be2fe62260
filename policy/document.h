// SPDX-License-Identifier: Apache-2.0
// One TOML file as a plain tree with places. The TOML library stays behind this header.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "policy/report.h"

namespace jit::policy {

struct Entry;

struct Node {
  enum class Kind : std::uint8_t { kString, kInteger, kFloat, kBool, kTime, kArray, kTable } kind = Kind::kTable;
  Place place;
  std::string text;           // kString
  std::int64_t integer = 0;   // kInteger
  double decimal = 0;         // kFloat; may be nan or inf
  bool boolean = false;       // kBool
  std::int64_t unix_s = 0;    // kTime, where it is zoned
  bool zoned = false;         // kTime: a date with a time and an offset, so that it is one instant
  std::vector<Node> items;    // kArray
  std::vector<Entry> entries; // kTable, in the order of the file
};

struct Entry {
  std::string key;
  Place place;
  Node value;
};

std::string_view name_of(Node::Kind kind);  // "a string", "a list", ...

// The whole file as a table; nothing, and a finding, where it is not TOML. No exception leaves it.
std::optional<Node> parse_document(std::uint32_t file, std::string_view text, Report& report);

}  // namespace jit::policy
