// SPDX-License-Identifier: Apache-2.0
// Where the database lies: nobody else may have a hand in its folder or its files, and no link leads there.
#pragma once

#include <sys/types.h>

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

  explicit Place(std::string path);
  Place(const Place& other);  // the same file, for another thread
  Place& operator=(const Place&) = delete;

  // Looks without opening: a plain close() of the file would drop the POSIX locks that SQLite holds on it in this
  // process. kUnsafe: problem() says why and what to do.
  Found look();
  const std::string& problem() const { return problem_; }

  // Remembers which file it is; look() refuses another one from then on.
  void pin();

  // The file under construction: made empty with mode 0600, after the leftovers of an earlier try are gone. False: errno.
  bool begin_new();
  std::string new_path() const { return path_ + kNew; }
  // Gives it its name, durably, and never over an existing file. False: errno.
  bool finish_new();
  void drop_new();

  const std::string& path() const { return path_; }

 private:
  static constexpr const char* kNew = ".new";
  Found refuse(const std::string& what);
  bool is_pinned() const;
  bool open_folder();
  bool safe_file(const std::string& name, bool& exists, off_t& size);

  std::string path_;
  std::string folder_;
  std::string name_;
  std::string problem_;
  Fd folder_fd_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace jit::store
