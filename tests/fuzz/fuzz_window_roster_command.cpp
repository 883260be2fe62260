// SPDX-License-Identifier: Apache-2.0
// Any text as spans of a window, as a roster, and as the words of a command.
#include <algorithm>

#include "policy/command.h"
#include "policy/roster.h"
#include "policy/window.h"
#include "tests/fuzz/fuzz.h"

using namespace jit;
using namespace jit::fuzz;

namespace {

void window(const std::vector<std::string>& lines, std::string_view text) {
  static const auto prague = policy::Zone::find("Europe/Prague");
  (void)policy::Zone::find(text);
  policy::Window window;
  window.zone = prague;
  for (const std::string& line : lines) {
    const std::size_t before = window.minutes.count();
    std::string why;
    const bool daily = policy::add_daily(line, window, why);
    require(daily == why.empty() && (daily ? window.minutes.any() : window.minutes.count() == before));
    if (daily) continue;
    why.clear();
    const bool weekly = policy::add_weekly(line, window, why);
    require(weekly == why.empty() && (weekly ? window.minutes.any() : window.minutes.count() == before));
  }
  const std::int64_t now = 1'774'500'000 + static_cast<std::int64_t>(text.size()) * 977;
  const std::int64_t change = window.next_change(now);
  if (change == 0) return;
  require(change > now && window.contains(change) != window.contains(now));
  require(window.contains(change - 1) == window.contains(now));
}

void roster(std::string_view text) {
  policy::Report report;
  const auto roster = policy::parse_roster(report.add_file("oncall.toml"), text, report);
  require(roster.has_value() != report.failed());
  for (const policy::Finding& finding : report.take()) require(!finding.message.empty());
  if (!roster) return;
  require(std::ranges::is_sorted(roster->shifts, {}, &policy::Shift::from));
  for (const policy::Shift& shift : roster->shifts) require(shift.from < shift.to && !shift.who.empty());
}

// Each pattern matches the words that it was made of, where those are literal.
void command(const std::vector<std::string>& lines) {
  const policy::ParsedCommand parsed = policy::parse_command(lines, {});
  require(parsed.pattern.has_value() == parsed.why.empty() && parsed.pattern.has_value() == parsed.code.empty());
  if (!parsed.pattern) {
    require(lines.empty() || parsed.word < lines.size());
    return;
  }
  const policy::CommandPattern& pattern = *parsed.pattern;
  require(!pattern.paths.empty() && std::ranges::is_sorted(pattern.paths));
  std::vector<std::string> words;
  for (const policy::WordPattern& word : pattern.words) {
    require(!word.options.empty() && word.options.size() <= 4096);
    for (const auto& option : word.options) require(word.matches(option.prefix ? option.text + "x" : option.text));
    if (word.options.front().prefix) require(!word.matches("") && !word.matches("-x"));
    words.push_back(word.options.back().text + (word.options.back().prefix ? "x" : ""));
  }
  for (const std::string& path : pattern.paths) require(path.starts_with('/') && pattern.matches(path, words));
  words.emplace_back("--more");
  require(pattern.matches(pattern.paths.front(), words) == pattern.rest);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = text_of(data, size);
  const std::vector<std::string> lines = lines_of(text);
  window(lines, text);
  roster(text);
  command(lines);
  return 0;
}
