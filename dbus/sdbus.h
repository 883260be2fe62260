// SPDX-License-Identifier: Apache-2.0
// sdbus-c++ of Debian 12 (1.2) and of Debian 13 (2.1) behind the same names. 2 has a type of its own for each kind of text, hands
// an error of a reply by value, and registers at once.
#pragma once

#include <sdbus-c++/sdbus-c++.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace jit::dbus {

#if __has_include(<sdbus-c++/VTableItems.h>)

using sdbus::ObjectPath;
using sdbus::ServiceName;
using ErrorName = sdbus::Error::Name;
using ReplyError = std::optional<sdbus::Error>;

inline void finish_registration(sdbus::IProxy&) {}
inline bool process_one(sdbus::IConnection& connection) { return connection.processPendingEvent(); }

template <class Handler>
void add_match(sdbus::IConnection& connection, const std::string& match, Handler handler) {
  connection.addMatch(match, [handler = std::move(handler)](sdbus::Message message) { handler(message); });
}

template <class Interfaces>
std::string sender_of_call(Interfaces& object) {
  return object.getCurrentlyProcessedMessage().getSender();
}

inline sdbus::Signal make_signal(sdbus::IObject& object, const char* interface, const char* name) {
  return object.createSignal(sdbus::InterfaceName(interface), sdbus::SignalName(name));
}

#else

using ObjectPath = std::string;
using ServiceName = std::string;
using ErrorName = std::string;
using ReplyError = const sdbus::Error*;

inline void finish_registration(sdbus::IProxy& proxy) { proxy.finishRegistration(); }
inline bool process_one(sdbus::IConnection& connection) { return connection.processPendingRequest(); }

template <class Handler>
void add_match(sdbus::IConnection& connection, const std::string& match, Handler handler) {
  connection.addMatch(match, std::move(handler), sdbus::floating_slot);
}

template <class Interfaces>
std::string sender_of_call(Interfaces& object) {
  return object.getCurrentlyProcessedMessage()->getSender();
}

inline sdbus::Signal make_signal(sdbus::IObject& object, const char* interface, const char* name) {
  return object.createSignal(interface, name);
}

#endif

// Without signals until finish_registration().
inline std::unique_ptr<sdbus::IProxy> make_proxy(sdbus::IConnection& connection, const std::string& name, const std::string& path) {
  return sdbus::createProxy(connection, ServiceName(name), ObjectPath(path));
}

}  // namespace jit::dbus
