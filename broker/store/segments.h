// SPDX-License-Identifier: Apache-2.0
// Finds entries of the log by what they tell of, without an index of rows: an index would be written to at random places with every
// commit, which cost more than all the rest of it. Instead each 1,024 entries have one Bloom filter (B. H. Bloom, 1970), written
// once; who looks for something reads the filters, and then the entries where it may stand. Entries behind the last whole segment
// are always looked at.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "broker/store/sqlite.h"

namespace jit::store {

inline constexpr std::uint64_t kSegment = 1024;  // entries; number n holds n * 1024 + 1 to n * 1024 + 1024

// 4,096 bytes: it says "may be" wrongly once in fifty times where each entry tells of four things of its own, and hardly ever else.
class Filter {
 public:
  static constexpr std::size_t kBytes = 4096;
  enum class Kind : char { kId = 'i', kType = 't', kPerson = 'p' };  // an id is one of a request or a grant
  static std::uint64_t key(Kind kind, std::string_view value);
  static bool may_hold(std::string_view filter, std::uint64_t key);  // true also for a filter that is none

  // What one entry tells of; an empty one is not told of.
  void add(std::string_view request, std::string_view grant, std::string_view type, std::string_view about, std::string_view other);
  void clear() { bytes_.assign(kBytes, '\0'); }
  const std::string& bytes() const { return bytes_; }

 private:
  void add(Kind kind, std::string_view value);
  std::string bytes_ = std::string(kBytes, '\0');
};

struct Segment {
  Filter filter;
  std::int64_t until = 0;  // the latest time in it, by the wall clock
};
// Of these entries as they are now; SQLite's code.
int read_segment(sqlite3* db, std::uint64_t first, std::uint64_t last, Segment& segment);
int write_segment(sqlite3* db, std::uint64_t number, const Segment& segment);

}  // namespace jit::store
