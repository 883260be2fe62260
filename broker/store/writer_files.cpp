// SPDX-License-Identifier: Apache-2.0
// The writer's watch over its files: nobody else may have a hand in them.
#include <utility>

#include "broker/store/writer.h"

namespace jit::store {

// Looks at the files before each transaction, for SQLite does not: it would write on into a file that has no name any
// more, or over damage that its cache hides.
bool Writer::untouched() {
  switch (look()) {
    case Place::Found::kUnsafe:
      keep_error(place_.problem());
      return false;
    case Place::Found::kReady:
      break;
    default:
      replace_deleted();
      return false;
  }
  if (!statements_) return true;  // just opened, and checked then
  if (!place_.has_log()) {
    replace_log();
    return false;
  }
  if (place_.take_suspicion()) mark_.reset();
  if (mark_ == place_.seen()) return true;
  mark_.reset();
  return check_again(place_.mark());
}

Place::Found Writer::look() { return place_.look(!rest_by_); }

bool Writer::as_left() { return look() == Place::Found::kReady && place_.has_log() && mark_ == place_.seen(); }

bool Writer::check_again(const Place::Mark& now) {
  if (bad_ == now) return false;  // nothing has changed since: the error that is kept says it
  Connected opened = open_suspect(place_);
  if (!opened.db) {
    keep_error(std::move(opened.message));
    bad_ = now;
    return false;
  }
  statements_.reset();
  db_ = std::move(opened.db);
  spoiled_ = false;
  bad_.reset();
  return true;
}

// It lives on as long as we have it open: all that was acknowledged is in it.
void Writer::replace_deleted() {
  if (!place_.is_deleted()) return keep_error(place_.path() + " was taken away while jit-broker runs; put it back");
  if (std::string why = write_anew(db_.get(), place_); !why.empty()) return keep_error(std::move(why));
  // The last connection to the old file must not tidy up under the name that is now the new one's.
  sqlite3_db_config(db_.get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  spoiled_ = true;
  left();
  keep_error(place_.path() + " was deleted while jit-broker runs; it was written anew with all that was in it");
}

// What was acknowledged and is not in the database yet is in the log that we have open: it is moved, and a log begun.
void Writer::replace_log() {
  const int code = sqlite3_wal_checkpoint_v2(db_.get(), nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
  if (code != SQLITE_OK) return keep_error(code);
  place_.log_renewed();
  spoiled_ = true;
  left();
  keep_error(place_.path() + "-wal was taken away while jit-broker runs; another one was begun, and nothing is lost");
}

void Writer::left() {
  mark_ = place_.mark();
  rest_by_.reset();
}

// A commit writes to the log alone. A log whose times were asked has its inode written, too, with the next sync: on a file system
// without a journal that is a third more of it.
void Writer::committed() {
  const Time now = std::chrono::steady_clock::now();
  if (now < committed_at_ + kBurst) {
    mark_->log = place_.size_of_log();
    rest_by_ = now + kBurst;
  } else {
    left();
  }
  committed_at_ = now;
}

void Writer::rest() {
  if (mark_) mark_->log = place_.mark().log;
  rest_by_.reset();
}

// What was found is left to ready().
void Writer::look_ahead() {
  looked_at_ = statements_ && !spoiled_ && as_left() ? std::chrono::steady_clock::now() : Time();
}

// A log that was cut since would be written on over what is missing, and have its size again.
bool Writer::has_looked() {
  const bool looked = std::exchange(looked_at_, Time()) + 2 * kLookOut > std::chrono::steady_clock::now();
  return looked && statements_ && !spoiled_ && !place_.is_suspected() && mark_ && mark_->log.size == place_.size_of_log().size;
}

bool Writer::ready() {
  if (!untouched()) return false;
  if (statements_ && !spoiled_) return true;
  if (spoiled_) {
    // The old one is closed after the new one is open: the last connection to go would leave the log to be recovered,
    // and with it a transaction of which we said that it failed.
    Connected opened = other_log_ ? open_suspect(place_) : open_again(place_);
    if (!opened.db) {
      keep_error(std::move(opened.message));
      return false;
    }
    statements_.reset();
    db_ = std::move(opened.db);
    spoiled_ = false;
  }
  int code = SQLITE_OK;
  statements_ = Statements::prepare(db_.get(), code);
  if (!statements_) {
    keep_error(code);
    spoiled_ = true;
    return false;
  }
  // Not a byte of it is damaged, and yet it is not what was written: somebody put another one, or an older one, in its place.
  other_log_ = statements_->log().tree() != tree_;
  if (other_log_) {
    keep_error(place_.path() + " holds another log than the one that was written to it; put that back, or restart jit-broker: all that is open ends then");
    statements_.reset();
    spoiled_ = true;
    return false;
  }
  // Replaces the automatic checkpoint, which would run before the askers are told.
  sqlite3_wal_hook(
      db_.get(),
      [](void* self, sqlite3*, const char*, int pages) {
        static_cast<Writer*>(self)->wal_pages_ = pages;
        return SQLITE_OK;
      },
      this);
  place_.pin_log();
  left();
  return true;
}

}  // namespace jit::store
