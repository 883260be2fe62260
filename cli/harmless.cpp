// SPDX-License-Identifier: Apache-2.0
#include "cli/harmless.h"

#include <algorithm>
#include <array>

#include "evidence/text.h"
#include "evidence/utf8.h"

namespace jit::cli {

namespace {

constexpr char kEsc = '\x1b';
constexpr std::size_t kSequenceMost = 256;

bool plain_ascii(char c) { return c >= 0x20 && c < 0x7f; }

// Neither invisible nor turning the direction of what stands around it.
bool is_visible(char32_t c) {
  return c >= 0xa0 && c != 0xad && !(c >= 0x200b && c <= 0x200f) && !(c >= 0x2028 && c <= 0x202e) && !(c >= 0x2060 && c <= 0x206f) &&
         c != 0xfeff && c < 0xe0000;
}

// How many bytes the first one announces.
std::size_t announced(char first) {
  const auto byte = static_cast<unsigned char>(first);
  return byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
}

// Modes that end with the picture: the keypad, the cursor, wrapping, the second screen.
bool drawing_modes(std::string_view modes) {
  constexpr std::array<std::string_view, 11> kDrawingModes = {"4", "34", "?1", "?7", "?12", "?25", "?47", "?1047", "?1048", "?1049", "?12;25"};
  return std::ranges::find(kDrawingModes, modes) != kDrawingModes.end();
}

bool draws(std::string_view parameters, char final) {
  constexpr std::string_view kFinals = "ABCDEFGHIJKLMPSTXZ@`bdfmr";
  if (final == 'h' || final == 'l') return drawing_modes(parameters);
  return kFinals.find(final) != std::string_view::npos && std::ranges::all_of(parameters, [](char c) { return (c >= '0' && c <= '9') || c == ';' || c == ':'; });
}

struct Sequence {
  std::size_t length = 0;  // 0: there may come more
  bool drawn = false;      // else it is left out; of length 1 it is no sequence
};

Sequence control_sequence(std::string_view text) {
  const std::size_t end = std::min(text.size(), kSequenceMost);
  std::size_t at = 2;
  while (at < end && text[at] >= 0x20 && text[at] < 0x40) ++at;
  if (at == text.size() && at < kSequenceMost) return {};
  if (at >= end || text[at] < 0x40 || text[at] > 0x7e) return {1};
  return {at + 1, draws(text.substr(2, at - 2), text[at])};
}

// A name or a colour of the terminal, text for its clipboard.
Sequence command_string(std::string_view text) {
  std::size_t at = 2;
  while (at < std::min(text.size(), kSequenceMost) && plain_ascii(text[at])) ++at;
  if (at == text.size() && at < kSequenceMost) return {};
  if (at >= kSequenceMost) return {1};
  if (text[at] == '\a') return {at + 1};
  if (text[at] != kEsc) return {1};
  if (at + 1 == text.size()) return {};
  return text[at + 1] == '\\' ? Sequence{at + 2} : Sequence{1};
}

Sequence sequence_at(std::string_view text) {
  if (text.size() < 2) return {};
  constexpr std::string_view kShort = "=>78M";
  constexpr std::string_view kCharacterSets = "AB0";
  const char kind = text[1];
  if (kind == '[') return control_sequence(text);
  if (kind == ']') return command_string(text);
  if (kShort.find(kind) != std::string_view::npos) return {2, true};
  if (kind != '(' && kind != ')') return {1};
  if (text.size() < 3) return {};
  return kCharacterSets.find(text[2]) != std::string_view::npos ? Sequence{3, true} : Sequence{1};
}

// Appends what may be written of the begin, and gives its length; 0: there may come more.
std::size_t take_first(std::string& out, std::string_view text, bool screen, bool whole) {
  constexpr std::string_view kDrawing = "\r\b\a\x0e\x0f";
  const char first = text.front();
  if (screen && first == kEsc) {
    const Sequence found = sequence_at(text);
    if (found.length == 0 && !whole) return 0;
    if (found.length > 1) {
      if (found.drawn) out += text.substr(0, found.length);
      return found.length;
    }
  }
  if (plain_ascii(first) || first == '\n' || first == '\t' || (screen && kDrawing.find(first) != std::string_view::npos)) {
    out += first;
    return 1;
  }
  const evidence::CodePoint point = evidence::first_code_point(text);
  if (point.length == 0 && !whole && text.size() < announced(first)) return 0;
  const std::size_t length = std::max<std::size_t>(point.length, 1);
  out += is_visible(point.value) ? std::string(text.substr(0, length)) : evidence::escape(text.substr(0, length));
  return length;
}

}  // namespace

std::string Harmless::pass(std::string_view bytes) {
  kept_ += bytes;
  return taken(false);
}

std::string Harmless::end() { return taken(true); }

std::string Harmless::taken(bool whole) {
  std::string out;
  std::string_view rest = kept_;
  while (!rest.empty()) {
    const std::size_t length = take_first(out, rest, screen_, whole);
    if (length == 0) break;
    rest.remove_prefix(length);
  }
  kept_ = std::string(rest);
  return out;
}

std::string harmless_line(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  return std::ranges::all_of(line, plain_ascii) ? std::string(line) : evidence::escape(line);
}

Json harmless_document(Json document) {
  if (document.is_string()) return harmless_line(document.get<std::string>());
  if (document.is_array()) {
    for (Json& each : document) each = harmless_document(std::move(each));
  }
  if (!document.is_object()) return document;
  Json out = Json::object();
  for (const auto& each : document.items()) out[harmless_line(each.key())] = harmless_document(each.value());
  return out;
}

}  // namespace jit::cli
