// SPDX-License-Identifier: Apache-2.0
#include "broker/store/writer.h"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <utility>

#include "broker/store/early_writes.h"

namespace jit::store {
namespace {

constexpr std::size_t kFewJobs = 256;  // room is made for before they come
constexpr int kCheckpointPages = 1000;      // moved into the database when nobody waits
constexpr int kCheckpointPagesBusy = 8000;  // moved even then: the log must not grow for ever

std::size_t size_of(const core::Batch& batch) {
  std::size_t size = 0;
  const auto add = [&size](const std::vector<std::string>& argv) {
    for (const std::string& word : argv) size += word.size() + 1;
  };
  for (const core::Request& request : batch.requests) add(request.argv);
  for (const core::Grant& grant : batch.grants) add(grant.argv);
  return size;
}

// The batch itself is at fault, not the disk: it would fail again, and says nothing about the next one.
bool batch_at_fault(int code) {
  switch (code == kUnstorable || code == kNoArchive ? SQLITE_MISMATCH : code & 0xff) {
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
    case SQLITE_TOOBIG:
      return true;
    default:
      return false;
  }
}

}  // namespace

Writer::Writer(Db db, Place& place, core::Post post, Log log, std::chrono::milliseconds patience, Found found)
    : db_(std::move(db)), place_(place), post_(std::move(post)), patience_(patience), log_(std::move(log)), archive_(place.archive()), tree_(std::move(found.tree)), head_(std::move(found.head)) {
  expected_.store(tree_.size() + 1);
  // Signals are for the broker's own thread.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Writer::~Writer() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

// What can be made of an entry here is, so that the writer has little to do. Meanwhile it wakes and looks at its files.
void Writer::commit(core::Batch batch, std::function<void(bool)> done) {
  if (!batch.may_wait && asleep_.load(std::memory_order_relaxed)) {
    {
      const std::lock_guard lock(mutex_);
      coming_ = true;
    }
    wake_.notify_one();
  }
  thread_local Salts salts;
  std::vector<Drafted> drafts;
  drafts.reserve(batch.entries.size());
  std::uint64_t sequence = expected_.load(std::memory_order_relaxed);
  for (const core::AuditEntry& entry : batch.entries) {
    auto drafted = draft_of(entry, salts, sequence++);
    if (!drafted) break;
    drafts.push_back(std::move(*drafted));
  }
  if (!batch.erased.empty()) ++erasures_;
  queue({std::move(batch), std::move(drafts), std::move(done)});
}

void Writer::seal(std::function<void(bool)> done, bool again) { queue({{}, {}, std::move(done), true, again}); }

core::Head Writer::head() const {
  const std::lock_guard lock(mutex_);
  return head_;
}

void Writer::queue(Job&& job) {
  const std::size_t size = size_of(job.batch);
  {
    std::unique_lock lock(mutex_);
    if (queue_.size() < kQueueBatches && queue_bytes_ + size <= kQueueBytes) {
      const bool first = queue_.empty();
      const bool hurries = !job.batch.may_wait && !urgent_;
      expected_.fetch_add(job.drafts.size(), std::memory_order_relaxed);
      if (first) give_up_ = std::chrono::steady_clock::now() + patience_;
      queue_.push_back(std::move(job));
      queue_bytes_ += size;
      urgent_ = urgent_ || hurries;
      const bool wakes = first || hurries || (wanted_ != 0 && queue_.size() >= wanted_);
      waiting_.store(true, std::memory_order_relaxed);
      lock.unlock();
      if (wakes) wake_.notify_one();
      return;
    }
    error_ = "the disk does not keep up: too much waits to be written";
    failing_.store(true, std::memory_order_release);
  }
  post_([done = std::move(job.done)] { done(false); });
}

void Writer::keep_policy(Database::PolicySet set) {
  {
    const std::lock_guard lock(mutex_);
    policy_ = std::move(set);
  }
  wake_.notify_one();
}

void Writer::keep_carried(const std::string& courier, std::uint64_t sequence) {
  {
    const std::lock_guard lock(mutex_);
    carried_[courier] = sequence;
  }
  wake_.notify_one();
}

std::string Writer::error() const {
  const std::lock_guard lock(mutex_);
  return error_;
}

void Writer::keep_error(std::string text) {
  const std::lock_guard lock(mutex_);
  error_ = std::move(text);
}

void Writer::keep_error(int code) {
  if (code == kUnstorable) {
    keep_error("a batch held a value that cannot be stored");
  } else if (code == kUnsigned) {
    keep_error("the head of the log cannot be signed");
  } else if (code == kNoArchive) {
    keep_error("the archive of the log: " + archive_.problem());
  } else {
    keep_error(place_.path() + ": " + (db_ ? sqlite3_errmsg(db_.get()) : sqlite3_errstr(code)));
  }
}

void Writer::look_out() {
  if (brisk_) look_ahead();
  while (brisk_ && !waiting_.load(std::memory_order_relaxed)) {
    std::this_thread::yield();  // who was told may need this processor
    brisk_ = std::chrono::steady_clock::now() < told_at_ + kLookOut;
  }
}

void Writer::wait_for_work(std::unique_lock<std::mutex>& lock) {
  const auto now = [this] { return stop_ || urgent_ || coming_ || policy_ || !carried_.empty(); };
  const auto some = [&] { return now() || !queue_.empty(); };
  std::optional<Time> until = sign_by_;
  if (empty_by_) until = std::min(until.value_or(*empty_by_), *empty_by_);
  if (rest_by_) until = std::min(until.value_or(*rest_by_), *rest_by_);
  asleep_.store(true, std::memory_order_relaxed);
  const bool came = until ? wake_.wait_until(lock, *until, some) : (wake_.wait(lock, some), true);
  asleep_.store(false, std::memory_order_relaxed);
  if (!came || (coming_ && !urgent_)) return;
  if (rest_by_ && *rest_by_ < give_up_ && !wake_.wait_until(lock, *rest_by_, now)) {
    lock.unlock();
    rest();
    lock.lock();
  }
  wake_.wait_until(lock, give_up_, now);
  if (crowd_ < kCrowd || stop_) return;
  wanted_ = crowd_ / 2;
  wake_.wait_for(lock, kGather, [this] { return stop_ || queue_.size() >= wanted_; });
  wanted_ = 0;
}

void Writer::run() {
  for (;;) {
    std::vector<Job> group;
    group.reserve(std::min(2 * crowd_, kFewJobs));  // what comes next is queued there
    std::optional<Database::PolicySet> policy;
    Carried carried;
    bool stop = false;
    look_out();
    {
      std::unique_lock lock(mutex_);
      wait_for_work(lock);
      if (std::exchange(coming_, false) && !urgent_) {
        told_at_ = std::chrono::steady_clock::now();
        brisk_ = true;
        continue;
      }
      if (!queue_.empty()) brisk_ = give_up_ - patience_ < told_at_ + kLookOut;
      group.swap(queue_);
      waiting_.store(false, std::memory_order_relaxed);
      std::uint64_t next = tree_.size() + 1;
      for (const Job& job : group) next += job.drafts.size();
      expected_.store(next, std::memory_order_relaxed);
      crowd_ = group.size();
      queue_bytes_ = 0;
      urgent_ = false;
      policy.swap(policy_);
      carried.swap(carried_);
      stop = stop_;
    }
    if (!group.empty()) write_group(group);
    if (policy) unwritten_policy_ = std::move(policy);
    if (unwritten_policy_) write_policy();
    // Where it cannot be written, more is carried again than needed.
    if (!carried.empty()) transaction([&] { return statements_->write(carried); });
    sign_due(stop);
    if (empty_by_ && std::chrono::steady_clock::now() >= *empty_by_) empty_log(false);
    if (rest_by_ && std::chrono::steady_clock::now() >= *rest_by_) rest();
    bool idle = false;
    {
      const std::lock_guard lock(mutex_);
      idle = queue_.empty();
    }
    if (stop && idle) return;
    checkpoint(idle);
  }
}

template <class Write>
int Writer::transaction(const Write& write) {
  if (!has_looked() && !ready()) return SQLITE_CANTOPEN;
  int code = statements_->begin();
  if (code == SQLITE_OK) code = write();
  if (code == SQLITE_OK) code = statements_->commit();
  if (code == SQLITE_OK) {
    committed();
    statements_->log().committed();
    know_head();
    return code;
  }
  keep_error(code);
  statements_->log().rolled_back();
  const bool clean = sqlite3_get_autocommit(db_.get()) != 0 || statements_->rollback() == SQLITE_OK;
  const int kind = code == kUnstorable || code == kNoArchive ? SQLITE_MISMATCH : code & 0xff;
  if (kind == SQLITE_CORRUPT || kind == SQLITE_NOTADB) {
    mark_.reset();  // nothing more is written to it before it was checked
    return code;
  }
  // Its file, memory map or cache may be spoiled.
  spoiled_ = !clean || !(batch_at_fault(code) || code == kUnsigned || kind == SQLITE_FULL || kind == SQLITE_BUSY);
  if (spoiled_) {
    // A sync that failed leaves whole frames in the log, which a crash now would bring to life. Empty the log.
    sqlite3_wal_checkpoint_v2(db_.get(), nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
  }
  left();
  return code;
}

// What was committed is what the next connection must find, and its head is known before anybody is told.
void Writer::know_head() {
  LogWriter& log = statements_->log();
  tree_ = log.tree();
  if (log.is_sealed()) {
    sign_by_.reset();
  } else if (!sign_by_) {
    sign_by_ = std::chrono::steady_clock::now() + log_.each;
  }
  {
    const std::lock_guard lock(mutex_);
    if (head_.envelope == log.head().envelope) return;
    head_ = log.head();
  }
  log_.publish(log.head(), log.epoch());
}

// With a grant the head is signed in the same transaction; so it is with the first commit, whatever stands above.
int Writer::add_head(std::span<const Job> jobs) {
  LogWriter& log = statements_->log();
  if (std::ranges::any_of(jobs, &Job::again)) log.stale();
  const bool now = !log.is_fresh() || std::ranges::any_of(jobs, [](const Job& job) { return job.seal || !job.batch.grants.empty(); });
  return now ? log.seal(log_.sign) : SQLITE_OK;
}

void Writer::sign_due(bool stop) {
  if (!sign_by_ || (!stop && std::chrono::steady_clock::now() < *sign_by_)) return;
  const int code = transaction([&] { return statements_->log().seal(log_.sign); });
  if (code == SQLITE_OK) return;
  failing_.store(true, std::memory_order_release);
  sign_by_ = std::chrono::steady_clock::now() + log_.each;
}

int Writer::write_jobs(std::span<Job> jobs) {
  const int code = transaction([&] {
    for (const Job& job : jobs) {
      if (const int failed = erase_archived(job.batch); failed != SQLITE_OK) return failed;
      if (const int failed = statements_->write(job.batch, job.drafts); failed != SQLITE_OK) return failed;
    }
    return add_head(jobs);
  });
  for (Job& job : jobs) job.written = code == SQLITE_OK;
  return code;
}

// In their order: a person who is erased behind a part that goes into the archive is erased there, too.
void Writer::write_group(std::vector<Job>& group) {
  const std::span<Job> all(group);
  std::size_t begin = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (!all[i].old) continue;
    if (i > begin) write_span(all.subspan(begin, i - begin));
    write_old(all[i]);
    begin = i + 1;
  }
  if (begin < all.size()) write_span(all.subspan(begin));
  // What was written is freed where it was made: the allocator's locks would be fought for else.
  post_([told = std::make_shared<std::vector<Job>>(std::move(group))] {
    for (Job& job : *told) {
      const auto done = std::move(job.done);
      done(job.written);
    }
  });
  told_at_ = std::chrono::steady_clock::now();
}

// First the file, then the cut: after a crash between the two it is written again.
void Writer::write_old(Job& job) {
  if (!ready()) return;
  if (const int failed = write_part(*job.old); failed != SQLITE_OK) return keep_error(failed);
  // For each request that goes SQLite would look through all grants for one that names it: those go with it (see forget.cpp).
  sqlite3_db_config(db_.get(), SQLITE_DBCONFIG_ENABLE_FKEY, 0, nullptr);
  const int code = transaction([&] {
    const int cut = statements_->cut(job.old->part, job.old->ended);
    return cut != SQLITE_OK ? cut : statements_->write(job.batch, job.drafts);
  });
  if (db_) sqlite3_db_config(db_.get(), SQLITE_DBCONFIG_ENABLE_FKEY, 1, nullptr);
  job.written = code == SQLITE_OK;
}

void Writer::write_span(std::span<Job> group) {
  if (std::ranges::all_of(group, [](const Job& job) { return job.batch.empty() && !job.seal; })) {
    for (Job& job : group) job.written = true;
  } else {
    int code = write_jobs(group);
    bool faulty = batch_at_fault(code);
    if (faulty && group.size() > 1) {
      faulty = false;
      for (Job& job : group) {
        code = write_jobs({&job, 1});
        faulty = faulty || batch_at_fault(code);
        if (code != SQLITE_OK && !batch_at_fault(code)) break;
      }
    }
    const bool wrote = std::ranges::any_of(group, &Job::written);
    if (code != SQLITE_OK && !batch_at_fault(code)) {
      failing_.store(true, std::memory_order_release);
    } else if (wrote) {
      failing_.store(false, std::memory_order_release);
      if (!faulty) keep_error(std::string());
    }
  }
  // What was erased is not for whoever reads the write-ahead log either.
  const bool erased = std::ranges::any_of(group, [](const Job& job) { return job.written && !job.batch.erased.empty(); });
  if (erased || empty_by_) empty_log(erased);
}

void Writer::write_policy() {
  const int code = transaction([&] { return statements_->write(*unwritten_policy_); });
  if (code == SQLITE_OK || batch_at_fault(code)) {
    unwritten_policy_.reset();
  } else {
    failing_.store(true, std::memory_order_release);  // tried again with the next commit
  }
}

void Writer::checkpoint(bool idle) {
  if (spoiled_ || wal_pages_ < (idle ? kCheckpointPages : kCheckpointPagesBusy)) return;
  if (!as_left()) return;  // never over what somebody else wrote; the next commit says so
  const EarlyWrites early;
  sqlite3_wal_checkpoint_v2(db_.get(), nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
  wal_pages_ = 0;
  left();
}

}  // namespace jit::store
