// SPDX-License-Identifier: Apache-2.0
// How SQLite's write-ahead log is written here: all that stands between two syncs goes to the kernel in one piece. SQLite writes two
// pieces for each page, which is half of what a commit costs beside its sync.
#pragma once

namespace jit::store {

// The name of the VFS to open databases with; null: out of memory. Only for synchronous=FULL or EXTRA, where each commit ends
// with a sync: nothing that another connection may see is ever held back.
const char* wal_vfs();

}  // namespace jit::store
