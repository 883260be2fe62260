// SPDX-License-Identifier: Apache-2.0
// Brings old entries of the log into the archive, a part after the other, a few entries at a turn of the loop.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "broker/core/ports.h"
#include "broker/store/part_maker.h"

namespace jit::broker {

class Archivist {
 public:
  // logged: an entry that is durable. ready: what a part begins with; nothing: there is no key now.
  using Logged = std::function<void(const core::AuditEntry& entry)>;
  using Host = std::function<std::optional<evidence::ExportHost>()>;
  Archivist(core::Post post, std::string boot, const core::Clock& clock, Host host, store::Database::Seal seal, Logged logged)
      : post_(std::move(post)), boot_(std::move(boot)), clock_(clock), host_(std::move(host)), seal_(std::move(seal)), logged_(std::move(logged)) {}

  void retain(std::uint32_t seconds);                  // looks again soon
  void use(std::function<store::Database*()> database) { database_ = std::move(database); }
  void turn();                                         // at each turn of the loop
  std::optional<core::BootMs> next() const { return busy_ ? std::nullopt : std::optional(next_); }
  std::vector<std::string> notes() const;  // what people must know of the archive
  const std::string& problem() const { return problem_; }  // why the archive cannot be written; empty: it can

 private:
  void begin(store::Database& database);
  std::string late_entry(store::Database& database) const;  // what keeps all of them there; empty: nothing does
  void go_on();
  void hand_over(store::Database& database);
  void end(bool good, const std::string& why);

  core::Post post_;
  const std::string boot_;
  const core::Clock& clock_;
  Host host_;
  store::Database::Seal seal_;
  Logged logged_;
  std::function<store::Database*()> database_ = [] { return nullptr; };
  std::uint32_t retain_s_ = 0;  // 0: not known yet
  core::BootMs next_ = 0;
  bool busy_ = false;
  std::unique_ptr<store::PartMaker> maker_;
  const store::Database* of_ = nullptr;  // what the part is made of
  std::string problem_;
};

}  // namespace jit::broker
