// SPDX-License-Identifier: Apache-2.0
// Reading /proc, without memory of its own where a text is short.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "broker/gate/proc_text.h"

namespace jit::gate {

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() { reset(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  void reset(int fd = -1);

 private:
  int fd_ = -1;
};

// A file of /proc that fits into 2 KiB, read at once.
class ProcText {
 public:
  static constexpr std::size_t kMost = 2048;
  bool read(std::int32_t pid, const char* name);  // false, and errno: it cannot be read, or is longer
  bool read_fdinfo(int fd);                       // of this process's own descriptor
  bool read_open(int fd);                         // from its beginning
  std::string_view get() const { return {text_.data(), size_}; }

 private:
  std::array<char, kMost> text_;
  std::size_t size_ = 0;
};

std::optional<std::string> read_status(std::int32_t pid);  // long where the groups are many; at most 256 KiB

// When processes were created, which never changes: that they are still there says a file that is kept open and read in a fifth
// of the time of stat. Such a descriptor belongs to one process, not to a number: once that one is gone nothing can be read from
// it, whoever has its pid then.
class Starts {
 public:
  static constexpr std::size_t kKept = 32;  // descriptors
  std::optional<std::uint64_t> of(std::int32_t pid);

 private:
  struct Kept {
    std::int32_t pid = 0;
    std::uint64_t start = 0;
    Descriptor alive;
  };
  std::array<Kept, kKept> kept_;
  std::size_t oldest_ = 0;
};

// What every call reads of who asks. Opened when he connects, when nobody waits for it, and read when his call has come; of
// anybody else by path. The descriptors belong to a process, as above.
class OwnFiles {
 public:
  enum File : std::size_t { kStat, kLoginuid, kSessionid, kFiles };
  void open(std::int32_t pid);
  bool read(std::int32_t pid, File file, ProcText& text) const;  // false, and errno
  std::optional<Stat> stat(std::int32_t pid) const;

 private:
  std::int32_t pid_ = 0;
  std::array<Descriptor, kFiles> files_;
};

}  // namespace jit::gate
