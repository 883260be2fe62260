// SPDX-License-Identifier: Apache-2.0
#include "evidence/allowed_signers.h"

#include <algorithm>
#include <chrono>

#include "evidence/text.h"

namespace jit::evidence {
namespace {

std::vector<std::string> split(std::string_view text, char at) {
  std::vector<std::string> out;
  while (true) {
    const std::size_t end = text.find(at);
    if (!text.substr(0, end).empty()) out.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return out;
    text.remove_prefix(end + 1);
  }
}

// Up to the next blank that is not inside double quotes.
std::string_view take_word(std::string_view& text) {
  text = trim(text);
  bool quoted = false;
  std::size_t end = 0;
  for (; end < text.size() && (quoted || (text[end] != ' ' && text[end] != '\t')); ++end) {
    if (text[end] == '"') quoted = !quoted;
  }
  const std::string_view word = text.substr(0, end);
  text = trim(text.substr(end));
  return word;
}

std::optional<int> digits(std::string_view text) {
  int out = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    out = out * 10 + (c - '0');
  }
  return out;
}

// YYYYMMDD[HHMM[SS]][Z]
std::optional<std::int64_t> time_of(std::string_view text) {
  if (text.ends_with('Z')) text.remove_suffix(1);
  if (text.size() != 8 && text.size() != 12 && text.size() != 14) return std::nullopt;
  const auto part = [&](std::size_t at, std::size_t length) { return at < text.size() ? digits(text.substr(at, length)) : std::optional<int>(0); };
  const auto year = part(0, 4);
  const auto month = part(4, 2);
  const auto day = part(6, 2);
  const auto hour = part(8, 2);
  const auto minute = part(10, 2);
  const auto second = part(12, 2);
  if (!year || !month || !day || !hour || !minute || !second || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{*year}, std::chrono::month{static_cast<unsigned>(*month)}, std::chrono::day{static_cast<unsigned>(*day)}};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days{date}.time_since_epoch().count() * std::int64_t{86'400} + *hour * 3600 + *minute * 60 + *second;
}

// Empty: fine.
std::string read_option(std::string_view option, AllowedSigner& out) {
  const std::size_t equals = option.find('=');
  std::string_view value = equals == std::string_view::npos ? std::string_view() : option.substr(equals + 1);
  if (value.size() >= 2 && value.starts_with('"') && value.ends_with('"')) value = value.substr(1, value.size() - 2);
  std::string name(option.substr(0, equals));
  std::ranges::transform(name, name.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  if (name == "namespaces") {
    out.purposes = split(value, ',');
    return out.purposes.empty() ? "`namespaces` names none" : "";
  }
  if (name == "valid-after" || name == "valid-before") {
    const auto time = time_of(value);
    if (!time) return "`" + escape(value) + "` is no time; write YYYYMMDDHHMMSSZ";
    (name == "valid-after" ? out.valid_after_s : out.valid_before_s) = time;
    return "";
  }
  if (name == "cert-authority") return "certificates are not taken: name each key";
  return "the option `" + escape(name) + "` is not known";
}

bool is_options(std::string_view word) {
  return word != "webauthn" && (word.find('=') != std::string_view::npos || word == "cert-authority");
}

// Empty: fine. `options` are separated by commas outside of quotes.
std::string read_options(std::string_view options, AllowedSigner& out) {
  bool quoted = false;
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= options.size(); ++i) {
    if (i < options.size() && options[i] == '"') quoted = !quoted;
    if (i < options.size() && (quoted || options[i] != ',')) continue;
    if (std::string wrong = read_option(options.substr(begin, i - begin), out); !wrong.empty()) return wrong;
    begin = i + 1;
  }
  return quoted ? "a quote is not closed" : "";
}

std::string read_signer(std::string_view line, AllowedSigner& out) {
  std::string_view persons = take_word(line);
  if (persons.size() >= 2 && persons.starts_with('"') && persons.ends_with('"')) persons = persons.substr(1, persons.size() - 2);
  out.persons = split(persons, ',');
  if (out.persons.empty() || persons.find_first_of("*?!") != std::string_view::npos) return "name each person: patterns are not taken";
  std::string_view rest = line;
  if (const std::string_view word = take_word(rest); is_options(word)) {
    if (std::string wrong = read_options(word, out); !wrong.empty()) return wrong;
    line = rest;
    take_word(rest);
  }
  if (line.starts_with("webauthn ")) {
    out.key = {"webauthn", std::string(trim(rest)), false};
  } else {
    out.key = {"ssh", std::string(line), false};
  }
  return flaw_of(out.key) == Flaw::kNone ? "" : "the key cannot be used";
}

}  // namespace

bool AllowedSigner::may(std::string_view person, std::string_view purpose, std::int64_t at_s) const {
  if (std::ranges::find(persons, person) == persons.end()) return false;
  const auto is_this = [purpose](const std::string& one) { return one == purpose || one == "*"; };
  if (!purposes.empty() && std::ranges::none_of(purposes, is_this)) return false;
  return (!valid_after_s || at_s >= *valid_after_s) && (!valid_before_s || at_s < *valid_before_s);
}

AllowedSigners parse_allowed_signers(std::string_view text) {
  AllowedSigners out;
  const auto wrong = [&](std::size_t line, std::string what) {
    out.all.clear();
    out.bad_line = line;
    out.error = std::move(what);
    return out;
  };
  if (text.size() > kAllowedSignersMax) return wrong(1, "the file is too long");
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    const std::string_view line = trim(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.empty() || line.starts_with('#')) continue;
    AllowedSigner one;
    if (std::string what = read_signer(line, one); !what.empty()) return wrong(number, std::move(what));
    out.all.push_back(std::move(one));
  }
  return out;
}

}  // namespace jit::evidence
