// SPDX-License-Identifier: Apache-2.0
// One connection, opened only where the file is ours, whole and of a version that we know.
#pragma once

#include <string>

#include "broker/store/place.h"
#include "broker/store/sqlite.h"
#include "broker/store/store.h"

namespace jit::store {

inline constexpr int kBusyMs = 2000;  // somebody with a database shell; longer than that, we deny

struct Connected {
  Db db;  // null on an error
  OpenError error = OpenError::kNone;
  std::string message;
};

// Creates the database where none is: under another name first, so that a crash half-way leaves nothing that looks
// like ours; then checks it and migrates it forward. A damaged file is never touched.
Connected open_checked(Place& place);

// The same file again: after an error that spoiled a connection, or for the reader. Neither creates nor migrates.
Connected open_again(Place& place);

// The same file again, after it may have been written to by somebody else: checked as at start.
Connected open_suspect(Place& place);

// Everything that an open connection sees, under the name that its deleted file had. Empty: done, else why not.
std::string write_anew(sqlite3* db, Place& place);

// What an error of SQLite means for whoever opens.
OpenError kind_of(sqlite3* db, int code);

}  // namespace jit::store
