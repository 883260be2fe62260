// SPDX-License-Identifier: Apache-2.0
// What couriers carry out of this host. The log is the queue: it is durable, in order and bounded already, so only how far each
// courier has come is kept beside it. At least once: whoever is told twice must not mind. Core's thread.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "broker/core/core.h"
#include "broker/outbox/notices.h"
#include "broker/store/store.h"

namespace jit::outbox {

enum class Courier : std::uint8_t { kRelay, kNotify };
inline constexpr std::size_t kCouriers = 2;
std::string_view name_of(Courier);                              // "relay", "notify"
std::optional<Courier> courier_of(const policy::Identity& who);  // by the names of their system users

// Whether a courier comes through to where it carries.
struct Reach {
  bool known = false;
  bool reached = false;
  std::string why;          // for people; where it does not
  core::WallMs since = 0;
};

class Outbox {
 public:
  static constexpr std::size_t kPage = 200;                     // entries in an answer
  static constexpr std::size_t kPageBytes = 2 * 1024 * 1024;    // and one entry: at most 300 KiB, and names of people
  static constexpr core::WallMs kOld = core::WallMs{24} * 3600 * 1000;  // what is older is carried to nobody

  struct Sealing {
    std::function<std::string(const core::Request&)> envelope;  // JSON; empty: it cannot be signed now
    store::Database::Seal seal;
  };
  Outbox(core::Core& core, const core::Clock& clock, std::string boot_id, std::function<store::Database*()> database, Sealing sealing);

  void use_host(std::string id, std::string name, evidence::PrivateFields hide);

  // A call of this connection has come; its caller is still being looked up. What a connection says of itself counts while it is
  // there: one that left meanwhile would be there for ever.
  void expect(const std::string& connection) { present_.insert(connection); }
  // Documents of the interface Courier, see dbus/org.pamjit.Broker1.xml.
  core::Outcome<std::string> open(Courier courier, const std::string& after);
  // connection: who is told, once, when there is more than this answer says.
  core::Outcome<std::string> next(Courier courier, const std::string& connection, std::uint64_t after);
  core::Outcome<bool> done(Courier courier, std::uint64_t sequence);
  core::Outcome<bool> reachable(Courier courier, const std::string& connection, bool reached, std::string why, core::WallMs now);
  // The channel took the message of this entry.
  core::Outcome<bool> acknowledged(Courier courier, std::uint64_t sequence, const std::string& channel);
  // Is there a notifier that carries what is queued? One that has been here, and was not away for so long that what was queued
  // then is carried to nobody.
  bool notifies(core::WallMs now);
  const Reach& reach(Courier courier) const { return state_[static_cast<std::size_t>(courier)].reach; }

  // Connections to be told of something that was just written.
  std::vector<std::string> logged(const core::AuditEntry& entry);
  void left(const std::string& connection, core::WallMs now);
  void lost(core::WallMs now);  // all of them, with the bus

 private:
  struct State {
    std::string waiting;  // a connection; empty: nobody waits for more
    std::string last;     // the connection that was heard of last: when it goes, nobody is reached
    std::optional<std::uint64_t> carried;  // as it was said last; the store may not have it yet
    Reach reach;
    core::WallMs gone = 0;  // since when no connection of it is there, the store says it too; 0: not known yet
    bool gone_read = false;
    core::WallMs kept = 0;  // when the store was told last that it is here
  };
  State& of(Courier courier) { return state_[static_cast<std::size_t>(courier)]; }
  void keep_here(core::WallMs now);  // of the notifier
  void note_reach(Courier courier, bool reached, std::string why, core::WallMs now);
  std::string entry(Courier courier, const core::AuditEntry& entry, const Moment& now);
  std::uint64_t first_of_boot(store::Database& database);  // of the log, once there is one
  std::optional<std::uint64_t> carried(Courier courier, store::Database& database);
  std::optional<std::uint64_t> place(Courier courier, store::Database& database);  // behind which entry it goes on; nothing: it cannot be read
  std::string head() const;  // the members that each page begins with
  std::string request_entry(const core::Request& request, const Moment& now) const;  // the members that are the same wherever it is told

  Moment now() const;

  core::Core& core_;
  const core::Clock& clock_;
  const std::string boot_id_;
  std::function<store::Database*()> database_;
  Sealing sealing_;
  std::string host_id_, host_name_;
  evidence::PrivateFields hide_;
  std::array<State, kCouriers> state_;
  std::set<std::string> present_;  // connections that have called
  std::uint64_t first_ = 0;  // entry of this boot; 0: not looked for yet
};

}  // namespace jit::outbox
