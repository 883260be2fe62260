// SPDX-License-Identifier: Apache-2.0
#include "notify/progress.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <fstream>

#include "notify/message/channel_file.h"

namespace jit::notify {
namespace {

std::string line_of(const std::string& channel, const std::string& key, std::uint64_t sequence) {
  return channel + " " + key + " " + std::to_string(sequence) + "\n";
}

}  // namespace

Progress::~Progress() {
  if (fd_ >= 0) close(fd_);
}

void Progress::load() {
  std::ifstream file(path_);
  std::string line;
  while (std::getline(file, line) && done_.size() < kMost) {
    // A line that a crash cut is none: what it says is told again.
    const std::size_t first = line.find(' ');
    const std::size_t second = first == std::string::npos ? first : line.find(' ', first + 1);
    if (second == std::string::npos || file.eof()) continue;
    std::uint64_t sequence = 0;
    const char* const end = line.data() + line.size();
    const auto parsed = std::from_chars(line.data() + second + 1, end, sequence);
    const std::string channel = line.substr(0, first);
    if (parsed.ec != std::errc() || parsed.ptr != end || !valid_channel_name(channel)) continue;
    done_[{channel, line.substr(first + 1, second - first - 1)}] = sequence;
  }
  rewrite();
}

void Progress::add(const std::string& channel, const std::string& key, std::uint64_t sequence) {
  if (done_.size() >= kMost) return;
  done_[{channel, key}] = sequence;
  if (fd_ < 0) return rewrite();
  write(line_of(channel, key, sequence));
  ++lines_;
}

void Progress::settle(std::uint64_t sequence) {
  std::erase_if(done_, [&](const auto& each) { return each.second <= sequence; });
  if (lines_ >= done_.size() + kStale) rewrite();
}

void Progress::write(const std::string& lines) {
  std::size_t at = 0;
  while (at < lines.size()) {
    const ssize_t written = ::write(fd_, lines.data() + at, lines.size() - at);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) break;
    at += static_cast<std::size_t>(written);
  }
  if (at == lines.size() && fdatasync(fd_) == 0) {
    problem_.clear();
    return;
  }
  // Perhaps half a line was written: the next attempt begins a new file.
  problem_ = path_ + ": " + std::strerror(errno);
  close(fd_);
  fd_ = -1;
}

void Progress::rewrite() {
  const std::string fresh = path_ + ".new";
  if (fd_ >= 0) close(fd_);
  fd_ = open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd_ < 0) {
    problem_ = path_ + ": " + std::strerror(errno);
    return;
  }
  std::string lines;
  for (const auto& [what, sequence] : done_) lines += line_of(what.first, what.second, sequence);
  lines_ = done_.size();
  write(lines);
  if (fd_ >= 0 && rename(fresh.c_str(), path_.c_str()) != 0) {
    problem_ = path_ + ": " + std::strerror(errno);
    close(fd_);
    fd_ = -1;
  }
}

}  // namespace jit::notify
