// SPDX-License-Identifier: Apache-2.0
// To which addresses a webhook may connect. Judged by the address that is connected to, never by a name: a name can be
// pointed elsewhere between two looks at it.
#pragma once

#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jit::notify {

// IPv4 as IPv4-mapped IPv6.
struct Network {
  std::array<std::uint8_t, 16> address{};
  unsigned length = 128;  // bits
  bool operator==(const Network&) const = default;
};

// "127.0.0.1", "10.0.0.0/8", "::1", "fd00::/8"; no bit is set behind the length.
std::optional<Network> read_network(std::string_view text);

// Nothing: it may. Else why not, for people: "127.0.0.1 is a loopback address".
std::optional<std::string> refused(const sockaddr* address, socklen_t size, const std::vector<Network>& allowed);

}  // namespace jit::notify
