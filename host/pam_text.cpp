// SPDX-License-Identifier: Apache-2.0
#include "host/pam_text.h"

#include <algorithm>

namespace jit::host {
namespace {

constexpr std::string_view kBlank = " \t\r";

struct Joined {
  std::string text;
  std::uint32_t line = 0, last = 0;
};

// What stands before a #; a line that ends in a backslash goes on.
std::vector<Joined> joined_lines(std::string_view text) {
  std::vector<Joined> out;
  bool goes_on = false;
  std::uint32_t number = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    line = line.substr(0, line.find('#'));
    while (!line.empty() && kBlank.find(line.back()) != std::string_view::npos) line.remove_suffix(1);
    const bool more = line.ends_with('\\');
    if (more) line.remove_suffix(1);
    if (!goes_on) out.push_back({{}, number, number});
    out.back().text += std::string(line) + ' ';
    out.back().last = number;
    goes_on = more;
  }
  return out;
}

// The next word; one in brackets is one word, in which \] stands for ]. `in_brackets`: as which it stood.
bool next_word(std::string_view& line, std::string& word, bool& in_brackets) {
  word.clear();
  const std::size_t begin = line.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return false;
  line.remove_prefix(begin);
  in_brackets = line.front() == '[';
  if (!in_brackets) {
    const std::size_t end = std::min(line.find_first_of(kBlank), line.size());
    word = line.substr(0, end);
    line.remove_prefix(end);
    return true;
  }
  for (std::size_t i = 1; i < line.size(); ++i) {
    if (line[i] == ']') {
      line.remove_prefix(i + 1);
      return true;
    }
    if (line[i] == '\\' && i + 1 < line.size() && line[i + 1] == ']') ++i;
    word += line[i];
  }
  line = {};
  return true;
}

}  // namespace

bool PamEntry::is_type(std::string_view word) { return word == "auth" || word == "account" || word == "password" || word == "session"; }

std::vector<PamEntry> read_pam_text(std::string_view text) {
  std::vector<PamEntry> out;
  for (const Joined& joined : joined_lines(text)) {
    std::string_view rest = joined.text;
    PamEntry entry;
    std::string word;
    bool in_brackets = false;
    if (!next_word(rest, entry.type, in_brackets)) continue;
    entry.line = joined.line;
    entry.last = joined.last;
    if (entry.type != "@include") {
      if (entry.type.starts_with('-')) entry.type.erase(0, 1);
      std::ranges::transform(entry.type, entry.type.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
      if (next_word(rest, word, in_brackets)) entry.control = in_brackets ? '[' + word + ']' : word;
    }
    if (next_word(rest, word, in_brackets)) entry.module = word;
    while (next_word(rest, word, in_brackets)) entry.arguments.push_back(word);
    out.push_back(std::move(entry));
  }
  return out;
}

}  // namespace jit::host
