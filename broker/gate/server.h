// SPDX-License-Identifier: Apache-2.0
// The inside of the gate. sd-bus objects are never attached to the event loop, whose every turn would cost all of them:
// the loop watches bare descriptors, and sd-bus is run by hand when there is input. A connection that waits costs nothing.
#pragma once

#include <deque>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "broker/gate/asking.h"
#include "broker/gate/caller.h"
#include "broker/gate/gate.h"
#include "broker/gate/log.h"
#include "broker/gate/origins.h"
#include "broker/gate/quota.h"
#include "broker/gate/wire.h"

namespace jit::gate {

struct DisableSource { void operator()(sd_event_source* source) const noexcept { sd_event_source_disable_unref(source); } };
using SourcePtr = std::unique_ptr<sd_event_source, DisableSource>;
struct UnrefEvent { void operator()(sd_event* event) const noexcept { sd_event_unref(event); } };
using EventPtr = std::unique_ptr<sd_event, UnrefEvent>;

enum class Stage : std::uint8_t {
  kFresh,    // nothing called yet
  kAsking,   // Submit or Bind: identity is looked up
  kInCore,   // the core works on it
  kPending,  // answered "pending"
  kNeeds,    // answered "needs": one more Submit may come
  kDone,     // decided, left, or bound
};

// Small: ten thousand of them wait.
struct Connection {
  Connection() = default;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  core::Conn id = 0;
  Server::Impl* server = nullptr;
  BusPtr bus;      // null before the handshake; owns fd from then on
  SourcePtr io;    // before bus in destruction order
  int fd = -1;
  std::int32_t peer_pid = 0;
  std::uint32_t real_uid = policy::kNoUid;
  Quota::Charged charged{policy::kNoUid, policy::kNoUid};
  std::uint32_t login_uid = policy::kNoUid;  // charged at ssh and login
  std::uint32_t frame_left = 0;  // bytes of the message that is being read; 0: between two
  std::uint64_t cookie = 0;      // of the call that waits for its reply
  std::uint64_t quiet_until = 0; // monotonic, µs: closed then, unless it calls before; 0: it may be quiet
  Call call = Call::kNone;
  Stage stage = Stage::kFresh;
  std::uint8_t submits = 0;
  std::uint8_t votes = 0;
  bool over_quota = false;  // gets one "limit", then it is closed
  bool kept = false;        // let through: nothing of it is pending, and it is charged as such
  bool in_core = false;     // the core must hear of a hang-up
  bool closing = false;
  std::unique_ptr<core::Answer> held;  // decided while a Vote is being answered: said after it
};

struct Server::Impl {
  Impl(sd_event* event, int fd, directory::Directory& users, Options given);
  ~Impl();

  void serve(core::Core& its_core);

  // server.cpp: connections come, speak and go.
  void accept_next();
  void accept_one(int fd);
  void drive(Connection& connection);
  bool shake_hands(Connection& connection);
  void close_later(Connection& connection);
  void close_quiet();
  bool expect_call(Connection& connection);  // soon, or it is closed; false: no clock
  void keep(Connection& connection);
  void reap();
  Quota& charge_of(const Connection& connection) { return connection.over_quota ? over : connection.kept ? kept : quota; }
  Connection* find(core::Conn id);
  void send(Connection& connection, const MessagePtr& message);

  // calls.cpp: what they say.
  int on_message(Connection& connection, sd_bus_message* message);
  void bad(Connection& connection, sd_bus_message* message, const std::string& problem);
  void submit(Connection& connection, sd_bus_message* message);
  void resume(Connection& connection, sd_bus_message* message);
  void leave(Connection& connection, sd_bus_message* message, bool detach);
  void vote(Connection& connection, sd_bus_message* message);
  void voted(core::Conn id, const core::Outcome<core::Request>& outcome);
  void bind(Connection& connection, sd_bus_message* message);
  bool asked_unseen(core::Conn id, core::Ask& ask);
  void asked(core::Conn id, std::variant<core::Ask, Refusal> result);
  void reply(Connection& connection, const core::Answer& answer);
  void reply(Connection& connection, const core::BindAnswer& answer);
  void refuse(Connection& connection, const Refusal& refusal);
  PersonOf person_of() const;

  EventPtr loop;
  directory::Directory& directory;
  Options options;
  core::Core* core = nullptr;
  int listen_fd;
  int spare_fd;  // given up for a moment where descriptors are short, to refuse rather than spin
  core::Conn last_id = 0;
  std::unordered_map<core::Conn, std::unique_ptr<Connection>> connections;
  std::deque<std::pair<std::uint64_t, core::Conn>> quiet;  // (quiet_until, connection) oldest first; may hold stale ones
  std::vector<core::Conn> dying;
  Quota quota, over, kept;
  Callers callers;
  Origins origins;
  Log log;
  SourcePtr listen_source, quiet_timer, reaper;
  // What comes back from the directory finds out by this whether we are still here.
  std::shared_ptr<Impl*> self = std::make_shared<Impl*>(this);
};

}  // namespace jit::gate
