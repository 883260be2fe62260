// SPDX-License-Identifier: Apache-2.0
// Entries are found by columns beside them and by the filters of their segments, which no signature covers: each is compared with what
// the entry itself says whenever the log is read as a whole.
#include <algorithm>
#include <optional>

#include "broker/store/leaves.h"
#include "broker/store/reader.h"
#include "broker/store/segments.h"

namespace jit::store {
namespace {

constexpr const char* kFiledColumns = ", wall, type, request, issued, about, other, told <> '', told_other <> ''";
constexpr std::size_t kFollowed = 8;  // who reads on, page by page

std::string id_in(const evidence::Json& leaf, const char* name) {
  const auto found = leaf.find(name);
  const auto id = found != leaf.end() && found->is_string() ? core::Id::parse(found->get_ref<const std::string&>()) : std::nullopt;
  return id && !id->empty() ? std::string(evidence::text_of(id->bytes)) : std::string();
}

bool covers(std::string_view filter, std::string_view least) {
  return filter.size() == least.size() && std::ranges::equal(filter, least, [](char all, char some) { return (all & some) == some; });
}

}  // namespace

Reader::Filed Reader::filed_in(Row& row) {
  Filed out;
  out.wall = row.number<core::WallMs>();
  out.type = row.bytes();
  out.request = row.bytes();
  out.issued = row.bytes();
  out.about = row.bytes();
  out.other = row.bytes();
  out.told = row.flag();
  out.told_other = row.flag();
  return out;
}

// Whether it is what the leaf and what is told of people say. A leaf that was edited is named by its hash.
bool Reader::is_filed(const LogEntry& entry, const Filed& filed) {
  const evidence::Json leaf = evidence::Json::parse(entry.leaf, nullptr, false);
  if (!leaf.is_object()) return true;
  const Tellings tellings = tellings_of(entry.personal);
  return leaf.value("time", evidence::Json()) == filed.wall && leaf.value("type", evidence::Json()) == filed.type && id_in(leaf, "request") == filed.request &&
         id_in(leaf, "grant") == filed.issued && filed.about == (filed.told ? tellings.about : std::string()) && filed.other == (filed.told_other ? tellings.other : std::string());
}

// The filter of a whole segment holds all that its entries tell of, and more once some was erased.
bool Reader::is_segment_whole(std::uint64_t number, const Segment& least, bool& good) {
  good = false;
  return query("SELECT until, filter FROM segments WHERE number = ?", [number](Bind& bind) { bind.number(number); }, [&](Row& row) {
    const auto until = row.number<std::int64_t>();
    good = until >= least.until && covers(row.view(), least.filter.bytes());
  });
}

// Whoever reads the log from its beginning to its end comes page by page; of each of some readers is kept what the segment told of so far.
bool Reader::follow(Followed& followed, const LogEntry& entry, const Filed& filed) {
  followed.least.filter.add(filed.request, filed.issued, filed.type, filed.about, filed.other);
  followed.least.until = std::max(followed.least.until, filed.wall);
  if (entry.sequence % kSegment != 0) return true;
  const std::uint64_t number = entry.sequence / kSegment - 1;
  bool good = true;
  if (followed.whole && !is_segment_whole(number, followed.least, good)) return false;
  if (!good && misfiled_segment_.value_or(number) >= number) misfiled_segment_ = number;
  followed = {true, {}};
  return true;
}

std::vector<LogEntry> Reader::log(std::uint64_t after, std::size_t limit) {
  return snapshot<std::vector<LogEntry>>([&](std::vector<LogEntry>& found) {
    std::optional<Cut> cut;
    if (!read_cut(cut)) return false;
    Followed followed{after % kSegment == 0 || after <= cut->size, {}};
    if (auto known = followed_.extract(after)) followed = std::move(known.mapped());
    std::vector<Filed> filed;
    const std::string columns = std::string(kLeafColumns) + kFiledColumns;
    if (!query("SELECT " + columns + " FROM audit WHERE sequence > ? ORDER BY sequence LIMIT ?", [&](Bind& bind) { bind.number(after).number(bounded(limit)); }, [&](Row& row) {
          found.push_back(leaf_in(row));
          filed.push_back(filed_in(row));
        })) {
      return false;
    }
    for (std::size_t i = 0; i < found.size(); ++i) {
      if (!is_filed(found[i], filed[i]) && (misfiled_ == 0 || found[i].sequence < misfiled_)) misfiled_ = found[i].sequence;
      if (!follow(followed, found[i], filed[i])) return false;
    }
    if (!found.empty()) followed_.insert_or_assign(found.back().sequence, std::move(followed));
    if (followed_.size() > kFollowed) followed_.erase(followed_.begin());
    return true;
  });
}

// What was put right since, or is in the archive now, is none any more.
std::uint64_t Reader::misfiled() {
  if (misfiled_ == 0 && !misfiled_segment_) return 0;
  std::uint64_t out = 0;
  snapshot<bool>([&](bool&) {
    bool wrong = false;
    if (misfiled_ != 0 && !query(std::string("SELECT ") + kLeafColumns + kFiledColumns + " FROM audit WHERE sequence = ?", [&](Bind& bind) { bind.number(misfiled_); }, [&](Row& row) {
          const LogEntry entry = leaf_in(row);
          wrong = !is_filed(entry, filed_in(row));
        })) {
      return false;
    }
    if (wrong) out = misfiled_;
    misfiled_ = out;
    if (!misfiled_segment_) return true;
    const std::uint64_t first = *misfiled_segment_ * kSegment + 1;
    Segment least;
    std::optional<Cut> cut;
    bool good = true;
    if (!read_cut(cut)) return false;
    if (first + kSegment - 1 > cut->size) {
      if (const int code = read_segment(db_.get(), first, first + kSegment - 1, least); code != SQLITE_OK) return fail(code);
      if (!is_segment_whole(*misfiled_segment_, least, good)) return false;
    }
    if (good) {
      misfiled_segment_.reset();
    } else if (out < first || out >= first + kSegment) {
      const std::uint64_t there = std::max(first, cut->size + 1);
      out = out == 0 ? there : std::min(out, there);
    }
    return true;
  });
  return out;
}

}  // namespace jit::store
