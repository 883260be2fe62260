// SPDX-License-Identifier: Apache-2.0
// Which policy is in force: the files, or, loudly, the last good set.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "broker/config/config.h"
#include "broker/core/core.h"
#include "broker/store/store.h"

namespace jit::broker {

class Policies {
 public:
  struct Status {
    std::string hash;           // in force; empty: none, everything is denied
    std::size_t rules = 0;
    core::WallMs loaded = 0;
    std::string error;          // of the last load: every finding, one a line; empty: it was good
    bool unrescued = false;     // in force although the rescue lines are missing
  };

  // taken: broker.toml of each set that comes into force, on the core's thread.
  Policies(core::Post post, core::Core& core, core::Clock& clock, std::function<void(const config::Broker&)> taken)
      : post_(std::move(post)), core_(core), clock_(clock), taken_(std::move(taken)) {}
  ~Policies();
  // The newest version of people.d that a head of this boot was signed with; 0: none is known. The database may know of nothing so new:
  // it was lost or put back then, and so may the files have been.
  void signed_with(std::int64_t people_version) { signed_with_ = people_version; }
  std::int64_t people_version() const;  // the newest that is known here or was signed, of files that are gone too
  // At start: what the files gave, else the kept set, else, loudly, files that are refused for missing rescue lines alone:
  // a check against locking people out must not do it. Else nothing.
  void start(config::Loaded loaded, store::Database* database);
  // A database that was missing is there: what is in force is kept in it, or, with nothing in force, what it kept is used.
  void database_came(store::Database* database);
  // Reads and checks in a thread of its own; no decision waits. done on the core's thread, after the swap.
  void reload(std::function<store::Database*()> database, std::function<void()> done);
  // The same, and files of people.d with an older version than was seen are taken: this admin says so.
  void accept_people(core::IdentityPtr admin, std::function<store::Database*()> database, std::function<void()> done);
  const Status& status() const { return status_; }

 private:
  void tell_waiting();
  void use_kept(store::Database* database);
  // admin: who accepts older files of people.d; null: nobody does.
  void take(config::Loaded loaded, store::Database* database, const core::IdentityPtr& admin = nullptr);
  std::int64_t missing_version() const;  // what was signed, where nothing that is known here is so new; else 0
  bool learn_versions(store::Database* database, bool came = false);
  std::vector<policy::Finding> older_people(const policy::Policy& policy) const;
  void refuse(const std::vector<policy::Finding>& findings);
  void keep(store::Database* database);

  core::Post post_;
  core::Core& core_;
  core::Clock& clock_;
  std::function<void(const config::Broker&)> taken_;
  Status status_;
  config::Sources sources_;  // of what is in force from the files
  config::Broker broker_;  // of what is in force; before anything is, what the files said at start
  store::PeopleVersions seen_;  // the highest version of each file of people.d, or the one that was accepted since
  std::int64_t signed_with_ = 0;
  core::IdentityPtr accepting_;  // by the next reload
  std::thread worker_;
  bool running_ = false;
  std::vector<std::function<void()>> waiting_;
  bool again_ = false;
};

}  // namespace jit::broker
