// SPDX-License-Identifier: Apache-2.0
// What was delivered beyond the point up to which everything was: a restart does not tell it again. Losing the file means
// telling some of it twice, with the same key.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

namespace jit::notify {

class Progress {
 public:
  explicit Progress(std::string path) : path_(std::move(path)) {}
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void load();  // what cannot be read counts as not there
  bool has(const std::string& channel, const std::string& key) const { return done_.contains({channel, key}); }
  void add(const std::string& channel, const std::string& key, std::uint64_t sequence);  // durable when it returns
  void settle(std::uint64_t sequence);  // the broker knows of all up to here
  std::size_t size() const { return done_.size(); }
  const std::string& problem() const { return problem_; }  // empty: what was written last is written

 private:
  static constexpr std::size_t kMost = 100'000;
  static constexpr std::size_t kStale = 512;  // lines that mean nothing any more, before they are cleared out

  void write(const std::string& lines);
  void rewrite();

  std::string path_, problem_;
  int fd_ = -1;
  std::size_t lines_ = 0;  // in the file
  std::map<std::pair<std::string, std::string>, std::uint64_t> done_;
};

}  // namespace jit::notify
