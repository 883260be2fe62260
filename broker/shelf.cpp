// SPDX-License-Identifier: Apache-2.0
#include "broker/shelf.h"

namespace jit::broker {

bool Shelf::open(const std::string& path, store::Log log) {
  if (database_) return true;
  auto opened = store::Database::open(path, post_, std::move(log));
  database_ = std::move(opened.database);
  message_ = std::move(opened.message);
  return database_ != nullptr;
}

void Shelf::commit(core::Batch batch, std::function<void(bool)> done) {
  if (database_) {
    return database_->commit(std::move(batch), [this, done = std::move(done)](bool written) {
      if (!written) {
        missed_ = database_ ? database_->last_error() : std::string();
        if (missed_.empty()) missed_ = "a write failed, the next one did not";
      }
      done(written);
    });
  }
  post_([done = std::move(done)] { done(false); });
}

}  // namespace jit::broker
