// SPDX-License-Identifier: Apache-2.0
// Entries are found by columns beside them and by the filters of their segments, which no signature covers: each is compared with what
// the entry itself says whenever the log is read as a whole.
#include <algorithm>

#include "broker/store/leaves.h"
#include "broker/store/reader.h"
#include "broker/store/segments.h"

namespace jit::store {
namespace {

std::string id_in(const evidence::Json& leaf, const char* name) {
  const auto found = leaf.find(name);
  const auto id = found != leaf.end() && found->is_string() ? core::Id::parse(found->get_ref<const std::string&>()) : std::nullopt;
  return id && !id->empty() ? std::string(evidence::text_of(id->bytes)) : std::string();
}

bool covers(std::string_view filter, std::string_view least) {
  return filter.size() == least.size() && std::ranges::equal(filter, least, [](char all, char some) { return (all & some) == some; });
}

}  // namespace

// Whether a row of kFiledColumns is what the leaf and what is told of people say. A leaf that was edited is named by its hash.
bool Reader::is_filed(const LogEntry& entry, Row& row) {
  const auto wall = row.number<core::WallMs>();
  const std::string type = row.bytes();
  const std::string request = row.bytes();
  const std::string issued = row.bytes();
  const std::string about = row.bytes();
  const std::string other = row.bytes();
  const bool told = row.flag();
  const bool told_other = row.flag();
  const evidence::Json leaf = evidence::Json::parse(entry.leaf, nullptr, false);
  if (!leaf.is_object()) return true;
  const Tellings tellings = tellings_of(entry.personal);
  return leaf.value("time", evidence::Json()) == wall && leaf.value("type", evidence::Json()) == type && id_in(leaf, "request") == request && id_in(leaf, "grant") == issued &&
         about == (told ? tellings.about : std::string()) && other == (told_other ? tellings.other : std::string());
}

// The filter of a whole segment holds all that its entries tell of, and more once some was erased.
bool Reader::check_segment(std::uint64_t number) {
  const std::uint64_t first = number * kSegment + 1;
  if (misfiled_ >= first && misfiled_ < first + kSegment) return true;
  Segment least;
  if (const int code = read_segment(db_.get(), first, first + kSegment - 1, least); code != SQLITE_OK) return fail(code);
  bool good = false;
  const bool read = query("SELECT until, filter FROM segments WHERE number = ?", [number](Bind& bind) { bind.number(number); }, [&](Row& row) {
    const auto until = row.number<std::int64_t>();
    good = until >= least.until && covers(row.view(), least.filter.bytes());
  });
  if (read && !good) note_misfiled(first);
  return read;
}

void Reader::note_misfiled(std::uint64_t sequence) { misfiled_ = misfiled_ == 0 ? sequence : std::min(misfiled_, sequence); }

std::vector<LogEntry> Reader::log(std::uint64_t after, std::size_t limit) {
  if (misfiled_ > after) misfiled_ = 0;  // it is looked at again
  return snapshot<std::vector<LogEntry>>([&](std::vector<LogEntry>& found) {
    const bool read = query(std::string("SELECT ") + kLeafColumns + ", wall, type, request, issued, about, other, told <> '', told_other <> '' FROM audit "
                                                                    "WHERE sequence > ? ORDER BY sequence LIMIT ?",
                            [&](Bind& bind) { bind.number(after).number(bounded(limit)); }, [&](Row& row) {
                              found.push_back(leaf_in(row));
                              if (!is_filed(found.back(), row)) note_misfiled(found.back().sequence);
                            });
    return read && std::ranges::all_of(found, [this](const LogEntry& entry) {
      return entry.sequence % kSegment != 0 || check_segment(entry.sequence / kSegment - 1);
    });
  });
}

}  // namespace jit::store
