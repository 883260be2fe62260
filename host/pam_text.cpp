// SPDX-License-Identifier: Apache-2.0
#include "host/pam_text.h"

#include <algorithm>
#include <array>

namespace jit::host {
namespace {

constexpr std::string_view kBlank = " \t\r";
constexpr std::string_view kSpace = " \t\n\v\f\r";  // between the brackets of a control
constexpr std::array<std::string_view, 6> kControls = {"required", "requisite", "sufficient", "optional", "include", "substack"};
// libpam takes the one that the text begins with; none of them begins another.
constexpr std::array<std::string_view, 33> kValues = {
    "success", "open_err", "symbol_err", "service_err", "system_err", "buf_err", "perm_denied", "auth_err",
    "cred_insufficient", "authinfo_unavail", "user_unknown", "maxtries", "new_authtok_reqd", "acct_expired",
    "session_err", "cred_unavail", "cred_expired", "cred_err", "no_module_data", "conv_err", "authtok_err",
    "authtok_recover_err", "authtok_lock_busy", "authtok_disable_aging", "try_again", "ignore", "abort",
    "authtok_expired", "module_unknown", "bad_item", "conv_again", "incomplete", "default"};
constexpr std::array<std::string_view, 6> kActions = {"ignore", "ok", "done", "bad", "die", "reset"};

std::string in_small_letters(std::string text) {
  std::ranges::transform(text, text.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return text;
}

void skip_space(std::string_view& text) { text.remove_prefix(std::min(text.find_first_not_of(kSpace), text.size())); }

// The one of `all` that the text begins with, taken off it; empty: none.
template <std::size_t N>
std::string_view take_one(std::string_view& text, const std::array<std::string_view, N>& all) {
  const auto* const found = std::ranges::find_if(all, [&](std::string_view one) { return text.starts_with(one); });
  if (found == all.end()) return {};
  text.remove_prefix(found->size());
  return *found;
}

// A jump as libpam counts it, without leading zeros; empty: none, or over nothing.
std::string_view take_jump(std::string_view& text) {
  std::string_view out = text.substr(0, text.find_first_not_of("0123456789"));
  text.remove_prefix(out.size());
  out.remove_prefix(std::min(out.find_first_not_of('0'), out.size()));
  return out;
}

// libpam drops the brackets before it looks at the word.
std::string control_of(const std::string& word, bool in_brackets) {
  if (std::string small = in_small_letters(word); std::ranges::find(kControls, small) != kControls.end()) return small;
  const auto actions = read_pam_actions(word);
  if (!actions) return in_brackets ? '[' + word + ']' : word;
  std::string out;
  for (const auto& [value, action] : *actions) out += (out.empty() ? "" : " ") + value + '=' + action;
  return '[' + out + ']';
}

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

std::optional<PamActions> read_pam_actions(std::string_view text) {
  PamActions out;
  for (skip_space(text); !text.empty(); skip_space(text)) {
    const std::string_view value = take_one(text, kValues);
    skip_space(text);
    if (value.empty() || !text.starts_with('=')) return std::nullopt;
    text.remove_prefix(1);
    skip_space(text);
    std::string_view action = take_one(text, kActions);
    if (action.empty()) action = take_jump(text);
    if (action.empty()) return std::nullopt;
    out.emplace_back(value, action);
  }
  return out;
}

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
    if (entry.type.starts_with('-')) entry.type.erase(0, 1);
    entry.type = in_small_letters(entry.type);
    if (entry.type != "@include" && next_word(rest, word, in_brackets)) entry.control = control_of(word, in_brackets);
    if (next_word(rest, word, in_brackets)) entry.module = word;
    while (next_word(rest, word, in_brackets)) entry.arguments.push_back(word);
    out.push_back(std::move(entry));
  }
  return out;
}

}  // namespace jit::host
