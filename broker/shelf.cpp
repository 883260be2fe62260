// SPDX-License-Identifier: Apache-2.0
#include "broker/shelf.h"

namespace jit::broker {

bool Shelf::open(const std::string& path) {
  if (database_) return true;
  auto opened = store::Database::open(path, post_);
  database_ = std::move(opened.database);
  message_ = std::move(opened.message);
  return database_ != nullptr;
}

void Shelf::commit(core::Batch batch, std::function<void(bool)> done) {
  if (database_) return database_->commit(std::move(batch), std::move(done));
  post_([done = std::move(done)] { done(false); });
}

}  // namespace jit::broker
