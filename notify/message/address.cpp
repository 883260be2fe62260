// SPDX-License-Identifier: Apache-2.0
#include "notify/message/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace jit::notify {
namespace {

using Bits = std::array<std::uint8_t, 16>;

bool inside(const Bits& address, const Network& network) {
  const unsigned whole = network.length / 8;
  if (!std::equal(address.begin(), address.begin() + whole, network.address.begin())) return false;
  const unsigned rest = network.length % 8;
  return rest == 0 || ((address[whole] ^ network.address[whole]) >> (8U - rest)) == 0;
}

Bits mapped(const std::uint8_t* v4) {
  Bits out{};
  out[10] = out[11] = 0xff;
  std::copy(v4, v4 + 4, out.begin() + 12);
  return out;
}

struct Special {
  const char* network;
  const char* what;
};

// What a message to people has no business at: this machine, its neighbours by wire, and what tells machines of a cloud their
// secrets. RFC 6890, RFC 4291, RFC 6598 (only the address in it that a cloud uses).
constexpr Special kRefused[] = {
    {"169.254.169.254", "the address of a cloud's instance metadata"},
    {"fd00:ec2::254", "the address of a cloud's instance metadata"},
    {"fd20:ce::254", "the address of a cloud's instance metadata"},
    {"100.100.100.200", "the address of a cloud's instance metadata"},
    {"192.0.0.192", "the address of a cloud's instance metadata"},
    {"168.63.129.16", "the address of a cloud's host"},
    {"127.0.0.0/8", "a loopback address"},
    {"::1", "a loopback address"},
    {"0.0.0.0/8", "an address of this host itself"},
    {"::", "an address of this host itself"},
    {"169.254.0.0/16", "a link-local address"},
    {"fe80::/10", "a link-local address"},
    {"224.0.0.0/4", "a multicast address"},
    {"ff00::/8", "a multicast address"},
    {"240.0.0.0/4", "a reserved address"},
    {"fec0::/10", "a site-local address"},
};

std::string address_text(const Bits& address) {
  char text[INET6_ADDRSTRLEN] = "";
  const bool v4 = inside(address, *read_network("::ffff:0.0.0.0/96"));
  inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? address.data() + 12 : address.data(), text, sizeof text);
  return text;
}

// IPv4 inside IPv6, as translators and tunnels write it: there the packet ends up.
std::optional<Bits> within(const Bits& address) {
  if (inside(address, *read_network("64:ff9b::/96")) || inside(address, *read_network("64:ff9b:1::/48"))) return mapped(address.data() + 12);
  if (inside(address, *read_network("2002::/16"))) return mapped(address.data() + 2);
  if (inside(address, *read_network("::/96")) && !inside(address, *read_network("::/126"))) return mapped(address.data() + 12);
  return std::nullopt;
}

const char* kind_of(const Bits& address) {
  for (const Special& kind : kRefused) {
    if (inside(address, *read_network(kind.network))) return kind.what;
  }
  return nullptr;
}

}  // namespace

std::optional<Network> read_network(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string address(text.substr(0, slash));
  Network out;
  in_addr v4{};
  in6_addr v6{};
  unsigned most = 128;
  if (address.find('\0') != std::string::npos) return std::nullopt;
  if (inet_pton(AF_INET, address.c_str(), &v4) == 1) {
    std::uint8_t bytes[4];
    std::memcpy(bytes, &v4, sizeof bytes);
    out.address = mapped(bytes);
    most = 32;
  } else if (inet_pton(AF_INET6, address.c_str(), &v6) == 1) {
    std::memcpy(out.address.data(), &v6, out.address.size());
  } else {
    return std::nullopt;
  }
  unsigned length = most;
  if (slash != std::string_view::npos) {
    const std::string_view digits = text.substr(slash + 1);
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), length);
    if (digits.empty() || parsed.ec != std::errc() || parsed.ptr != digits.data() + digits.size() || length > most) return std::nullopt;
  }
  out.length = length + (128 - most);
  for (unsigned bit = out.length; bit < 128; ++bit) {
    if ((out.address[bit / 8] >> (7U - bit % 8) & 1U) != 0) return std::nullopt;
  }
  return out;
}

std::optional<std::string> refused(const sockaddr* address, socklen_t size, const std::vector<Network>& allowed) {
  Bits bits{};
  if (address->sa_family == AF_INET && size >= sizeof(sockaddr_in)) {
    sockaddr_in in{};
    std::memcpy(&in, address, sizeof in);
    std::uint8_t bytes[4];
    std::memcpy(bytes, &in.sin_addr, sizeof bytes);
    bits = mapped(bytes);
  } else if (address->sa_family == AF_INET6 && size >= sizeof(sockaddr_in6)) {
    sockaddr_in6 in{};
    std::memcpy(&in, address, sizeof in);
    std::memcpy(bits.data(), &in.sin6_addr, bits.size());
  } else {
    return "this is no address of the internet";
  }
  if (std::ranges::any_of(allowed, [&](const Network& network) { return inside(bits, network); })) return std::nullopt;
  const char* what = kind_of(bits);
  if (what == nullptr) {
    if (const auto inner = within(bits)) what = kind_of(*inner);
  }
  return what == nullptr ? std::nullopt : std::optional(address_text(bits) + " is " + what);
}

}  // namespace jit::notify
