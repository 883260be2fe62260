// SPDX-License-Identifier: Apache-2.0
#include "evidence/text.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "evidence/utf8.h"

namespace jit::evidence {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";

void append_byte(std::string& out, unsigned char byte) {
  out += "\\x";
  out += kHexDigits[byte >> 4U];
  out += kHexDigits[byte & 0x0fU];
}

void append_code_point(std::string& out, char32_t value) {
  std::array<char, 8> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), static_cast<std::uint32_t>(value), 16);
  out += "\\u{";
  out.append(digits.data(), end.ptr);
  out += '}';
}

// Appends what the first character of `text` is written as; returns how many bytes it took (0 at the end).
std::size_t append_first(std::string& out, std::string_view text) {
  if (text.empty()) return 0;
  const auto byte = static_cast<unsigned char>(text.front());
  switch (byte) {
    case '\\': out += "\\\\"; return 1;
    case '\n': out += "\\n"; return 1;
    case '\t': out += "\\t"; return 1;
    case '\r': out += "\\r"; return 1;
    default: break;
  }
  if (byte >= 0x20 && byte < 0x7f) {
    out += text.front();
    return 1;
  }
  const CodePoint next = first_code_point(text);
  if (byte < 0x80 || next.length == 0) {
    append_byte(out, byte);
    return 1;
  }
  append_code_point(out, next.value);
  return next.length;
}

void append_utf8(std::string& out, std::uint32_t value) {
  const auto tail = [&](unsigned shift) { out += static_cast<char>(0x80U | ((value >> shift) & 0x3fU)); };
  if (value < 0x80) {
    out += static_cast<char>(value);
  } else if (value < 0x800) {
    out += static_cast<char>(0xc0U | (value >> 6U));
    tail(0);
  } else if (value < 0x10000) {
    out += static_cast<char>(0xe0U | (value >> 12U));
    tail(6);
    tail(0);
  } else {
    out += static_cast<char>(0xf0U | ((value >> 18U) & 0x07U));
    tail(12);
    tail(6);
    tail(0);
  }
}

// The number that these hex digits are; nothing where there are others, or none.
std::optional<std::uint32_t> hex_number(std::string_view digits) {
  std::uint32_t value = 0;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  if (digits.empty() || parsed.ec != std::errc() || parsed.ptr != digits.data() + digits.size()) return std::nullopt;
  return value;
}

// Appends what one escape stands for and takes it off; false where it is none.
bool append_escape(std::string& out, std::string_view& text) {
  const char kind = text.size() > 1 ? text[1] : '\0';
  std::size_t length = 2;
  switch (kind) {
    case '\\': out += '\\'; break;
    case 'n': out += '\n'; break;
    case 't': out += '\t'; break;
    case 'r': out += '\r'; break;
    case 'x': {
      const auto value = text.size() < 4 ? std::nullopt : hex_number(text.substr(2, 2));
      if (!value) return false;
      out += static_cast<char>(*value);
      length = 4;
      break;
    }
    case 'u': {
      const std::size_t end = text.find('}');
      const auto value = end == std::string_view::npos || end < 4 || text[2] != '{' ? std::nullopt : hex_number(text.substr(3, end - 3));
      if (!value) return false;
      append_utf8(out, *value);
      length = end + 1;
      break;
    }
    default: return false;
  }
  text.remove_prefix(length);
  return true;
}

bool plain_word(std::string_view word) {
  constexpr std::string_view kPlain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_@%+=:,./-";
  return !word.empty() && word.find_first_not_of(kPlain) == std::string_view::npos;
}

}  // namespace

std::string escape(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  while (const std::size_t taken = append_first(out, bytes)) bytes.remove_prefix(taken);
  return out;
}

std::optional<std::string> unescape(std::string_view escaped) {
  if (std::ranges::all_of(escaped, [](char c) { return c >= ' ' && c <= '~' && c != '\\'; })) return std::string(escaped);
  std::string out;
  std::string_view rest = escaped;
  while (!rest.empty()) {
    if (rest.front() != '\\') {
      out += rest.front();
      rest.remove_prefix(1);
    } else if (!append_escape(out, rest)) {
      return std::nullopt;
    }
  }
  // One text has one escaped form: what has another was not written by us.
  if (escape(out) != escaped) return std::nullopt;
  return out;
}

std::string render_argv(std::span<const std::string> argv) {
  std::string out;
  for (std::size_t i = 0; i < argv.size(); ++i) {
    if (i > 0) out += ' ';
    if (plain_word(argv[i])) {
      out += argv[i];
      continue;
    }
    out += '"';
    // A quote in the escaped text is always one of the word itself: no escape contains one.
    for (const char c : escape(argv[i])) {
      if (c == '"') out += '\\';
      out += c;
    }
    out += '"';
  }
  return out;
}

std::string escape_to(std::string_view text, std::size_t bytes) {
  const std::string mark = "... (" + std::to_string(text.size()) + " bytes)";
  const std::size_t room = bytes > mark.size() ? bytes - mark.size() : 0;
  std::string out;
  std::size_t fits = 0;  // of `out`: what leaves room for the mark
  std::string_view rest = text;
  while (out.size() <= bytes) {
    if (out.size() <= room) fits = out.size();
    const std::size_t taken = append_first(out, rest);
    if (taken == 0) return out;
    rest.remove_prefix(taken);
  }
  out.resize(fits);
  out += mark;
  if (out.size() > bytes) out.resize(bytes);  // no room even for the mark: its dots
  return out;
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\n\v\f\r";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

std::string hex(std::span<const std::uint8_t> bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const std::uint8_t byte : bytes) {
    out += kHexDigits[byte >> 4U];
    out += kHexDigits[byte & 0x0fU];
  }
  return out;
}

}  // namespace jit::evidence
