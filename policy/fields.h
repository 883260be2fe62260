// SPDX-License-Identifier: Apache-2.0
// Strict reading of one table: each wrong key or type is one finding, and reads as absent.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "policy/document.h"
#include "policy/vocabulary.h"

namespace jit::policy {

class Fields {
 public:
  // Reports at once what the table may not hold. `node` and `report` must outlive this.
  Fields(const Node& node, Table table, Report& report);

  const Entry* find(std::string_view key) const;
  bool has(std::string_view key) const { return find(key) != nullptr; }
  const Place& place() const { return node_.place; }
  Report& report() const { return report_; }

  std::optional<Text> text(std::string_view key) const;           // not empty, else E01
  std::optional<std::vector<Text>> texts(std::string_view key) const;  // an empty list is E05, and reads as absent
  std::optional<std::vector<Text>> maybe_empty_texts(std::string_view key) const;
  std::optional<std::int64_t> integer(std::string_view key, std::int64_t least, std::int64_t most) const;
  std::optional<bool> boolean(std::string_view key) const;
  std::optional<std::uint32_t> duration(std::string_view key) const;  // seconds
  std::optional<std::int64_t> time(std::string_view key) const;       // Unix, seconds; without an offset: E01
  // The tables of a list of tables ([[key]]); not such a list: E01; empty: E05.
  std::vector<const Node*> tables(std::string_view key) const;

 private:
  const Node* of_kind(std::string_view key, Node::Kind kind) const;

  const Node& node_;
  Report& report_;
};

// The strings of a list; anything else in it is E01.
std::optional<std::vector<Text>> string_list(const Entry& entry, Report& report);

}  // namespace jit::policy
