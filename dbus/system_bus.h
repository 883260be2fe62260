// SPDX-License-Identifier: Apache-2.0
// The system bus at its fixed address, whatever the environment says.
#pragma once

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>

#include "dbus/sdbus.h"

namespace jit::dbus {

inline constexpr char kSystemBusPath[] = "/run/dbus/system_bus_socket";

// Throws sdbus::Error where the bus cannot be reached. Blocks while a bus that is stopped keeps us waiting.
inline std::unique_ptr<sdbus::IConnection> connect_system_bus() {
  // sdbus-c++ 1.2 leaks its bus object where the connect fails, and a broker tries again for ever: look first.
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  static_assert(sizeof kSystemBusPath <= sizeof address.sun_path);
  for (std::size_t i = 0; i < sizeof kSystemBusPath; ++i) address.sun_path[i] = kSystemBusPath[i];
  const int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  int failed = probe < 0 ? errno : 0;
  if (probe >= 0) {
    if (connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) failed = errno;
    close(probe);
  }
  if (failed != 0) throw sdbus::createError(failed, "Failed to connect to the system bus");
  return sdbus::createSessionBusConnectionWithAddress(std::string("unix:path=") + kSystemBusPath);
}

}  // namespace jit::dbus
