// SPDX-License-Identifier: Apache-2.0
#include "policy/fields.h"

#include <algorithm>

#include "policy/ticked.h"

namespace jit::policy {

Fields::Fields(const Node& node, Table table, Report& report) : node_(node), report_(report) {
  for (const Entry& entry : node.entries) {
    if (!known_key(table, entry.key)) report.add("E01", entry.place, explain_key(table, entry.key));
  }
}

const Entry* Fields::find(std::string_view key) const {
  const auto found = std::ranges::find(node_.entries, key, &Entry::key);
  return found == node_.entries.end() ? nullptr : &*found;
}

const Node* Fields::of_kind(std::string_view key, Node::Kind kind) const {
  const Entry* entry = find(key);
  if (entry == nullptr) return nullptr;
  if (entry->value.kind == kind) return &entry->value;
  report_.add("E01", entry->value.place,
              ticked(key) + " must be " + std::string(name_of(kind)) + ", not " + std::string(name_of(entry->value.kind)));
  return nullptr;
}

std::optional<Text> Fields::text(std::string_view key) const {
  const Node* node = of_kind(key, Node::Kind::kString);
  if (node == nullptr) return std::nullopt;
  if (node->text.empty()) {
    report_.add("E01", node->place, ticked(key) + " must not be an empty text");
    return std::nullopt;
  }
  return Text{node->text, node->place};
}

std::optional<std::vector<Text>> string_list(const Entry& entry, Report& report) {
  if (entry.value.kind != Node::Kind::kArray) {
    report.add("E01", entry.value.place,
               ticked(entry.key) + " must be a list of strings, not " + std::string(name_of(entry.value.kind)));
    return std::nullopt;
  }
  std::vector<Text> out;
  out.reserve(entry.value.items.size());
  bool whole = true;
  for (const Node& item : entry.value.items) {
    if (item.kind == Node::Kind::kString) {
      out.push_back({item.text, item.place});
      continue;
    }
    report.add("E01", item.place,
               ticked(entry.key) + " must be a list of strings; this is " + std::string(name_of(item.kind)));
    whole = false;
  }
  return whole ? std::optional(std::move(out)) : std::nullopt;
}

std::optional<std::vector<Text>> Fields::maybe_empty_texts(std::string_view key) const {
  const Entry* entry = find(key);
  return entry == nullptr ? std::nullopt : string_list(*entry, report_);
}

std::optional<std::vector<Text>> Fields::texts(std::string_view key) const {
  auto out = maybe_empty_texts(key);
  if (out && out->empty()) {
    report_.add("E05", find(key)->value.place, ticked(key) + " is an empty list, which can never hold; leave it out or fill it");
    return std::nullopt;
  }
  return out;
}

std::optional<std::int64_t> Fields::integer(std::string_view key, std::int64_t least, std::int64_t most) const {
  const Node* node = of_kind(key, Node::Kind::kInteger);
  if (node == nullptr) return std::nullopt;
  if (node->integer < least || node->integer > most) {
    report_.add("E01", node->place,
                ticked(key) + " must be from " + std::to_string(least) + " to " + std::to_string(most));
    return std::nullopt;
  }
  return node->integer;
}

std::optional<bool> Fields::boolean(std::string_view key) const {
  const Node* node = of_kind(key, Node::Kind::kBool);
  return node == nullptr ? std::nullopt : std::optional(node->boolean);
}

std::optional<std::uint32_t> Fields::duration(std::string_view key) const {
  const Node* node = of_kind(key, Node::Kind::kString);
  if (node == nullptr) return std::nullopt;
  const auto seconds = parse_duration(node->text);
  if (!seconds) {
    report_.add("E01", node->place,
                ticked(key) + " must be one positive integer and s, m, h or d, like \"30m\", and at most 3650d");
  }
  return seconds;
}

std::optional<std::int64_t> Fields::time(std::string_view key) const {
  const Node* node = of_kind(key, Node::Kind::kTime);
  if (node == nullptr) return std::nullopt;
  if (!node->zoned) {
    report_.add("E01", node->place, ticked(key) + " must be a date and a time with its offset, like 2026-11-24T21:10:00Z");
    return std::nullopt;
  }
  return node->unix_s;
}

std::vector<const Node*> Fields::tables(std::string_view key) const {
  std::vector<const Node*> out;
  const Entry* entry = find(key);
  if (entry == nullptr) return out;
  if (entry->value.kind != Node::Kind::kArray) {
    const std::string_view hint = entry->value.kind == Node::Kind::kTable ? "; write [[" : "; use [[";
    report_.add("E01", entry->place, ticked(key) + " must be a list of tables" + std::string(hint) + std::string(key) + "]]");
    return out;
  }
  if (entry->value.items.empty()) report_.add("E05", entry->value.place, ticked(key) + " is an empty list");
  for (const Node& item : entry->value.items) {
    if (item.kind == Node::Kind::kTable) {
      out.push_back(&item);
    } else {
      report_.add("E01", item.place, ticked(key) + " must be a list of tables; this is " + std::string(name_of(item.kind)));
    }
  }
  return out;
}

}  // namespace jit::policy
