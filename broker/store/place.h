// SPDX-License-Identifier: Apache-2.0
// Where the database lies: nobody else may have a hand in its folder or its files, and no link leads there.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <atomic>
#include <compare>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace jit::store {

class Fd {
 public:
  explicit Fd(int fd = -1) : fd_(fd) {}
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd();
  void reset(int fd);
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_;
};

class Place {
 public:
  enum class Found { kReady, kAbsent, kEmpty, kOrphaned, kUnsafe };  // kOrphaned: a log (-wal) without its database

  // When somebody last wrote to a file, or changed what it is.
  struct Times {
    std::int64_t size = -1, written_s = 0, written_ns = 0, changed_s = 0, changed_ns = 0;
    bool operator==(const Times&) const = default;
  };
  struct Mark {
    Times database, log;  // of the log its size alone where its times were not asked for
    bool operator==(const Mark&) const = default;
  };

  explicit Place(std::string path);
  Place(const Place& other);  // the same file, for another thread; what is pinned is shared
  Place& operator=(const Place&) = delete;

  // Looks without opening: a plain close() of the file would drop the POSIX locks that SQLite holds on it in this
  // process. kUnsafe: problem() says why and what to do. The times of the log are costly to ask for where it is written
  // right after: since Linux 6.13 a file whose times were asked gets new ones with the next write, not every 4 ms.
  Found look(bool times_of_log = true);
  const std::string& problem() const { return problem_; }

  // Remembers which file it is; look() refuses another one from then on. Its log is pinned once a connection has it open.
  void pin();
  void pin_log();
  bool has_log() const;  // at the last look() the log was the pinned one; true before that
  bool is_deleted();     // the pinned file has no name any more, and cannot be put back
  Mark seen() const;  // at the last look()
  Mark mark() const;  // now
  Times size_of_log() const;

  // How often the file or its log was made anew: a connection from before does not see what is written now.
  unsigned generation() const { return pinned_->generation.load(); }
  // Something in it made no sense to a reader: to be checked before the next write. Once.
  void suspect() { pinned_->suspect.store(true); }
  bool is_suspected() const { return pinned_->suspect.load(); }
  bool take_suspicion() { return pinned_->suspect.exchange(false); }

  // The file under construction: made empty with mode 0600, after the leftovers of an earlier try are gone. False: errno.
  bool begin_new();
  std::string new_path() const { return path_ + kNew; }
  // Gives it its name, durably, and never over an existing file. False: errno.
  bool finish_new();
  void drop_new();
  // The file was made anew in place of a deleted one: its old companions go, and it is what is pinned from now on.
  void renewed();
  void log_renewed();

  const std::string& path() const { return path_; }
  std::string archive() const { return folder_ + "/archive"; }  // a folder beside it

 private:
  static constexpr const char* kNew = ".new";
  Found refuse(const std::string& what);
  bool is_pinned() const;
  bool open_folder();
  using Seen = std::optional<struct statx>;
  bool safe_file(const char* end, Seen& found, bool times = true);
  Seen stat_of(const char* end, bool times = true, int* error = nullptr) const;  // nothing: the error

  std::string path_;
  std::string folder_;
  std::string name_;
  std::string problem_;
  Fd folder_fd_;
  Seen database_, log_;  // at the last look()
  bool times_of_log_ = true;
  struct Pinned {
    std::mutex mutex;
    Fd file;  // O_PATH, which takes no lock with it when it is closed
    dev_t device = 0;
    std::uint64_t inode = 0;
    std::uint64_t log = 0;
    std::atomic<unsigned> generation = 0;
    std::atomic<bool> suspect = false;
  };
  std::shared_ptr<Pinned> pinned_ = std::make_shared<Pinned>();
};

}  // namespace jit::store
