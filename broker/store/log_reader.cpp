// SPDX-License-Identifier: Apache-2.0
// What is read of the log: as entries, as leaves, and as proofs.
#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <map>

#include "broker/store/his.h"
#include "broker/store/leaves.h"
#include "broker/store/reader.h"
#include "broker/store/segments.h"
#include "broker/store/tree.h"

namespace jit::store {
namespace {

constexpr std::size_t kProofMost = 1000;

constexpr std::array kHisElsewhere{JIT_HIS_VOTES, JIT_HIS_NETWORKS, "FROM request_states " JIT_ENDED_BY_HIM, "FROM request_states " JIT_REVIEWED_BY_HIM,
                                   "FROM grant_states " JIT_ENDED_BY_HIM, "FROM requests " JIT_ASKED_TO_BE_HIM, "FROM grants " JIT_WAS_HIM,
                                   JIT_HIS_REQUESTS, JIT_HIS_GRANTS};

// Somebody changed it in the file: it is shown where it stands, and the whole log says what is wrong with it.
core::AuditEntry damaged(std::uint64_t sequence, core::WallMs wall, std::string type) {
  core::AuditEntry out;
  out.sequence = sequence;
  out.wall = wall;
  out.type = std::move(type);
  out.fields = R"({"damaged":"this entry is not what was written; type: jitctl audit verify"})";
  return out;
}

}  // namespace

// The entries among which all that is wanted may stand, oldest first: those of whole segments, as their filters say, and the rest.
bool Reader::places(const Wanted& wanted, std::vector<Range>& found) {
  std::uint64_t rest = wanted.after + 1;
  const auto add = [&found](std::uint64_t first, std::uint64_t last) {
    if (!found.empty() && found.back().last + 1 == first) {
      found.back().last = last;
    } else {
      found.push_back({first, last});
    }
  };
  const bool read = query("SELECT number, until, filter FROM segments WHERE number >= ? ORDER BY number", [&](Bind& bind) { bind.number(wanted.after / kSegment); },
                          [&](Row& row) {
                            const auto number = row.number<std::uint64_t>();
                            const auto until = row.number<core::WallMs>();
                            const std::string_view filter = row.view();
                            const std::uint64_t first = std::max(number * kSegment, wanted.after) + 1;
                            rest = (number + 1) * kSegment + 1;
                            if (until < wanted.since || !std::ranges::all_of(wanted.keys, [filter](std::uint64_t key) { return Filter::may_hold(filter, key); })) return;
                            add(first, rest - 1);
                          });
  add(rest, std::numeric_limits<std::int64_t>::max());
  return read;
}

// `columns` of the newest or oldest entries of a condition, whose parameters are bound behind the first two; at most `limit`.
bool Reader::entries_where(const Wanted& wanted, const Search& search, const Binder& bind, const EachRow& row) {
  std::vector<Range> ranges;
  if (!places(wanted, ranges)) return false;
  if (search.newest) std::ranges::reverse(ranges);
  const std::string sql = "SELECT " + std::string(search.columns) + " FROM audit WHERE sequence BETWEEN ? AND ?" + search.condition +
                          (search.newest ? " ORDER BY sequence DESC LIMIT ?" : " ORDER BY sequence LIMIT ?");
  std::size_t left = bounded(search.limit);
  for (const Range& range : ranges) {
    if (left == 0) break;
    std::size_t rows = 0;
    const bool read = query(sql, [&](Bind& to) {
      to.number(range.first).number(range.last);
      if (bind) bind(to);
      to.number(left);
    }, [&](Row& each) {
      ++rows;
      row(each);
    });
    if (!read) return false;
    left -= rows;
  }
  return true;
}

std::vector<core::AuditEntry> Reader::entries(const AuditFilter& filter) {
  Wanted wanted{{}, filter.after, filter.since};
  Search search{"sequence, wall, type, leaf, told, told_other", "", filter.newest, filter.limit};
  const auto want = [&](const char* condition, Filter::Kind kind, std::string_view value) {
    search.condition += condition;
    wanted.keys.push_back(Filter::key(kind, value));
  };
  if (filter.since != 0) search.condition += " AND wall >= ?";
  if (filter.request) want(" AND request = ?", Filter::Kind::kId, evidence::text_of(filter.request->bytes));
  if (!filter.person.empty()) want(" AND about = ?", Filter::Kind::kPerson, filter.person);
  if (!filter.type.empty()) want(" AND type = ?", Filter::Kind::kType, filter.type);
  auto found = snapshot<std::vector<core::AuditEntry>>([&](std::vector<core::AuditEntry>& out) {
    return entries_where(wanted, search, [&](Bind& bind) {
      if (filter.since != 0) bind.number(filter.since);
      if (filter.request) bind.id(*filter.request);
      if (!filter.person.empty()) bind.text(filter.person);
      if (!filter.type.empty()) bind.text(filter.type);
    }, [&](Row& row) {
      const auto sequence = row.number<std::uint64_t>();
      const auto wall = row.number<core::WallMs>();
      std::string type = row.bytes();
      const std::string leaf = row.bytes();
      evidence::Personal personal;
      const bool his = add_told(row.bytes(), personal);
      auto entry = add_told(row.bytes(), personal) && his ? entry_of(leaf, personal) : std::nullopt;
      if (entry && entry->sequence != sequence) entry.reset();
      out.push_back(entry ? std::move(*entry) : damaged(sequence, wall, std::move(type)));
    });
  });
  if (filter.newest) std::ranges::reverse(found);
  return found;
}

std::uint64_t Reader::last_sequence() {
  return snapshot<std::uint64_t>([&](std::uint64_t& last) {
    return query("SELECT max((SELECT coalesce(max(sequence), 0) FROM audit), cut) FROM log", {},
                 [&](Row& row) { last = row.number<std::uint64_t>(); });
  });
}

bool Reader::deeds_of(const char* type, core::Past& past) {
  const std::string_view name(type);
  std::size_t rows = 0;
  core::Past::Done oldest;
  const Search search{"about, json_extract(leaf, '$.boottime'), wall, json_extract(leaf, '$.boot'), coalesce(issued, request), "
                      "coalesce(json_extract(leaf, '$.fields.cause'), ''), coalesce(json_extract(leaf, '$.fields.repeated'), 1), "
                      "coalesce(json_extract(leaf, '$.fields.break_glass'), 0), told = '' AND json_extract(leaf, '$.personal') <> '{}'",
                      " AND type = ?", true, kMostRows};
  const bool good = entries_where({{Filter::key(Filter::Kind::kType, name)}}, search, [&](Bind& bind) { bind.text(name); },
      [&](Row& row) {
        core::Past::Done done;
        done.person = row.bytes();
        done.boottime = row.number<core::BootMs>();
        done.wall = row.number<core::WallMs>();
        done.boot_id = row.bytes();
        done.id = row.id();
        const std::string cause = row.bytes();
        done.count = row.number<std::uint32_t>();
        const bool break_glass = row.flag();
        const bool erased = row.flag();
        ++rows;
        oldest = done;
        if (name == "access.denied" && !core::counts_as_denied(cause)) return;
        done.deed = name == "request.created" ? core::Deed::kRequest
                    : name == "grant.created" ? core::Deed::kGranted
                                              : core::Deed::kDenied;
        if (erased) return past.erased.push_back(std::move(done));
        past.done.push_back(done);
        if (!break_glass) return;
        done.deed = core::Deed::kBreakGlass;
        past.done.push_back(std::move(done));
      });
  if (rows == kMostRows) past.cut.push_back(std::move(oldest));
  return good;
}

// What went into the archive: its newest entry by the wall clock, and the one after it, whose time on its boot's clock is known.
bool Reader::cut_off(core::Past& past) {
  const auto add = [&](const char* sql) {
    return query(sql, {}, [&](Row& row) {
      core::Past::Done newest;
      newest.wall = row.number<core::WallMs>();
      newest.boottime = row.number<core::BootMs>();
      newest.boot_id = row.bytes();
      past.cut.push_back(std::move(newest));
    });
  };
  return add("SELECT max(until), 0, '' FROM archive HAVING max(until) IS NOT NULL") &&
         add("SELECT wall, json_extract(leaf, '$.boottime'), json_extract(leaf, '$.boot') FROM audit WHERE sequence = (SELECT cut + 1 FROM log WHERE cut > 0)");
}

// Doors that only observe, and when that was last seen.
bool Reader::observed(core::Past& past) {
  const Search search{"json_extract(leaf, '$.fields.door'), wall", " AND type = 'access.observed' AND json_extract(leaf, '$.fields.by') = 'door'", true, kMostRows};
  std::map<policy::Door, core::WallMs> last;
  const bool read = entries_where({{Filter::key(Filter::Kind::kType, "access.observed")}}, search, {}, [&](Row& row) {
    const auto door = policy::door_named(row.bytes());
    const auto wall = row.number<core::WallMs>();
    if (!door) return;
    const auto [at, added] = last.emplace(*door, wall);
    at->second = std::max(at->second, wall);
  });
  past.observed.insert(past.observed.end(), last.begin(), last.end());
  return read;
}

LogEntry Reader::leaf_in(Row& row) {
  LogEntry entry;
  entry.sequence = row.number<std::uint64_t>();
  entry.hash = row.hash();
  entry.leaf = row.bytes();
  // What cannot be read of a person is left out, as if it were erased: the rest shows what is wrong.
  add_told(row.bytes(), entry.personal);
  add_told(row.bytes(), entry.personal);
  return entry;
}

std::vector<Checkpoint> Reader::checkpoints(std::uint64_t from, std::uint64_t to) {
  return snapshot<std::vector<Checkpoint>>([&](std::vector<Checkpoint>& found) {
    return query("SELECT size, envelope FROM checkpoints WHERE size BETWEEN ? AND ? ORDER BY size LIMIT ?",
                 [&](Bind& bind) { bind.number(from).number(to).number(kMostRows); },
                 [&](Row& row) {
                   Checkpoint one;
                   one.size = row.number<std::uint64_t>();
                   one.envelope = row.bytes();
                   found.push_back(std::move(one));
                 });
  });
}

bool Reader::read_cut(std::optional<Cut>& cut) {
  bool good = false;
  return query("SELECT cut, subtrees FROM log", {}, [&](Row& row) {
    const auto size = row.number<std::uint64_t>();
    const auto tree = Tree::from(size, row.bytes());
    if (!tree) return;
    cut = Cut{size, tree->subtrees()};
    good = true;
  }) && good;
}

std::optional<Cut> Reader::cut() {
  return snapshot<std::optional<Cut>>([&](std::optional<Cut>& cut) { return read_cut(cut); });
}

std::int64_t Reader::epoch() {
  return snapshot<std::int64_t>([&](std::int64_t& epoch) {
    return query("SELECT epoch FROM log", {}, [&](Row& row) { epoch = row.number<std::int64_t>(); });
  });
}

std::optional<ArchivePart> Reader::ready_for_archive(core::WallMs before, core::WallMs now) {
  return snapshot<std::optional<ArchivePart>>([&](std::optional<ArchivePart>& part) {
    std::optional<Cut> cut;
    if (!read_cut(cut)) return false;
    const std::uint64_t end = cut->size + kPartEntries + 1;
    std::uint64_t young = end;  // the first that stays
    core::WallMs next = before;  // what the entries in front of it are as old as, where their own clock was ahead
    std::uint64_t last = 0;
    const auto take = [](std::uint64_t& to) { return [&to](Row& row) { to = row.number<std::uint64_t>(); }; };
    const auto between = [&](Bind& bind) { bind.number(cut->size).number(young); };
    if (!query("SELECT sequence FROM audit WHERE sequence > ? AND sequence < ? AND wall BETWEEN ? AND ? ORDER BY sequence LIMIT 1",
               [&](Bind& bind) { bind.number(cut->size).number(end).number(before).number(now); }, take(young)) ||
        !query("SELECT wall FROM audit WHERE sequence >= ? AND wall <= ? ORDER BY sequence LIMIT 1", [&](Bind& bind) { bind.number(young).number(now); },
               [&](Row& row) { next = row.number<core::WallMs>(); })) {
      return false;
    }
    if (next >= before && !query("SELECT coalesce(max(sequence), ?1) + 1 FROM audit WHERE sequence > ?1 AND sequence < ?2 AND wall < ?3",
                                 [&](Bind& bind) { bind.number(cut->size).number(young).number(before); }, take(young))) {
      return false;
    }
    if (!query("SELECT coalesce(max(size), 0) FROM checkpoints WHERE size > ? AND size < ?", between, take(last))) {
      return false;
    }
    // No head is among so many: up to the next one then, where all in front of it are old enough.
    if (last == 0 && young == end) {
      if (!query("SELECT coalesce(min(size), 0) FROM checkpoints WHERE size > ?", [&](Bind& bind) { bind.number(cut->size); }, take(last))) return false;
      std::uint64_t late = 0;
      if (!query("SELECT count(*) FROM audit WHERE sequence > ? AND sequence <= ? AND wall >= ?",
                 [&](Bind& bind) { bind.number(end - 1).number(last).number(before); }, take(late))) {
        return false;
      }
      if (late != 0) return true;
    }
    if (last == 0) return true;
    core::WallMs until = 0;
    // Not what a wrong clock said: of what went by then nothing is known any more, and nobody would be told until that day.
    if (!query("SELECT coalesce(max(wall) FILTER (WHERE wall < ?3), ?3) FROM audit WHERE sequence > ?1 AND sequence <= ?2",
               [&](Bind& bind) { bind.number(cut->size).number(last).number(before); },
               [&](Row& row) { until = row.number<core::WallMs>(); })) {
      return false;
    }
    part = ArchivePart{cut->size + 1, last, until};
    return true;
  });
}

std::vector<ArchivePart> Reader::archived() {
  return snapshot<std::vector<ArchivePart>>([&](std::vector<ArchivePart>& parts) {
    return query("SELECT first, last, until FROM archive ORDER BY first", {}, [&](Row& row) {
      ArchivePart part;
      part.first = row.number<std::uint64_t>();
      part.last = row.number<std::uint64_t>();
      part.until = row.number<core::WallMs>();
      parts.push_back(part);
    });
  });
}

std::uint64_t Reader::told_about(const std::string& person) {
  return snapshot<std::uint64_t>([&](std::uint64_t& count) {
    std::vector<Range> ranges;
    if (!places({{Filter::key(Filter::Kind::kPerson, person)}}, ranges)) return false;
    const auto add = [&count](Row& row) { count += row.number<std::uint64_t>(); };
    const bool read = std::ranges::all_of(ranges, [&](const Range& range) {
      return query("SELECT count(*) FILTER (WHERE about = ?1) + count(*) FILTER (WHERE " JIT_AMONG("other") ") FROM audit WHERE sequence BETWEEN ?2 AND ?3",
                   [&](Bind& bind) { bind.text(person).number(range.first).number(range.last); }, add);
    });
    // What has ended is read whole for this, while the doors wait: only where the log says nothing.
    if (!read || count != 0) return read;
    core::WallMs now = 0;
    return query("SELECT wall FROM audit ORDER BY sequence DESC LIMIT 1", {}, [&now](Row& row) { now = row.number<core::WallMs>(); }) &&
           std::ranges::all_of(kHisElsewhere, [&](const char* rows) {
             return query("SELECT count(*), ?1, ?2 " + std::string(rows), [&](Bind& bind) { bind.text(person).number(now); }, add);
           });
  });
}

// The root of the position-th subtree of 2^level leaves, all of which are there.
std::optional<evidence::Hash> Reader::subtree(unsigned level, std::uint64_t position, const Cut& cut) {
  std::optional<evidence::Hash> out;
  const auto take = [&](Row& row) { out = row.hash(); };
  if (((position + 1) << level) <= cut.size) {
    // In the archive: it is one of the whole subtrees that the archive ends with, or nobody asks for it.
    if (((cut.size >> level) & 1U) == 0 || position != (cut.size >> level) - 1) return std::nullopt;
    return cut.frontier.at(static_cast<std::size_t>(std::popcount(cut.size >> level)) - 1);
  }
  if (level == 0) {
    query("SELECT hash FROM audit WHERE sequence = ?", [&](Bind& bind) { bind.number(position + 1); }, take);
    return out;
  }
  if (level % Tree::kLevels == 0) {
    query("SELECT hash FROM subtrees WHERE level = ? AND position = ?", [&](Bind& bind) { bind.number(level).number(position); }, take);
    return out;
  }
  const auto left = subtree(level - 1, 2 * position, cut);
  const auto right = left ? subtree(level - 1, 2 * position + 1, cut) : std::nullopt;
  return right ? std::optional(evidence::node_hash(*left, *right)) : std::nullopt;
}

// RFC 6962, 2.1: the root of the leaves [begin, end), where begin is a multiple of the power of two that they need.
std::optional<evidence::Hash> Reader::root_of(std::uint64_t begin, std::uint64_t end, const Cut& cut) {
  const std::uint64_t count = end - begin;
  if (std::has_single_bit(count)) {
    const auto level = static_cast<unsigned>(std::countr_zero(count));
    return subtree(level, begin >> level, cut);
  }
  const std::uint64_t middle = begin + std::bit_floor(count);
  const auto left = root_of(begin, middle, cut);
  const auto right = left ? root_of(middle, end, cut) : std::nullopt;
  return right ? std::optional(evidence::node_hash(*left, *right)) : std::nullopt;
}

std::optional<evidence::Hash> Reader::root_at(std::uint64_t size) {
  return snapshot<std::optional<evidence::Hash>>([&](std::optional<evidence::Hash>& root) {
    std::optional<Cut> cut;
    if (!read_cut(cut)) return false;
    if (size == cut->size) {
      root = evidence::Frontier::from(cut->size, cut->frontier).value_or(evidence::Frontier()).root();
    } else if (size > cut->size) {
      root = root_of(0, size, *cut);
    }
    return true;
  });
}

std::optional<std::vector<evidence::Hash>> Reader::frontier_at(std::uint64_t size) {
  return snapshot<std::optional<std::vector<evidence::Hash>>>([&](std::optional<std::vector<evidence::Hash>>& frontier) {
    std::optional<Cut> cut;
    if (!read_cut(cut)) return false;
    if (size < cut->size) return true;
    std::vector<evidence::Hash> roots;
    std::uint64_t begin = 0;
    for (std::uint64_t left = size; left != 0;) {
      const std::uint64_t count = std::bit_floor(left);
      const auto root = root_of(begin, begin + count, *cut);
      if (!root) return true;
      roots.push_back(*root);
      begin += count;
      left -= count;
    }
    frontier = std::move(roots);
    return true;
  });
}

// RFC 6962, 2.1.1, from the leaf up.
std::optional<std::vector<evidence::Hash>> Reader::path_to(std::uint64_t index, std::uint64_t size, const Cut& cut) {
  std::vector<evidence::Hash> path;
  std::uint64_t begin = 0;
  std::uint64_t end = size;
  while (end - begin > 1) {
    const std::uint64_t middle = begin + std::bit_floor(end - begin - 1);
    const auto other = index < middle ? root_of(middle, end, cut) : root_of(begin, middle, cut);
    if (!other) return std::nullopt;
    path.push_back(*other);
    (index < middle ? end : begin) = middle;
  }
  std::ranges::reverse(path);
  return path;
}

std::optional<Proof> Reader::proof(const core::Id& id, core::Head head) {
  return snapshot<std::optional<Proof>>([&](std::optional<Proof>& proof) {
    std::optional<Cut> cut;
    std::vector<LogEntry> found;
    if (!read_cut(cut)) return false;
    const Search search{kLeafColumns, " AND (request = ? OR issued = ?) AND sequence <= ?", false, kProofMost + 1};
    const bool read = entries_where({{Filter::key(Filter::Kind::kId, evidence::text_of(id.bytes))}}, search,
                                    [&](Bind& bind) { bind.id(id).id(id).number(head.size); }, [&](Row& row) { found.push_back(leaf_in(row)); });
    if (!read) return false;
    proof.emplace().head = std::move(head);
    proof->whole = found.size() <= kProofMost;
    if (!proof->whole) return true;
    for (LogEntry& entry : found) {
      auto path = path_to(entry.sequence - 1, proof->head.size, *cut);
      if (!path) return fail(SQLITE_CORRUPT);
      proof->entries.emplace_back(std::move(entry), std::move(*path));
    }
    return true;
  });
}

}  // namespace jit::store
