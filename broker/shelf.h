// SPDX-License-Identifier: Apache-2.0
// The core's store while the database may be missing: a damaged or newer file or a full disk must leave a broker that
// denies, says why, and goes on by itself once the cause is gone.
#pragma once

#include <memory>
#include <string>

#include "broker/core/ports.h"
#include "broker/store/store.h"

namespace jit::broker {

class Shelf final : public core::Store {
 public:
  explicit Shelf(core::Post post) : post_(std::move(post)) {}
  // True once the database is open; message() says why not.
  bool open(const std::string& path, store::Log log);
  store::Database* database() const { return database_.get(); }
  const std::string& message() const { return message_; }
  void close() { database_.reset(); }  // writes what is queued
  void blame(std::string why) { message_ = std::move(why); }  // why it was closed

  void commit(core::Batch batch, std::function<void(bool)> done) override;
  bool failing() const override { return !database_ || database_->failing(); }
  core::Head head() const override { return database_ ? database_->head() : core::Head(); }
  // Why the database fails, or failed since settle() though it may work again by now: a failure must not go unsaid because it
  // was short. Empty: it did not.
  std::string trouble() const { return database_ && database_->failing() ? database_->last_error() : missed_; }
  void settle() { missed_.clear(); }

 private:
  core::Post post_;
  std::unique_ptr<store::Database> database_;
  std::string message_;
  std::string missed_;
};

}  // namespace jit::broker
