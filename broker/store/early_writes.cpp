// SPDX-License-Identifier: Apache-2.0
#include "broker/store/early_writes.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>

namespace jit::store {
namespace {

constexpr off64_t kPart = 1024 * 1024;  // bytes that are sent on their way together

// What was written there one piece after the other, and is not on its way yet.
struct Stretch {
  bool open = false;
  off64_t begin = 0, end = 0;
};
thread_local Stretch t_stretch;

ssize_t write_early(int fd, const void* from, std::size_t size, off64_t at) {
  const ssize_t written = ::pwrite64(fd, from, size, at);
  Stretch& stretch = t_stretch;
  if (!stretch.open || written <= 0) return written;
  if (at < stretch.end || at > stretch.end + kPart) stretch.begin = at;
  stretch.end = at + written;
  if (stretch.end - stretch.begin >= kPart) {
    const int error = errno;
    ::sync_file_range(fd, stretch.begin, stretch.end - stretch.begin, SYNC_FILE_RANGE_WRITE);  // a hint: the sync says what failed
    errno = error;
    stretch.begin = stretch.end;
  }
  return written;
}

}  // namespace

// The VFS for Unix keeps its descriptors to itself, and one of ours would drop its locks when it is closed (POSIX).
void EarlyWrites::prepare() {
  sqlite3_vfs* const vfs = sqlite3_vfs_find(nullptr);
  if (vfs->xGetSystemCall(vfs, "pwrite64") != nullptr) vfs->xSetSystemCall(vfs, "pwrite64", reinterpret_cast<sqlite3_syscall_ptr>(write_early));
}

EarlyWrites::EarlyWrites() { t_stretch = {true}; }

EarlyWrites::~EarlyWrites() { t_stretch = {}; }

}  // namespace jit::store
