// SPDX-License-Identifier: Apache-2.0
#include "broker/store/wal_file.h"

#include <sqlite3.h>

#include <cstddef>
#include <exception>
#include <new>
#include <string>

#include "broker/store/early_writes.h"

namespace jit::store {
namespace {

constexpr char kName[] = "jit-wal";
constexpr std::size_t kMostHeld = 100 * 1024;  // bytes: the VFS for Unix takes fewer than 128 KiB at once

// What SQLite has of the file: ours, and behind it that of the VFS below.
struct WalFile {
  sqlite3_file base{};  // must be the first
  std::string held;     // written, and not given to the kernel yet
  sqlite3_int64 at = 0;
  sqlite3_file* below() { return reinterpret_cast<sqlite3_file*>(this + 1); }
  // What was held is lost where it cannot be written, and whoever syncs or reads is told so.
  int give() {
    if (held.empty()) return SQLITE_OK;
    const int code = below()->pMethods->xWrite(below(), held.data(), static_cast<int>(held.size()), at);
    held.clear();
    return code;
  }
};
static_assert(sizeof(WalFile) % alignof(std::max_align_t) == 0);

WalFile& wal_of(sqlite3_file* file) { return *reinterpret_cast<WalFile*>(file); }

int wal_close(sqlite3_file* file) {
  WalFile& wal = wal_of(file);
  const int given = wal.give();
  const int closed = wal.below()->pMethods->xClose(wal.below());
  wal.~WalFile();
  return given != SQLITE_OK ? given : closed;
}

int wal_read(sqlite3_file* file, void* to, int size, sqlite3_int64 at) {
  WalFile& wal = wal_of(file);
  const int given = wal.give();
  return given != SQLITE_OK ? given : wal.below()->pMethods->xRead(wal.below(), to, size, at);
}

int wal_write(sqlite3_file* file, const void* from, int size, sqlite3_int64 at) {
  WalFile& wal = wal_of(file);
  const auto length = static_cast<std::size_t>(size);
  const bool goes_on = at == wal.at + static_cast<sqlite3_int64>(wal.held.size()) && wal.held.size() + length <= kMostHeld;
  if (!goes_on) {
    if (const int given = wal.give(); given != SQLITE_OK) return given;
    wal.at = at;
  }
  try {
    wal.held.append(static_cast<const char*>(from), length);
  } catch (const std::exception&) {
    return SQLITE_IOERR_NOMEM;
  }
  return SQLITE_OK;
}

int wal_truncate(sqlite3_file* file, sqlite3_int64 size) {
  WalFile& wal = wal_of(file);
  const int given = wal.give();
  return given != SQLITE_OK ? given : wal.below()->pMethods->xTruncate(wal.below(), size);
}

int wal_sync(sqlite3_file* file, int flags) {
  WalFile& wal = wal_of(file);
  const int given = wal.give();
  return given != SQLITE_OK ? given : wal.below()->pMethods->xSync(wal.below(), flags);
}

int wal_size(sqlite3_file* file, sqlite3_int64* size) {
  WalFile& wal = wal_of(file);
  const int given = wal.give();
  return given != SQLITE_OK ? given : wal.below()->pMethods->xFileSize(wal.below(), size);
}

int wal_lock(sqlite3_file* file, int kind) { return wal_of(file).below()->pMethods->xLock(wal_of(file).below(), kind); }
int wal_unlock(sqlite3_file* file, int kind) { return wal_of(file).below()->pMethods->xUnlock(wal_of(file).below(), kind); }
int wal_reserved(sqlite3_file* file, int* out) { return wal_of(file).below()->pMethods->xCheckReservedLock(wal_of(file).below(), out); }
int wal_control(sqlite3_file* file, int what, void* with) { return wal_of(file).below()->pMethods->xFileControl(wal_of(file).below(), what, with); }
int wal_sector(sqlite3_file* file) { return wal_of(file).below()->pMethods->xSectorSize(wal_of(file).below()); }
int wal_device(sqlite3_file* file) { return wal_of(file).below()->pMethods->xDeviceCharacteristics(wal_of(file).below()); }

const sqlite3_io_methods kMethods{1,        wal_close,    wal_read,    wal_write,  wal_truncate, wal_sync, wal_size, wal_lock, wal_unlock, wal_reserved,
                                  wal_control, wal_sector, wal_device, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr};

int open_any(sqlite3_vfs* vfs, sqlite3_filename name, sqlite3_file* file, int flags, int* got) {
  auto* const below = static_cast<sqlite3_vfs*>(sqlite3_vfs_find(nullptr));
  static_cast<void>(vfs);
  if ((flags & SQLITE_OPEN_WAL) == 0) return below->xOpen(below, name, file, flags, got);
  WalFile* const wal = new (file) WalFile;
  wal->below()->pMethods = nullptr;
  const int code = below->xOpen(below, name, wal->below(), flags, got);
  if (wal->below()->pMethods != nullptr) {
    wal->base.pMethods = &kMethods;  // it is closed then, even after an error
  } else {
    wal->~WalFile();
    file->pMethods = nullptr;
  }
  return code;
}

}  // namespace

const char* wal_vfs() {
  // The VFS below is used for all but the opening; its functions do not ask by which of the two they are called.
  static const bool ready = [] {
    if (sqlite3_initialize() != SQLITE_OK) return false;
    static sqlite3_vfs ours = *sqlite3_vfs_find(nullptr);
    ours.zName = kName;
    ours.szOsFile += static_cast<int>(sizeof(WalFile));
    ours.xOpen = open_any;
    ours.pNext = nullptr;
    EarlyWrites::prepare();
    return sqlite3_vfs_register(&ours, 0) == SQLITE_OK;
  }();
  return ready ? kName : nullptr;
}

}  // namespace jit::store
