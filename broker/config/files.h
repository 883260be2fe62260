// SPDX-License-Identifier: Apache-2.0
// Files read whole, from folders that only root can have written, along a way without symbolic links. All that was
// read is looked at once more at the end, so that the set is one that stood there at one time.
#pragma once

#include <sys/stat.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/policy.h"

namespace jit::config {

inline constexpr std::size_t kFileMax = 4UL * 1024 * 1024;
inline constexpr std::size_t kSetMax = 64UL * 1024 * 1024;
inline constexpr std::size_t kFilesMax = 4096;  // in one folder

class Folder {
 public:
  Folder(int fd, std::string path, const struct stat& st, bool listed)
      : fd_(fd), path_(std::move(path)), st_(st), listed_(listed) {}
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder();
  int fd() const { return fd_; }
  const std::string& path() const { return path_; }
  const struct stat& seen() const { return st_; }
  bool listed() const { return listed_; }  // its list of names counts; a root holds more than our files

 private:
  int fd_;
  std::string path_;
  struct stat st_;
  bool listed_;
};

class Files {
 public:
  explicit Files(bool check_owner) : check_owner_(check_owner) {}

  // Null: absent, or refused with a finding. Lives as long as this.
  const Folder* root(const std::string& path);
  const Folder* folder(const Folder& parent, const std::string& name);

  // The names that count: those with this suffix, no dot files, sorted. Whatever else lies there is ignored.
  std::vector<std::string> names(const Folder& folder, std::string_view suffix = ".toml");

  enum class Got { kText, kAbsent, kMask, kRefused };  // kMask: empty, or a link to /dev/null
  Got read(const Folder& folder, const std::string& name, std::string& text);

  // After the last read. False: something moved meanwhile (with a finding).
  bool unchanged();

  bool only_moved() const;  // all findings come from changes while reading: worth another try
  std::vector<policy::Finding> take() { return std::move(findings_); }
  bool refused() const { return !findings_.empty(); }
  void refuse(const std::string& path, const std::string& why);

 private:
  struct Seen {
    const Folder* folder;
    std::string name;
    struct stat st;
  };
  const Folder* keep(int fd, const std::string& path, bool listed);
  Got refused(const Folder& folder, const std::string& name, const std::string& why);
  void moved(const std::string& path);

  bool check_owner_;
  std::size_t total_ = 0;
  std::size_t moved_ = 0;
  std::vector<std::unique_ptr<Folder>> folders_;
  std::vector<Seen> seen_;
  std::vector<policy::Finding> findings_;
};

}  // namespace jit::config
