// SPDX-License-Identifier: Apache-2.0
#include "broker/config/provider_file.h"

#include <algorithm>
#include <iterator>

#include "broker/config/files.h"
#include "evidence/text.h"
#include "policy/document.h"
#include "policy/suggest.h"

namespace jit::config {

namespace {

using policy::Entry;
using policy::Node;

constexpr std::size_t kWordsMax = 64;
constexpr std::size_t kWordMax = 4096;
constexpr std::uint32_t kTimeoutMax = 600;

bool read_command(const Entry& entry, Provider& out, policy::Report& report) {
  const auto& items = entry.value.items;
  const bool words = entry.value.kind == Node::Kind::kArray && !items.empty() && items.size() <= kWordsMax &&
                     std::ranges::all_of(items, [](const Node& item) {
                       return item.kind == Node::Kind::kString && item.text.size() <= kWordMax &&
                              item.text.find('\0') == std::string::npos;
                     });
  if (!words || !items.front().text.starts_with('/')) {
    report.add("E01", entry.value.place, "`command` is a list of 1 to 64 texts that begins with an absolute path; no shell reads it");
    return false;
  }
  for (const Node& item : items) out.command.push_back(item.text);
  return true;
}

bool read_duration(const Entry& entry, std::uint32_t most, std::uint32_t& out, policy::Report& report) {
  const auto seconds = entry.value.kind == Node::Kind::kString ? policy::parse_duration(entry.value.text) : std::nullopt;
  if (!seconds || *seconds > most) {
    report.add("E01", entry.value.place, "`" + entry.key + "` is a duration as \"90s\", at most " + policy::format_duration(most));
    return false;
  }
  out = *seconds;
  return true;
}

}  // namespace

bool provider_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 && name.front() >= 'a' && name.front() <= 'z' && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

std::optional<Provider> parse_provider(const std::string& name, std::string_view text, std::vector<policy::Finding>& findings) {
  constexpr std::uint32_t kLongest = 315'360'000;  // 10 years, as the policy's own durations
  policy::Report report;
  Provider out;
  bool good = false;
  bool lasts = false;
  const std::uint32_t file = report.add_file(evidence::escape(name));
  const auto root = policy::parse_document(file, text, report);
  if (root) {
    bool wrong = false;
    for (const Entry& entry : root->entries) {
      if (entry.key == "command") {
        good = read_command(entry, out, report);
        wrong = wrong || !good;
      } else if (entry.key == "timeout") {
        wrong = !read_duration(entry, kTimeoutMax, out.timeout_s, report) || wrong;
      } else if (entry.key == "for") {
        lasts = read_duration(entry, kLongest, out.for_s, report);
        wrong = wrong || !lasts;
      } else {
        report.add("E01", entry.place, "unknown key `" + evidence::escape_to(entry.key, 80) + "`; a provider has `command`, `timeout` and `for`" +
                                           policy::did_you_mean(entry.key, std::vector<std::string_view>{"command", "timeout", "for"}));
        wrong = true;
      }
    }
    if (!wrong && (!good || !lasts)) report.add("E01", root->place, "`command` and `for` must be given");
    good = !wrong && good && lasts;
  }
  auto found = report.take();
  findings.insert(findings.end(), std::make_move_iterator(found.begin()), std::make_move_iterator(found.end()));
  return good ? std::optional(std::move(out)) : std::nullopt;
}

std::optional<Provider> read_provider(const std::string& etc, const std::string& name, bool check_owner,
                                      std::vector<policy::Finding>& findings) {
  Files files(check_owner);
  const Folder* root = files.root(etc);
  const Folder* folder = root != nullptr ? files.folder(*root, "facts.d") : nullptr;
  std::string text;
  std::optional<Provider> out;
  if (folder != nullptr && !files.refused()) {
    const auto got = files.read(*folder, name + ".toml", text);
    if (got != Files::Got::kText && !files.refused()) files.refuse(folder->path() + "/" + name + ".toml", "is not there");
    if (got == Files::Got::kText) out = parse_provider(folder->path() + "/" + name + ".toml", text, findings);
  } else if (!files.refused()) {
    files.refuse(etc + "/facts.d", "is not there");
  }
  files.unchanged();
  if (files.refused()) out.reset();
  auto found = files.take();
  findings.insert(findings.end(), std::make_move_iterator(found.begin()), std::make_move_iterator(found.end()));
  return out;
}

}  // namespace jit::config
