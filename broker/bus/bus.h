// SPDX-License-Identifier: Apache-2.0
// org.pamjit.Broker1 on the system bus, in a thread of its own: a bus that stops or restarts never stops the gate.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "broker/core/core.h"
#include "broker/directory/directory.h"
#include "broker/store/store.h"
#include "evidence/envelope.h"

namespace jit::outbox {
class Outbox;
}

namespace jit::bus {

struct Host {
  std::string id;
  std::string name;
  std::string key = {};  // its public one, as ssh writes it; empty: there is none now
};

// What the policy part answers; JSON text.
struct Admin {
  std::function<std::string()> status;  // {"state","rules","hash","loaded","error",...,"store":{...},"waiting",...}
  // The same after a reload; policy.errors says why the new set was refused. done on the core's thread, later.
  std::function<void(std::function<void(std::string)> done)> reload;
  // A reload that takes files of people.d with an older version too; who says so is logged.
  std::function<void(core::IdentityPtr who, std::function<void(std::string)> done)> accept_people;
  // The envelope of a request, as JSON; empty: it cannot be signed now.
  std::function<std::string(const core::Request&)> envelope;
  // What the host says, signed by it; nothing: it cannot be signed now.
  store::Database::Seal seal;
  outbox::Outbox* outbox = nullptr;  // for couriers; null: there are none
};

class Service final {
 public:
  // database gives null while there is none. All references must outlive it; core, directory and database are used on
  // the core's thread only (through post).
  Service(core::Post post, core::Core& core, directory::Directory& directory, std::function<store::Database*()> database,
          Host host, Admin admin);
  ~Service();
  void start();  // connects and takes the name; reconnects within 10 s for ever
  // On the core's thread:
  void request_changed(const core::Request& request);
  void grant_changed(const core::Grant& grant);
  void fact_changed(const std::string& name);
  void logged(const core::AuditEntry& entry);
  void use_host(Host host);  // of documents from now on

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace jit::bus
