// SPDX-License-Identifier: Apache-2.0
// One connection to the gate, or to the enforcer: D-Bus peer to peer over a socket in /run/jit, with our own loop and deadlines.
#pragma once

#include <systemd/sd-bus.h>

#include "dbus/contract.h"
#include "pam_jit/waiter.h"

namespace jit::pam {

// Who serves, and as what.
struct Service {
  std::string_view socket;
  const char* object;
  const char* interface;
  const char* early;  // the signal that may come before the reply to a call
};
inline constexpr Service kGate{"/run/jit/gate", dbus::gate1::kPath, dbus::gate1::kInterface, dbus::gate1::kDecided};
inline constexpr Service kEnforcer{"/run/jit/enforcer", dbus::enforcer1::kPath, dbus::enforcer1::kInterface, ""};

// Why there is no answer. Every one of them denies.
enum class Fault : std::uint8_t {
  kNone,
  kNoGate,     // no socket, or nobody listens
  kWrongPeer,  // somebody other than root listens
  kTimeout,
  kBroken,     // hung up, or what came is not D-Bus
  kBadAnswer,  // D-Bus, but not the contract
  kRefused,    // an error reply
  kSystem,     // no descriptor, no memory, a call failed
  kCancelled,  // a signal
  kGone,       // the person hung up
};
const char* word_of(Fault fault);  // for the log

struct UnrefBus {
  void operator()(sd_bus* b) const noexcept { sd_bus_close_unref(b); }
};
struct UnrefMessage {
  void operator()(sd_bus_message* m) const noexcept { sd_bus_message_unref(m); }
};
using Message = std::unique_ptr<sd_bus_message, UnrefMessage>;

class Gate {
 public:
  explicit Gate(const Service& service = kGate) : service_(&service) {}
  // Connects, checks who listens, and goes through the handshake; what is open already is closed first.
  Fault open(Waiter& waiter, Ms until);
  void close() {
    early_.reset();
    bus_.reset();
  }
  bool is_open() const { return bus_ != nullptr; }
  int fd() const { return bus_ ? sd_bus_get_fd(bus_.get()) : -1; }  // not to be closed
  void abandon() { static_cast<void>(bus_.release()); }  // without closing it: its descriptor is not ours any more

  // An empty message for one method of the gate; null where there is no memory or no connection.
  Message call(const char* method) const;
  // Sends it and waits for its reply, whose signature must be exactly this one. Of the signals that come first Decided is
  // kept for next(): it may have been on its way.
  Fault ask(Waiter& waiter, sd_bus_message* call, const char* signature, Ms until, Message& reply);
  // The next signal of the gate's interface.
  Fault next(Waiter& waiter, Ms until, Message& signal);

 private:
  Fault handshake(Waiter& waiter, Ms until);
  Fault receive(Waiter& waiter, Ms until, Message& message);
  Fault turn(Waiter& waiter, Ms until, Message& message);
  const Service* service_;
  std::unique_ptr<sd_bus, UnrefBus> bus_;
  Message early_;  // Decided, before the reply to a call
};

}  // namespace jit::pam
