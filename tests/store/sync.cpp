// SPDX-License-Identifier: Apache-2.0
#include "tests/store/sync.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <mutex>

namespace {
std::mutex mutex;
std::condition_variable changed;
int done = 0;
long long early = 0;
int failures = 0;
int failure = 0;
bool held = false;
bool waiting = false;
}  // namespace

extern "C" int fdatasync(int fd) {
  {
    std::unique_lock lock(mutex);
    ++done;
    if (held) {
      waiting = true;
      changed.notify_all();
      changed.wait(lock, [] { return !held; });
      waiting = false;
    }
    if (failures > 0) {
      --failures;
      errno = failure;
      return -1;
    }
  }
  return static_cast<int>(::syscall(SYS_fdatasync, fd));
}

extern "C" int sync_file_range(int fd, off_t at, off_t size, unsigned flags) {
  {
    const std::lock_guard lock(mutex);
    early += size;
  }
  return static_cast<int>(::syscall(SYS_sync_file_range, fd, at, size, flags));
}

namespace jit::test {

int Syncs::count() {
  const std::lock_guard lock(mutex);
  return done;
}

long long Syncs::early() {
  const std::lock_guard lock(mutex);
  return ::early;
}

void Syncs::hold() {
  const std::lock_guard lock(mutex);
  held = true;
}

void Syncs::wait_for_one() {
  std::unique_lock lock(mutex);
  changed.wait(lock, [] { return waiting; });
}

void Syncs::release() {
  const std::lock_guard lock(mutex);
  held = false;
  changed.notify_all();
}

void Syncs::fail(int times, int error) {
  const std::lock_guard lock(mutex);
  failures = times;
  failure = error;
}

}  // namespace jit::test
