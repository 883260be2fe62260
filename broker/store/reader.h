// SPDX-License-Identifier: Apache-2.0
// Reads, over a connection of their own that cannot write. One thread. Nothing is kept between two calls.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/store/connection.h"
#include "broker/store/segments.h"

namespace jit::store {

inline constexpr std::size_t kMostRows = 10'000;
inline std::size_t bounded(std::size_t limit) { return std::min(limit, kMostRows); }

class Reader {
 public:
  explicit Reader(Place& place) : place_(place) {}
  bool open();  // false: see error()

  core::State load_live();
  std::vector<core::Request> requests(const RequestFilter& filter);
  std::vector<core::Request> request(const core::Id& id);
  std::vector<core::Vote> votes(const core::Id& request);
  std::vector<core::Grant> grants(const GrantFilter& filter);
  std::vector<core::Grant> grant(const core::Id& id);
  std::vector<core::Id> ids(const char* table, std::string_view hex_prefix, std::size_t limit);
  std::vector<core::AuditEntry> entries(const AuditFilter& filter);
  std::vector<core::Asked> asked_since(const std::string& boot_id, core::BootMs created, core::WallMs created_wall);
  std::uint64_t last_sequence();
  // --- log_reader.cpp
  std::vector<LogEntry> log(std::uint64_t after, std::size_t limit);
  std::vector<Checkpoint> checkpoints(std::uint64_t from, std::uint64_t to);
  std::optional<Cut> cut();
  std::optional<evidence::Hash> root_at(std::uint64_t size);
  std::optional<std::vector<evidence::Hash>> frontier_at(std::uint64_t size);
  std::int64_t epoch();
  std::optional<ArchivePart> ready_for_archive(core::WallMs before, core::WallMs now);
  std::vector<ArchivePart> archived();
  std::uint64_t told_about(const std::string& person);
  std::optional<Proof> proof(const core::Id& id, core::Head head);
  core::Past past();
  std::optional<Database::PolicySet> kept_policy();
  std::optional<PeopleVersions> people_versions();
  std::optional<std::uint64_t> carried(const std::string& courier);

  void blame(std::string why) { error_ = std::move(why); }
  const std::string& error() const { return error_; }  // of the last call; empty: none
  std::uint64_t misfiled();
  std::uint64_t failures() const { return failures_; }

 private:
  using Binder = std::function<void(Bind&)>;
  using EachRow = std::function<void(Row&)>;
  bool begin();  // each public call begins here
  bool query(const std::string& sql, const Binder& bind, const EachRow& row);
  bool fail(int code);
  bool requests_where(const std::string& where, const Binder& bind, std::vector<core::Request>& found);
  bool grants_where(const std::string& where, const Binder& bind, std::vector<core::Grant>& found);
  bool votes_where(const std::string& where, const Binder& bind, std::vector<core::Vote>& found);
  bool blocks(std::vector<std::pair<core::Request, core::Vote>>& found);
  bool deeds_of(const char* type, core::Past& past);
  bool cut_off(core::Past& past);
  bool observed(core::Past& past);
  struct Wanted {
    std::vector<std::uint64_t> keys = {};  // of filters (segments.h)
    std::uint64_t after = 0;
    core::WallMs since = 0;
  };
  struct Range {
    std::uint64_t first = 0, last = 0;
  };
  struct Search {
    const char* columns;
    std::string condition;  // " AND ..."
    bool newest = false;    // first
    std::size_t limit = kMostRows;
  };
  bool places(const Wanted& wanted, std::vector<Range>& found);
  bool entries_where(const Wanted& wanted, const Search& search, const Binder& bind, const EachRow& row);
  static constexpr const char* kLeafColumns = "sequence, hash, leaf, told, told_other";
  static LogEntry leaf_in(Row& row);
  struct Filed {  // the columns beside a leaf
    core::WallMs wall = 0;
    std::string type, request, issued, about, other;
    bool told = false, told_other = false;
  };
  struct Followed {
    bool whole = false;  // from the first entry of the segment that is here
    Segment least;       // what those read so far tell of
  };
  static Filed filed_in(Row& row);
  static bool is_filed(const LogEntry& entry, const Filed& filed);
  bool is_segment_whole(std::uint64_t number, const Segment& least, bool& good);
  bool follow(Followed& followed, const LogEntry& entry, const Filed& filed);
  bool read_cut(std::optional<Cut>& cut);
  std::optional<evidence::Hash> subtree(unsigned level, std::uint64_t position, const Cut& cut);
  std::optional<evidence::Hash> root_of(std::uint64_t begin, std::uint64_t end, const Cut& cut);
  std::optional<std::vector<evidence::Hash>> path_to(std::uint64_t index, std::uint64_t size, const Cut& cut);
  bool sources(const char* kind, std::vector<policy::Source>& found);
  template <class Value, class Read>
  Value snapshot(const Read& read);  // several queries, one state of the database; empty on a failure

  Place& place_;
  Db db_;
  unsigned generation_ = 0;  // of the place when it was opened
  std::map<std::string, Stmt, std::less<>> statements_;  // one for each shape of a question: a few dozen
  std::string error_;
  std::uint64_t failures_ = 0;
  std::uint64_t misfiled_ = 0;  // the first entry; 0: none was found
  std::optional<std::uint64_t> misfiled_segment_;
  std::map<std::uint64_t, Followed> followed_;  // by the last entry that was read
};

template <class Value, class Read>
Value Reader::snapshot(const Read& read) {
  Value value{};
  if (!begin()) {
    ++failures_;
    return value;
  }
  const EachRow none = [](Row&) {};
  const bool good = query("BEGIN", {}, none) && read(value) && query("COMMIT", {}, none);
  if (!good) {
    ++failures_;
    const std::string why = error_;
    statements_.clear();
    db_.reset();  // ends the transaction too
    error_ = why;
    return Value{};
  }
  return value;
}

}  // namespace jit::store
