// SPDX-License-Identifier: Apache-2.0
// [command]
#include "policy/draft.h"

namespace jit::policy {
namespace {

constexpr std::size_t kMostCommandBytes = 16 << 20;  // of a whole policy: bounds memory, not any real policy

std::size_t bytes_of(const CommandPattern& pattern) {
  std::size_t out = sizeof pattern;
  for (const auto* paths : {&pattern.paths, &pattern.written}) {
    for (const std::string& path : *paths) out += sizeof(std::string) + path.size();
  }
  for (const WordPattern& word : pattern.words) {
    out += sizeof word;
    for (const WordPattern::Option& option : word.options) out += sizeof option + option.text.size();
  }
  return out;
}

void read_command(Draft& draft, const std::string& name, const Node& node, NamedCommand& made) {
  if (node.kind != Node::Kind::kArray) {
    draft.report.add("E01", node.place, "command `" + name + "` must be a list of words, not " + std::string(name_of(node.kind)));
    return;
  }
  if (draft.command_bytes > kMostCommandBytes) return;  // said once
  std::vector<std::string> words;
  for (const Node& word : node.items) {
    if (word.kind != Node::Kind::kString) {
      draft.report.add("E01", word.place, "a word of a command must be a string; this is " + std::string(name_of(word.kind)));
      return;
    }
    words.push_back(word.text);
  }
  ParsedCommand parsed = parse_command(words, draft.input.real_folder);
  if (parsed.pattern) {
    draft.command_bytes += bytes_of(*parsed.pattern);
    if (draft.command_bytes > kMostCommandBytes) {
      draft.report.add("E01", node.place, "with command `" + name + "` the alternatives of all commands, written out, take more than " +
                                              std::to_string(kMostCommandBytes >> 20) + " MiB; use fewer {a|b} in one word");
      return;
    }
    made.patterns.push_back(std::move(*parsed.pattern));
  } else {
    const bool placed = parsed.word < node.items.size();
    draft.report.add(parsed.code, placed ? node.items[parsed.word].place : node.place, parsed.why);
  }
}

}  // namespace

void read_commands(Draft& draft, const Entry& entry) {
  Report& report = draft.report;
  if (!is_table(entry, report)) return;
  for (const Entry& item : entry.value.entries) {
    const auto earlier = draft.out->commands.find(item.key);
    if (!usable_name(item, "command", earlier == draft.out->commands.end() ? nullptr : &earlier->second.place, report)) continue;
    NamedCommand& made = draft.out->commands[item.key];
    made.place = item.place;
    const bool list = item.value.kind == Node::Kind::kArray;
    if (!list || (!item.value.items.empty() && item.value.items.front().kind == Node::Kind::kString)) {
      report.add("E01", item.value.place, "a command is a list of lists of words, like [[\"/usr/bin/apt-get\", \"update\"]]");
      continue;
    }
    if (item.value.items.empty()) {
      report.add("E05", item.value.place, "command `" + item.key + "` is empty; nothing can be run by it");
    }
    for (const Node& words : item.value.items) read_command(draft, item.key, words, made);
  }
}

}  // namespace jit::policy
