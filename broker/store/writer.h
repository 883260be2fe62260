// SPDX-License-Identifier: Apache-2.0
// The one thread that writes: it takes all that waits, writes it as one transaction, then tells each asker. Batches that
// may wait do not begin a transaction alone until the first of them has waited out the patience.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "broker/core/ports.h"
#include "broker/store/archive.h"
#include "broker/store/connection.h"
#include "broker/store/forget.h"
#include "broker/store/log_writer.h"

namespace jit::store {

inline constexpr std::size_t kQueueBatches = 65'536;
// After a group of at least kCrowd jobs those who were told of it ask again, one after the other: the next group begins with half as
// many of them, or after this time, since a sync for the first alone would keep the others waiting (PostgreSQL: commit_siblings).
inline constexpr std::size_t kCrowd = 8;
inline constexpr std::chrono::microseconds kGather{200};
// Who is told and asks again at once does so before this thread would be asleep and woken; where one did, the writer looks out so long.
inline constexpr std::chrono::microseconds kLookOut{50};
// Commits that follow each other within this time are one burst, in and after which the times of the write-ahead log are asked once.
inline constexpr std::chrono::milliseconds kBurst{1};
inline constexpr std::chrono::seconds kEmptyAgain{10};
inline constexpr std::size_t kQueueBytes = 64 * 1024 * 1024;  // of argv, the one large thing in a batch

int read_files(sqlite3* db, LogFiles& log);  // gives SQLite's code; what it hands out asks that connection

using Carried = std::map<std::string, std::uint64_t>;  // by courier

// The prepared statements of a connection that writes; every function gives SQLite's code, or kUnstorable.
class Statements {
 public:
  static std::unique_ptr<Statements> prepare(sqlite3* db, int& code);  // null: code says why
  int write(const core::Batch& batch, std::span<const Drafted> drafts);  // drafts: of its entries
  int write(const Database::PolicySet& set);
  int cut(const ArchivePart& part, core::WallMs ended);
  int write(const Carried& carried);
  int begin() { return step(begin_.get()); }
  int commit() { return step(commit_.get()); }
  int rollback() { return step(rollback_.get()); }
  LogWriter& log() { return *log_; }
  Forget& forget() { return *forget_; }

 private:
  explicit Statements(sqlite3* db) : db_(db) {}
  int write(const core::Request& request);
  int write(const core::Grant& grant);
  int write(const core::SeenNet& seen);
  int write(const core::Absence& absence);
  int write_facts(const core::Batch& batch);
  int write(const std::vector<policy::Source>& sources, const char* kind);
  int write(const PeopleVersions& versions);

  sqlite3* db_;
  Stmt begin_, commit_, rollback_;
  Stmt update_request_, insert_request_, insert_request_state_, insert_seat_, insert_vote_;
  Stmt update_grant_, insert_grant_, insert_grant_state_;
  Stmt replace_fact_, clear_fact_, replace_network_, trim_networks_, replace_absence_, clear_absence_;
  Stmt insert_part_;
  Stmt policy_same_, policy_hash_, policy_clear_, policy_source_, people_version_, carried_;
  std::unique_ptr<LogWriter> log_;
  std::unique_ptr<Forget> forget_;
};

class Writer {
 public:
  // The log as it is in that database.
  struct Found {
    Tree tree;
    core::Head head;
  };
  Writer(Db db, Place& place, core::Post post, Log log, std::chrono::milliseconds patience, Found found);
  ~Writer();  // writes what waits, then ends
  void commit(core::Batch batch, std::function<void(bool)> done);
  struct ToArchive {
    ArchivePart part;
    std::string text;
    core::WallMs ended = 0;
  };
  void archive(ToArchive old, core::Batch batch, std::function<void(bool)> done);
  std::uint64_t erasures() const { return erasures_.load(); }
  std::uint64_t erased_in_archive() const { return erased_in_archive_.load(); }
  void keep_policy(Database::PolicySet set);
  void keep_carried(const std::string& courier, std::uint64_t sequence);
  // The head is signed as it stands, with what was committed before; done as of commit().
  void seal(std::function<void(bool)> done, bool again);
  core::Head head() const;
  bool unemptied() const { return unemptied_.load(); }
  bool failing() const { return failing_.load(std::memory_order_acquire); }
  std::string error() const;

 private:
  struct Job {
    core::Batch batch;
    std::vector<Drafted> drafts;  // of its entries; not as many: one of them cannot be written
    std::function<void(bool)> done;
    bool seal = false;   // the head, whatever is in the batch
    bool again = false;  // and though nothing was written since the last one
    bool written = false;
    std::optional<ToArchive> old = {};  // goes into the archive first
  };

  using Time = std::chrono::steady_clock::time_point;
  void run();
  void look_out();
  void wait_for_work(std::unique_lock<std::mutex>& lock);
  void write_group(std::vector<Job>& group);
  void write_span(std::span<Job> jobs);
  void write_old(Job& job);
  int write_part(const ToArchive& old);
  int erase_archived(const core::Batch& batch);
  int settle_archive(LogFiles& log);
  int write_jobs(std::span<Job> jobs);
  void write_policy();
  void queue(Job&& job);
  int add_head(std::span<const Job> jobs);
  void sign_due(bool stop);
  void know_head();
  void empty_log(bool patient);
  bool ready();  // has a good connection to a file that is as it was left, or gets one
  Place::Found look();
  void look_ahead();
  bool has_looked();
  bool as_left();
  bool untouched();
  bool check_again(const Place::Mark& now);
  void replace_deleted();
  void replace_log();
  void left();  // the files are now as this writer left them
  void committed();
  void rest();
  template <class Write>
  int transaction(const Write& write);  // all or nothing
  void keep_error(int code);
  void keep_error(std::string text);
  void checkpoint(bool idle);

  // The writer thread's own.
  Db db_;
  std::unique_ptr<Statements> statements_;
  bool spoiled_ = false;
  bool other_log_ = false;  // the file holds one that this writer did not write
  std::optional<Place::Mark> mark_;  // as left, of the log its size alone in a burst; nothing: to be checked before the next write
  std::optional<Place::Mark> bad_;   // as it was when the last check failed
  Place& place_;
  core::Post post_;
  const std::chrono::milliseconds patience_;
  const Log log_;
  Archive archive_;
  std::atomic<std::uint64_t> erasures_ = 0, erased_in_archive_ = 0;
  Tree tree_;  // of all that was committed: another connection must find the same
  std::optional<Time> empty_by_;  // what was erased is still in the write-ahead log, and when that is looked at again
  std::optional<Time> sign_by_;  // entries are under no signed head since a while
  int wal_pages_ = 0;
  std::optional<Database::PolicySet> unwritten_policy_;
  Time committed_at_, told_at_;
  std::optional<Time> rest_by_;  // the burst ends if nothing comes
  bool brisk_ = false;  // somebody asked again at once, or is about to ask
  Time looked_at_;      // the files, in front of the next transaction; never: not yet, or something was found

  std::atomic<bool> failing_ = false, unemptied_ = false, waiting_ = false, asleep_ = false;  // waiting_: something is in the queue
  std::atomic<std::uint64_t> expected_ = 0;  // the place in the log that the next entry gets if all that is queued is written
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Job> queue_;
  std::size_t queue_bytes_ = 0;
  bool urgent_ = false;  // one of the queue is waited for
  bool coming_ = false;  // one that will be is being made
  std::size_t crowd_ = 0;  // jobs that the last group had
  std::size_t wanted_ = 0;  // the writer waits until so many are queued; 0: it does not
  Time give_up_;         // when the queue is written though none is
  std::optional<Database::PolicySet> policy_;
  Carried carried_;
  std::string error_;
  core::Head head_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace jit::store
