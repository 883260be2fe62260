// SPDX-License-Identifier: Apache-2.0
#include "broker/store/segments.h"

#include <algorithm>

#include "broker/store/schema.h"

namespace jit::store {
namespace {

constexpr unsigned kProbes = 5;

// The last step of MurmurHash3 (public domain): each bit of the one side moves half of those of the other.
std::uint64_t mixed(std::uint64_t x) {
  x ^= x >> 33U;
  x *= 0xff51afd7ed558ccdULL;
  x ^= x >> 33U;
  x *= 0xc4ceb9fe1a85ec53ULL;
  return x ^ (x >> 33U);
}

// Double hashing: A. Kirsch and M. Mitzenmacher, 2006.
template <class Bit>
bool each_bit(std::uint64_t key, const Bit& bit) {
  const std::uint64_t step = mixed(key) | 1U;
  for (unsigned i = 0; i < kProbes; ++i, key += step) {
    const std::uint64_t at = key % (Filter::kBytes * 8);
    if (!bit(at / 8, static_cast<char>(1U << (at % 8)))) return false;
  }
  return true;
}

}  // namespace

std::uint64_t Filter::key(Kind kind, std::string_view value) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;  // FNV-1a
  const auto add = [&hash](char c) { hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL; };
  add(static_cast<char>(kind));
  std::ranges::for_each(value, add);
  return mixed(hash);
}

void Filter::add(Kind kind, std::string_view value) {
  if (value.empty()) return;
  each_bit(key(kind, value), [this](std::uint64_t at, char bit) {
    bytes_[at] = static_cast<char>(bytes_[at] | bit);
    return true;
  });
}

void Filter::add(std::string_view request, std::string_view grant, std::string_view type, std::string_view about, std::string_view other) {
  add(Kind::kId, request);
  add(Kind::kId, grant);
  add(Kind::kType, type);
  add(Kind::kPerson, about);
  add(Kind::kPerson, other);
  // Each of several: "bob, carol", "eve (uid:1003)".
  for (std::string_view rest = other; !rest.empty();) {
    const std::string_view name = rest.substr(0, rest.find(", "));
    rest.remove_prefix(std::min(name.size() + 2, rest.size()));
    if (name.size() != other.size()) add(Kind::kPerson, name);
    const std::size_t inside = name.find(" (");
    if (inside != std::string_view::npos && name.ends_with(')')) add(Kind::kPerson, name.substr(inside + 2, name.size() - inside - 3));
  }
}

bool Filter::may_hold(std::string_view filter, std::uint64_t key) {
  if (filter.size() != kBytes) return true;
  return each_bit(key, [filter](std::uint64_t at, char bit) { return (filter[at] & bit) != 0; });
}

int read_segment(sqlite3* db, std::uint64_t first, std::uint64_t last, Segment& segment) {
  const Stmt stmt = prepare(db, "SELECT wall, request, issued, type, about, other FROM audit WHERE sequence BETWEEN ? AND ?");
  if (!stmt) return sqlite3_extended_errcode(db);
  Bind bind(stmt.get());
  bind.number(first).number(last);
  int code = bind.code();
  while (code == SQLITE_OK && (code = sqlite3_step(stmt.get())) == SQLITE_ROW) {
    Row row(stmt.get());
    segment.until = std::max(segment.until, row.number<std::int64_t>());
    const std::string request = row.bytes();
    const std::string grant = row.bytes();
    const std::string type = row.bytes();
    const std::string about = row.bytes();
    segment.filter.add(request, grant, type, about, row.bytes());
    code = SQLITE_OK;
  }
  return code == SQLITE_DONE ? SQLITE_OK : code;
}

int write_segment(sqlite3* db, std::uint64_t number, const Segment& segment) {
  const Stmt stmt = prepare(db, "REPLACE INTO segments (number, until, filter) VALUES (?, ?, ?)");
  if (!stmt) return sqlite3_extended_errcode(db);
  Bind bind(stmt.get());
  bind.number(number).number(segment.until).bytes(segment.filter.bytes());
  return bind.code() != SQLITE_OK ? bind.code() : step(stmt.get());
}

int fill_segments(sqlite3* db) {
  const Stmt range = prepare(db, "SELECT cut, (SELECT coalesce(max(sequence), 0) FROM audit) FROM log");
  if (!range) return sqlite3_extended_errcode(db);
  if (const int code = sqlite3_step(range.get()); code != SQLITE_ROW) return code == SQLITE_DONE ? SQLITE_CORRUPT : code;
  Row row(range.get());
  const auto cut = row.number<std::uint64_t>();
  const auto last = row.number<std::uint64_t>();
  for (std::uint64_t number = cut / kSegment; (number + 1) * kSegment <= last; ++number) {
    Segment segment;
    int code = read_segment(db, number * kSegment + 1, (number + 1) * kSegment, segment);
    if (code == SQLITE_OK) code = write_segment(db, number, segment);
    if (code != SQLITE_OK) return code;
  }
  return SQLITE_OK;
}

}  // namespace jit::store
