// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace jit::cli {

bool write_all(int fd, std::string_view text);

// Who reads a file to change it holds this from before he reads: two at once wait for each other. It locks the file itself, since
// anybody who may read a folder may lock that.
class FileLock {
 public:
  explicit FileLock(std::string path);
  FileLock(FileLock&& other) noexcept : path_(std::move(other.path_)), wrong_(std::move(other.wrong_)), fd_(std::exchange(other.fd_, -1)) {}
  FileLock& operator=(FileLock&&) = delete;
  ~FileLock();

  const std::string& wrong() const { return wrong_; }  // why it is not held, or empty
  // All or nothing: a new file with the old one's owner and mode takes its place. What is wrong, or empty.
  std::string replace(std::string_view text) const;

 private:
  std::string path_;
  std::string wrong_;
  int fd_ = -1;
};

// With a lock for as long as that takes.
std::string replace_file(const std::string& path, std::string_view text);

}  // namespace jit::cli
