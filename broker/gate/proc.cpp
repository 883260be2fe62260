// SPDX-License-Identifier: Apache-2.0
#include "broker/gate/proc.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

namespace jit::gate {
namespace {

constexpr std::size_t kStatusMax = 256 * 1024;  // with its groups
constexpr std::size_t kPath = 48;
constexpr std::array<const char*, OwnFiles::kFiles> kOwnFiles{"stat", "loginuid", "sessionid"};

int open_file(std::int32_t pid, const char* name) {
  std::array<char, kPath> path;
  std::snprintf(path.data(), path.size(), "/proc/%d/%s", pid, name);
  return open(path.data(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
}

}  // namespace

void Descriptor::reset(int fd) {
  if (fd_ >= 0) close(fd_);
  fd_ = fd;
}

bool ProcText::read_open(int fd) {
  ssize_t got = 0;
  do {
    got = pread(fd, text_.data(), text_.size(), 0);
  } while (got < 0 && errno == EINTR);
  size_ = got < 0 ? 0 : static_cast<std::size_t>(got);
  if (got < 0) return false;
  // These files come whole or not at all, and one that fills all of the place may be longer.
  errno = EFBIG;
  return size_ < text_.size();
}

bool ProcText::read(std::int32_t pid, const char* name) {
  const Descriptor file(open_file(pid, name));
  return file.get() >= 0 && read_open(file.get());
}

bool ProcText::read_fdinfo(int fd) {
  std::array<char, kPath> path;
  std::snprintf(path.data(), path.size(), "/proc/self/fdinfo/%d", fd);
  const Descriptor file(open(path.data(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  return file.get() >= 0 && read_open(file.get());
}

std::optional<std::string> read_status(std::int32_t pid) {
  const Descriptor file(open_file(pid, "status"));
  if (file.get() < 0) return std::nullopt;
  std::string text;
  for (std::size_t size = 0;;) {
    text.resize(size + ProcText::kMost);
    const ssize_t got = read(file.get(), text.data() + size, ProcText::kMost);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 || size > kStatusMax) return std::nullopt;
    size += static_cast<std::size_t>(got);
    if (got == 0) {
      text.resize(size);
      return text;
    }
  }
}

std::optional<std::uint64_t> Starts::of(std::int32_t pid) {
  ProcText text;
  auto place = std::ranges::find_if(kept_, [pid](const Kept& one) { return one.pid == pid; });
  if (place == kept_.end()) {
    place = kept_.begin() + static_cast<std::ptrdiff_t>(oldest_);
    oldest_ = (oldest_ + 1) % kKept;
  } else if (text.read_open(place->alive.get())) {
    return place->start;
  }
  place->pid = 0;
  // First this one: while it can be read, what the path means is the process that it belongs to.
  place->alive.reset(open_file(pid, "comm"));
  const auto stat = text.read(pid, "stat") ? parse_stat(text.get()) : std::nullopt;
  if (place->alive.get() < 0 || !stat) return std::nullopt;
  place->pid = pid;
  place->start = stat->start;
  return stat->start;
}

void OwnFiles::open(std::int32_t pid) {
  pid_ = pid;
  for (std::size_t file = 0; file < kFiles; ++file) files_[file].reset(open_file(pid, kOwnFiles[file]));
}

bool OwnFiles::read(std::int32_t pid, File file, ProcText& text) const {
  return (pid == pid_ && text.read_open(files_[file].get())) || text.read(pid, kOwnFiles[file]);
}

std::optional<Stat> OwnFiles::stat(std::int32_t pid) const {
  ProcText text;
  return read(pid, kStat, text) ? parse_stat(text.get()) : std::nullopt;
}

}  // namespace jit::gate
