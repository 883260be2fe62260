// SPDX-License-Identifier: Apache-2.0
// All parts of the broker, put together.
#pragma once

#include <systemd/sd-event.h>

#include <memory>
#include <set>

#include "broker/archivist.h"
#include "broker/bus/bus.h"
#include "broker/core/core.h"
#include "broker/directory/directory.h"
#include "broker/gate/enforcer.h"
#include "broker/gate/gate.h"
#include "broker/host.h"
#include "broker/loop.h"
#include "broker/outbox/outbox.h"
#include "broker/policies.h"
#include "broker/shelf.h"
#include "broker/store/host_key_file.h"
#include "broker/store/log_keeper.h"
#include "broker/store/tombstone_file.h"

namespace jit::broker {

class Broker final : public core::Listener {
 public:
  Broker(Loop& loop, int gate_fd, std::string boot);
  ~Broker();
  void start();
  void reload();

  void request_changed(const core::Request& request) override;
  void grant_changed(const core::Grant& grant) override;
  void logged(const core::AuditEntry& entry) override;
  void fact_changed(const std::string& name) override;

 private:
  void tell_host();
  std::set<core::Id> told_of(const core::State& state);
  void watch_alarm(const store::LogKeeper::Judged& judged);
  bool was_put_back();
  void watch_policy();
  bool load_key();
  std::string envelope_of(const core::Request& request) const;
  std::optional<evidence::Envelope> seal(std::string_view type, const std::string& payload, std::string_view purpose) const;
  bool no_database(const std::string& before);  // tells what is new; false
  bool open_database();
  std::optional<core::BootMs> turn();
  std::string status() const;
  void use(const config::Broker& file);  // broker.toml after a reload

  Loop& loop_;
  std::string boot_;
  SystemClock clock_;
  SystemRandom random_;
  std::shared_ptr<const evidence::HostKey> key_;  // null while it cannot be had; then there is no database either
  std::int64_t epoch_ = 1;  // of the database
  evidence::PrivateFields hide_;     // [privacy]
  std::string secret_;      // of the salts of what is hidden: known to whoever has the key, and to nobody else
  std::string alarm_;         // for people: the log was lost or put back; empty: it was not
  std::string signed_policy_;  // the hash that stands in signed heads
  std::int64_t signed_people_ = 0;
  store::LogKeeper keeper_;   // the database signs with it until its end
  Shelf shelf_;
  store::TombstoneFile tombstones_;
  directory::Directory directory_;
  std::unique_ptr<gate::Server> gate_;
  std::unique_ptr<core::Core> core_;
  std::unique_ptr<Archivist> archivist_;
  std::string told_archive_;  // the trouble that the journal knows of
  std::unique_ptr<Policies> policies_;
  std::unique_ptr<gate::Enforcer> enforcer_;  // null: systemd does not run here
  std::unique_ptr<outbox::Outbox> outbox_;
  std::unique_ptr<bus::Service> bus_;
  bus::Host host_;
  void look_at_holders();
  core::BootMs next_holders_ = 0;
  void know_root();
  bool root_unknown_ = false;  // the directory did not answer
  core::BootMs next_root_ = 0;
  void know_voters(const std::vector<std::uint32_t>& voters);
  std::vector<std::uint32_t> unknown_voters_;  // the directory did not answer
  core::BootMs next_voters_ = 0;
  core::BootMs next_open_ = 0;   // of the database, while it is missing
  core::BootMs next_probe_ = 0;  // of a store that fails
  bool told_failing_ = false;    // one line in the journal for each time
  bool told_unsafe_ = false;
};

}  // namespace jit::broker
