// SPDX-License-Identifier: Apache-2.0
#include "host/glob.h"

#include <bitset>
#include <cstdint>
#include <set>
#include <utility>
#include <vector>

namespace jit::host {
namespace {

constexpr std::size_t kMostParts = 60;
constexpr std::size_t kMostStates = 20'000;
constexpr unsigned kFirst = 0x21, kLast = 0x7e;  // what a name of a terminal is made of

struct Part {
  bool star = false;
  std::bitset<256> bytes;  // of one character, where it is no star
};
using Parts = std::vector<Part>;
using States = std::uint64_t;  // bit i: the parts before i are matched

unsigned char byte_of(char c) { return static_cast<unsigned char>(c); }

// `at` is behind the [; where the set ends. npos: it never does, so the [ stands for itself. Nothing: not read here.
std::optional<std::size_t> read_set(std::string_view text, std::size_t at, Part& part) {
  const bool inverted = at < text.size() && (text[at] == '!' || text[at] == '^');
  if (inverted) ++at;
  for (bool first = true; at < text.size(); first = false) {
    if (text[at] == ']' && !first) {
      if (inverted) part.bytes.flip();
      return at + 1;
    }
    if (text[at] == '[' && at + 1 < text.size() && std::string_view(":.=").find(text[at + 1]) != std::string_view::npos) return std::nullopt;
    if (text[at] == '\\') return std::nullopt;
    const unsigned from = byte_of(text[at++]);
    unsigned to = from;
    if (at + 1 < text.size() && text[at] == '-' && text[at + 1] != ']') {
      if (text[at + 1] == '\\' || text[at + 1] == '[') return std::nullopt;
      to = byte_of(text[at + 1]);
      at += 2;
    }
    for (unsigned c = from; c <= to; ++c) part.bytes.set(c);
  }
  return std::string_view::npos;
}

std::optional<Parts> parse(std::string_view text) {
  Parts out;
  for (std::size_t at = 0; at < text.size();) {
    Part part;
    const char c = text[at++];
    if (c == '*') {
      part.star = true;
    } else if (c == '?') {
      part.bytes.set();
    } else if (c == '[') {
      const auto end = read_set(text, at, part);
      if (!end) return std::nullopt;
      if (*end == std::string_view::npos) {
        part.bytes.reset();
        part.bytes.set(byte_of(c));
      } else {
        at = *end;
      }
    } else {
      if (c == '\\' && at == text.size()) return std::nullopt;
      part.bytes.set(byte_of(c == '\\' ? text[at++] : c));
    }
    out.push_back(part);
    if (out.size() > kMostParts) return std::nullopt;
  }
  return out;
}

States bit(std::size_t at) { return States{1} << at; }

// A star may match nothing.
States reached(const Parts& parts, States states) {
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if ((states & bit(i)) != 0 && parts[i].star) states |= bit(i + 1);
  }
  return states;
}

States step(const Parts& parts, States states, unsigned c) {
  States out = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if ((states & bit(i)) == 0) continue;
    if (parts[i].star) out |= bit(i);
    else if (parts[i].bytes.test(c)) out |= bit(i + 1);
  }
  return reached(parts, out);
}

}  // namespace

std::optional<bool> covers(std::string_view wide, std::string_view narrow) {
  const auto all = parse(wide), some = parse(narrow);
  if (!all || !some) return std::nullopt;
  using Pair = std::pair<States, States>;
  std::vector<Pair> open{{reached(*all, 1), reached(*some, 1)}};
  std::set<Pair> seen(open.begin(), open.end());
  while (!open.empty()) {
    const Pair at = open.back();
    open.pop_back();
    if ((at.second & bit(some->size())) != 0 && (at.first & bit(all->size())) == 0) return false;
    for (unsigned c = kFirst; c <= kLast; ++c) {
      const Pair next{step(*all, at.first, c), step(*some, at.second, c)};
      if (next.second == 0 || !seen.insert(next).second) continue;
      if (seen.size() > kMostStates) return std::nullopt;
      open.push_back(next);
    }
  }
  return true;
}

}  // namespace jit::host
