// SPDX-License-Identifier: Apache-2.0
#include "cli/allowed_signers.h"

#include <algorithm>
#include <ctime>

#include "evidence/text.h"

namespace jit::cli {

namespace {

constexpr std::string_view kBlanks = " \t";

// Up to a blank outside of double quotes, which stay; what follows has its blanks cut.
std::string take_word(std::string_view& text) {
  bool inside = false;
  std::size_t at = 0;
  for (; at < text.size() && (inside || kBlanks.find(text[at]) == std::string_view::npos); ++at) {
    if (text[at] == '"') inside = !inside;
  }
  std::string out(text.substr(0, at));
  text.remove_prefix(at);
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
  return out;
}

std::vector<std::string> split_at_commas(std::string_view text) {
  std::vector<std::string> out(1);
  bool inside = false;
  for (const char c : text) {
    if (c == '"') inside = !inside;
    if (c == ',' && !inside) out.emplace_back();
    else out.back() += c;
  }
  return out;
}

std::string unquoted(std::string_view text) {
  if (text.size() >= 2 && text.starts_with('"') && text.ends_with('"')) text = text.substr(1, text.size() - 2);
  return std::string(text);
}

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return text;
}

// YYYYMMDD[Z] or YYYYMMDDHHMM[SS][Z]; without Z in the time zone of this machine.
std::optional<std::int64_t> time_of(std::string text) {
  const bool utc = text.ends_with('Z');
  if (utc) text.pop_back();
  const auto size = text.size();
  if ((size != 8 && size != 12 && size != 14) || text.find_first_not_of("0123456789") != std::string::npos) return std::nullopt;
  text.resize(14, '0');
  const auto number = [&](std::size_t at, std::size_t length) { return std::stoi(text.substr(at, length)); };
  std::tm parts{};
  parts.tm_year = number(0, 4) - 1900;
  parts.tm_mon = number(4, 2) - 1;
  parts.tm_mday = number(6, 2);
  parts.tm_hour = number(8, 2);
  parts.tm_min = number(10, 2);
  parts.tm_sec = number(12, 2);
  parts.tm_isdst = -1;
  const std::tm asked = parts;
  const std::time_t made = utc ? timegm(&parts) : std::mktime(&parts);
  // 31 February becomes some day in March.
  if (made < 0 || parts.tm_mon != asked.tm_mon || parts.tm_mday != asked.tm_mday || asked.tm_hour > 23 || asked.tm_min > 59 || asked.tm_sec > 59) return std::nullopt;
  return made;
}

bool key_type(std::string_view word) { return word.starts_with("ssh-") || word.starts_with("ecdsa-") || word.starts_with("sk-"); }

void read_options(std::string_view text, std::string_view purpose, AllowedSigner& out) {
  for (const std::string& option : split_at_commas(text)) {
    const std::size_t equals = option.find('=');
    const std::string name = lower(option.substr(0, equals));
    const std::string value = equals == std::string::npos ? "" : unquoted(std::string_view(option).substr(equals + 1));
    if (name == "cert-authority") {
      out.wrong = "cert-authority: nobody vouches for another's key here; add the keys themselves";
    } else if (name == "namespaces") {
      const auto names = split_at_commas(value);
      const bool for_this = std::ranges::find(names, purpose) != names.end() || std::ranges::find(names, "*") != names.end();
      if (!for_this) out.wrong = "namespaces: the key is not for " + std::string(purpose) + "; add that to its namespaces if it shall be";
    } else if (name == "valid-after" || name == "valid-before") {
      const auto time = time_of(value);
      if (!time) out.wrong = name + ": no time (YYYYMMDD or YYYYMMDDHHMM[SS], with Z for UTC)";
      (name == "valid-after" ? out.valid_after : out.valid_before) = time;
    } else {
      out.wrong = "an option that is not known: " + evidence::escape_to(option, 64);
    }
    if (!out.wrong.empty()) return;
  }
}

AllowedSigner read_line(std::string_view text, std::string_view purpose) {
  AllowedSigner out;
  out.principals = split_at_commas(unquoted(take_word(text)));
  std::string word = take_word(text);
  if (!key_type(word)) {
    read_options(word, purpose, out);
    word = take_word(text);
  }
  const std::string blob = take_word(text);
  out.comment = std::string(evidence::trim(text));
  out.public_text = word + " " + blob + (out.comment.empty() ? "" : " " + out.comment);
  if (out.wrong.empty() && (blob.empty() || !key_type(word))) out.wrong = "no line of PRINCIPALS [OPTIONS] TYPE KEY";
  for (const std::string& one : out.principals) {
    if (out.wrong.empty() && (one.empty() || one.find_first_of("*?!") != std::string::npos)) out.wrong = "a pattern of principals; a key is one person's";
  }
  return out;
}

}  // namespace

std::vector<AllowedSigner> parse_allowed_signers(std::string_view text, std::string_view purpose) {
  std::vector<AllowedSigner> out;
  for (std::uint32_t number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    const std::string_view line = evidence::trim(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.empty() || line.front() == '#') continue;
    out.push_back(read_line(line, purpose));
    out.back().line = number;
  }
  return out;
}

}  // namespace jit::cli
