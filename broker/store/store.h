// SPDX-License-Identifier: Apache-2.0
// The database: the only place with SQLite. WAL, synchronous=FULL, STRICT tables, versioned migrations; one writer thread
// that commits all waiting batches as one transaction (group commit).
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/core/core.h"
#include "broker/core/ports.h"
#include "evidence/export.h"
#include "evidence/leaf.h"
#include "evidence/merkle.h"

namespace jit::store {

// Lists hold the newest `limit` (at most 10,000), oldest of them first; `since` is about created_wall. With `ended`: only
// those that have, `since` is about ended_wall, and so is the order where no uid is named.
struct RequestFilter {
  std::optional<core::RequestState> state;
  core::WallMs since = 0;
  std::optional<std::uint32_t> uid;  // of the subject
  std::size_t limit = 200;
  bool ended = false;
};
struct GrantFilter {
  bool live_only = false;
  core::WallMs since = 0;
  std::optional<std::uint32_t> uid;
  std::size_t limit = 200;
  bool ended = false;
};
struct AuditFilter {
  std::uint64_t after = 0;
  core::WallMs since = 0;
  std::optional<core::Id> request;
  std::string person;
  std::string type;
  bool newest = false;  // the last `limit` entries, oldest of them first
  std::size_t limit = 200;
};

// What the log needs from who has the key. Both are called on the writer's thread.
struct Log {
  // The envelope of a head, as JSON. Empty: it cannot be signed now, and what it would be signed with is not written.
  using Sign = std::function<std::string(std::uint64_t size, const evidence::Hash& root, std::int64_t epoch)>;
  Sign sign;
  // This head is durable, and nobody was told of what came with it yet.
  std::function<void(const core::Head& head, std::int64_t epoch)> publish;
  std::chrono::milliseconds each{60'000};  // no entry is longer without a signed head
};

// One entry as it is hashed.
struct LogEntry {
  std::uint64_t sequence = 0;
  evidence::Hash hash{};
  std::string leaf;
  evidence::Personal personal;
};
struct Checkpoint {
  std::uint64_t size = 0;
  std::string envelope;  // JSON
};
// The part that is not in the database any more.
struct Cut {
  std::uint64_t size = 0;
  std::vector<evidence::Hash> frontier;
};
// Entries that are in a file of the archive (archive.h).
inline constexpr std::uint64_t kPartEntries = 4096;  // of one, unless no head is signed among them
struct ArchivePart {
  std::uint64_t first = 0, last = 0;
  core::WallMs until = 0;  // the latest time in it, by the wall clock
};
struct Proof {
  core::Head head;
  std::vector<std::pair<LogEntry, std::vector<evidence::Hash>>> entries;  // with their paths to that head
  bool whole = true;  // false: there are more than a reader is asked for at once, and entries are none
};

using PeopleVersions = std::map<std::string, std::int64_t>;  // by file name

enum class OpenError : std::uint8_t { kNone, kNewer, kDamaged, kFull, kIo };
std::string_view name_of(OpenError);

// Before each group commit the writer looks at the files: taken away, replaced, linked, or open to others is a failed
// write; so is damage. Whole pages are read (PRAGMA quick_check) when the database is opened, after SQLite met damage
// in a write or a read, and after anybody else wrote to the files (size, mtime and ctime tell, even where a cache still
// holds the pages as they were). Not found that way: bytes turned inside one value, and what is written within one tick
// of the kernel's clock (4 ms) after a commit, or into the log while commits are less than 1 ms apart and 1 ms after. A
// deleted file or log is made anew from what is still open.
class Database final : public core::Store {
 public:
  struct Opened {
    std::unique_ptr<Database> database;  // null on an error
    OpenError error = OpenError::kNone;
    std::string message;  // what, why, what to do next
  };
  // Opens or creates `path` (0600; never through a symbolic link), checks it, migrates it forward.
  // `patience`: how long the first batch that may wait is kept for company.
  static constexpr std::chrono::milliseconds kPatience{50};
  static Opened open(const std::string& path, core::Post post, Log log, std::chrono::milliseconds patience = kPatience);
  ~Database();

  // A batch that breaks a rule of the schema, or holds a NUL in a word, fails alone, and failing() stays as it is.
  // With 65,536 batches or 64 MiB of argv waiting: false at once. The end of the object writes what waits.
  void commit(core::Batch batch, std::function<void(bool)> done) override;
  bool failing() const override;
  core::Head head() const override;
  // The head is signed as it stands, with what was committed before; done as of commit().
  // again: also where nothing was, since what a head says beside it has changed.
  void seal(std::function<void(bool)> done, bool again = false);
  std::string last_error() const;  // of the writer; empty: none

  // Reads; from the core's thread, over a connection of their own. Empty and a set last_error() on failure, and one more in
  // failed_reads(), which the writer has no part in.
  std::uint64_t failed_reads() const;
  core::State load_live();  // without State::asked
  core::Past past();        // the newest 10,000 of each kind
  // Requests after either time: of this boot by its clock, of any by the wall clock.
  std::vector<core::Asked> asked_since(const std::string& boot_id, core::BootMs created, core::WallMs created_wall);
  std::vector<core::Request> requests(const RequestFilter& filter);
  std::optional<core::Request> request(const core::Id& id);
  std::vector<core::Id> request_ids(std::string_view hex_prefix, std::size_t limit);
  std::vector<core::Vote> votes(const core::Id& request);
  std::vector<core::Grant> grants(const GrantFilter& filter);
  std::optional<core::Grant> grant(const core::Id& id);
  std::vector<core::Id> grant_ids(std::string_view hex_prefix, std::size_t limit);
  std::vector<core::AuditEntry> entries(const AuditFilter& filter);
  std::uint64_t last_sequence();

  // The log as it is hashed. Entries that are in the archive are not among them.
  std::vector<LogEntry> log(std::uint64_t after, std::size_t limit);
  std::vector<Checkpoint> checkpoints(std::uint64_t from, std::uint64_t to);  // of these sizes, the smallest first; at most 10,000
  std::optional<Cut> cut();                                                   // nothing: it cannot be read
  // Of the first `size` entries; nothing: there are not so many, or it cannot be read.
  std::optional<evidence::Hash> root_at(std::uint64_t size);
  // The roots of the whole subtrees of the first `size` entries; nothing as above.
  std::optional<std::vector<evidence::Hash>> frontier_at(std::uint64_t size);
  std::int64_t epoch();  // 0: it cannot be read
  // What belongs to a request or a grant, under the newest signed head: at most 1000 entries, oldest first.
  std::optional<Proof> proof(const core::Id& id);

  // What an entry names, as it was signed; see lines.h. seal: what the host says, signed by it; nothing: it cannot be signed now.
  using Seal = std::function<std::optional<evidence::Envelope>(std::string_view type, const std::string& payload, std::string_view purpose)>;
  // The oldest entries that are all older than `before`, some thousands at most, up to a signed head: they may go into the archive. One
  // that says a later time than `now` was written by a wrong clock: it is as old as the next one that does not. Nothing: there are none,
  // or it cannot be read.
  std::optional<ArchivePart> ready_for_archive(core::WallMs before, core::WallMs now);
  // The lines of entries behind `after` up to `to`, at most `limit` of them; `last`: the last of these. Nothing: it cannot be read.
  // The first entry that the last reading of the whole log found under something else than it says: somebody changed the file, and
  // entries() may miss it. 0: none.
  std::uint64_t misfiled() const;
  std::optional<std::vector<evidence::ExportLine>> lines(std::uint64_t after, std::uint64_t to, std::size_t limit, const Seal& seal, std::uint64_t& last);
  // The part is on disk first; then it is in the database no more, in one transaction with the batch. With it goes what ended before
  // `ended`. done(false): last_error() says why, nothing was lost, and the store goes on.
  void archive(ArchivePart part, std::string text, core::WallMs ended, core::Batch batch, std::function<void(bool)> done);
  std::vector<ArchivePart> archived();                           // oldest first
  std::vector<std::string> other_archives();                     // folders in it: parts of another log, that were found there
  std::optional<std::string> read_archive(const ArchivePart& part);  // as it is in the file; nothing: last_error() says why
  // Of the next part of the archive behind filter.after that may hold such entries. Nothing: there is none, or it cannot be read.
  struct OldEntries {
    std::vector<core::AuditEntry> entries;
    std::uint64_t looked_at = 0;  // up to this one
  };
  std::optional<OldEntries> archived_entries(const AuditFilter& filter);
  std::uint64_t erasures() const;        // how often commit() was asked to erase somebody
  std::uint64_t erased_in_archive() const;  // entries in the archive of which the last one to be erased was told

  bool keeps_erased() const;  // it is still in the files, since another program has the database open; tried again until it is not

  std::uint64_t told_of(const std::string& person);  // how much the log tells of him, else what has ended; 0 also where it cannot be read

  std::optional<evidence::EvidenceLine> document(const LogEntry& entry, const Seal& seal);

  // The last policy set that loaded, verbatim: (kind, name, text) rows with the set's hash.
  struct PolicySet {
    std::string hash;
    std::vector<policy::Source> rules;
    std::vector<policy::Source> people;
    std::vector<policy::Source> calendars = {}, rosters = {};
    PeopleVersions people_versions = {};  // written over those that were kept; the others stay
    std::optional<std::string> broker = {};  // broker.toml; nothing: kept by a broker that did not keep it
  };
  void keep_policy(PolicySet set);  // through the writer; nobody waits
  std::optional<PolicySet> kept_policy();  // without the versions
  std::optional<PeopleVersions> people_versions();  // nothing: they cannot be read

  // Up to which entry a courier has carried the log; through the writer, and nobody waits: what is lost is carried again.
  void keep_carried(const std::string& courier, std::uint64_t sequence);
  std::optional<std::uint64_t> carried(const std::string& courier);  // nothing: it never said, or it cannot be read

 private:
  struct Impl;
  explicit Database(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace jit::store
