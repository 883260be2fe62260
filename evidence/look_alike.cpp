// SPDX-License-Identifier: Apache-2.0
#include "evidence/look_alike.h"

#include <algorithm>
#include <array>

#include "evidence/utf8.h"

namespace jit::evidence {
namespace {

struct Range {
  char32_t first, last;
};

// Blocks of Unicode 15; what is not a letter in them does no harm here.
constexpr std::array kLatin = {Range{'A', 'Z'}, Range{'a', 'z'}, Range{0xc0, 0x24f}, Range{0x1e00, 0x1eff}};
constexpr std::array kTwins = {
    Range{0x250, 0x2af},     // phonetic
    Range{0x370, 0x3ff},     // Greek
    Range{0x400, 0x482},     // Cyrillic
    Range{0x48a, 0x52f},
    Range{0x530, 0x58f},     // Armenian
    Range{0x13a0, 0x13ff},   // Cherokee
    Range{0x1c80, 0x1c8f},   // Cyrillic
    Range{0x1d00, 0x1dbf},   // phonetic
    Range{0x1f00, 0x1fff},   // Greek
    Range{0x2100, 0x218f},   // letter-like, Roman numbers
    Range{0x2c80, 0x2cff},   // Coptic
    Range{0xa4d0, 0xa4ff},   // Lisu
    Range{0xa640, 0xa69f},   // Cyrillic
    Range{0xab30, 0xabbf},   // phonetic, Cherokee
    Range{0xff21, 0xff5a},   // full width
    Range{0x1d400, 0x1d7ff}, // mathematical
};
constexpr std::array kHidden = {
    Range{0xad, 0xad},     Range{0x300, 0x36f},   Range{0x483, 0x489},   Range{0x61c, 0x61c},   Range{0x115f, 0x1160}, Range{0x17b4, 0x17b5},
    Range{0x180b, 0x180f}, Range{0x1ab0, 0x1aff}, Range{0x1dc0, 0x1dff}, Range{0x200b, 0x200f}, Range{0x202a, 0x202e}, Range{0x2060, 0x206f},
    Range{0x20d0, 0x20ff}, Range{0x3164, 0x3164}, Range{0xfe00, 0xfe0f}, Range{0xfe20, 0xfe2f}, Range{0xfeff, 0xfeff}, Range{0xffa0, 0xffa0},
    Range{0xe0000, 0xe0fff},
};

template <std::size_t N>
bool is_in(const std::array<Range, N>& ranges, char32_t value) {
  return std::ranges::any_of(ranges, [&](const Range& range) { return value >= range.first && value <= range.last; });
}

bool ends_word(char32_t value) {
  const bool letter = (value >= 'a' && value <= 'z') || (value >= 'A' && value <= 'Z');
  return value < 0x80 && !letter && !(value >= '0' && value <= '9');
}

}  // namespace

bool looks_alike(std::string_view bytes) {
  bool latin = false, twin = false;
  while (!bytes.empty()) {
    const CodePoint next = first_code_point(bytes);
    bytes.remove_prefix(std::max<std::size_t>(next.length, 1));
    if (next.length == 0 || ends_word(next.value)) {
      latin = twin = false;
      continue;
    }
    if (is_in(kHidden, next.value)) return true;
    latin = latin || is_in(kLatin, next.value);
    twin = twin || is_in(kTwins, next.value);
    if (latin && twin) return true;
  }
  return false;
}

std::vector<std::string_view> look_alikes(const TextsRead& texts) {
  const auto any = [](std::span<const std::string> words) { return std::ranges::any_of(words, looks_alike); };
  std::vector<std::string_view> out;
  if (looks_alike(texts.user) || looks_alike(texts.person) || looks_alike(texts.tty)) out.emplace_back("subject");
  if (looks_alike(texts.target) || looks_alike(texts.group)) out.emplace_back("target");
  if (any(texts.argv) || looks_alike(texts.path) || any(texts.options) || any(texts.env)) out.emplace_back("command");
  if (looks_alike(texts.cwd)) out.emplace_back("cwd");
  if (looks_alike(texts.reason)) out.emplace_back("reason");
  if (looks_alike(texts.ticket)) out.emplace_back("ticket");
  return out;
}

}  // namespace jit::evidence
