// SPDX-License-Identifier: Apache-2.0
#include "broker/store/early_writes.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>

namespace jit::store {
namespace {

constexpr off_t kPart = 1024 * 1024;  // bytes that are sent on their way together

// What was written there one piece after the other, and is not on its way yet.
struct Stretch {
  bool open = false;
  off_t begin = 0, end = 0;
};
thread_local Stretch t_stretch;

ssize_t write_early(int fd, const void* from, std::size_t size, off_t at) {
  const ssize_t written = ::pwrite(fd, from, size, at);
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

// The VFS for Unix keeps its descriptors to itself, and one of ours would drop its locks when it is closed (POSIX).
bool put_in_place() {
  sqlite3_vfs* const vfs = sqlite3_vfs_find(nullptr);
  for (const char* const name : {"pwrite", "pwrite64"}) {
    if (vfs->xGetSystemCall(vfs, name) != nullptr) vfs->xSetSystemCall(vfs, name, reinterpret_cast<sqlite3_syscall_ptr>(write_early));
  }
  return true;
}

}  // namespace

EarlyWrites::EarlyWrites() {
  static const bool ready = put_in_place();
  t_stretch = {ready};
}

EarlyWrites::~EarlyWrites() { t_stretch = {}; }

}  // namespace jit::store
