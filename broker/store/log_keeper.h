// SPDX-License-Identifier: Apache-2.0
// Signs the log of this host, and tells whether a database is the one whose log was signed last: one that was lost, or put back
// from a copy or a snapshot, would bring back what had ended and let a vote count twice.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "broker/core/ports.h"
#include "broker/store/head_file.h"
#include "broker/store/store.h"
#include "evidence/host_key.h"

namespace jit::store {

class LogKeeper {
 public:
  // told: after each signed head; `why`: its file cannot be written, else empty. On the writer's thread.
  using Told = std::function<void(const core::Head& head, const std::string& why)>;
  // The clock must be usable from any thread.
  LogKeeper(std::string head_path, std::string boot, const core::Clock& clock, Told told);

  void use_key(std::shared_ptr<const evidence::HostKey> key);
  void use_policy(std::string hash, std::int64_t people_version);  // what is in force; an empty hash: none is
  Log log();  // for Database::open; this must outlive it

  // Once for each database that was opened, before anything is written to it.
  struct Judged {
    std::string cause;     // "behind", "other", "epoch", "missing", "damaged", "key": all that is open is void; empty: it is the one
    std::string text;      // for people: what was found
    std::int64_t epoch = 0;  // from now on; 0: it cannot be read, see Database::last_error()
    std::int64_t people_version = 0;  // of the head of this boot; 0: there is none that is ours
  };
  Judged judge(Database& database);

 private:
  std::string sign(std::uint64_t size, const evidence::Hash& root, std::int64_t epoch);
  void publish(const core::Head& head, std::int64_t epoch);
  bool ours(const evidence::Envelope& envelope) const;
  void begin(Database& database, std::int64_t epoch);
  std::pair<std::string, std::string> compare(Database& database, Judged& out);

  HeadFile file_;
  const std::string boot_;
  const core::Clock& clock_;
  const Told told_;
  std::mutex mutex_;  // of what is below
  std::shared_ptr<const evidence::HostKey> key_;
  std::string policy_hash_;
  std::int64_t people_version_ = 0;
};

}  // namespace jit::store
