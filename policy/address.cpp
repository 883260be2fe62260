// SPDX-License-Identifier: Apache-2.0
#include "policy/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace jit::policy {
namespace {

constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};  // RFC 4291, 2.5.5.2

// The same address with every bit from `bits` on cleared.
Address masked(Address address, unsigned bits) {
  for (unsigned i = 0; i < 16; ++i) {
    const unsigned keep = std::min(8U, bits > i * 8 ? bits - i * 8 : 0U);
    address.bytes[i] = static_cast<std::uint8_t>(address.bytes[i] & (0xff00U >> keep));
  }
  return address;
}

}  // namespace

std::optional<Address> Address::parse(std::string_view text) {
  const std::size_t zone = text.find('%');
  if (zone != std::string_view::npos && text.find(':') == std::string_view::npos) return std::nullopt;
  const std::string plain(text.substr(0, zone));
  // inet_pton ends at a NUL: what stands behind one must not vanish.
  if (plain.size() >= INET6_ADDRSTRLEN || plain.find('\0') != std::string::npos) return std::nullopt;

  Address out;
  if (in_addr v4{}; inet_pton(AF_INET, plain.c_str(), &v4) == 1) {
    std::ranges::copy(kMapped, out.bytes.begin());
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(&v4.s_addr);
    std::copy_n(bytes, 4, out.bytes.begin() + 12);
  } else if (in6_addr v6{}; inet_pton(AF_INET6, plain.c_str(), &v6) == 1) {
    std::copy_n(v6.s6_addr, 16, out.bytes.begin());
  } else {
    return std::nullopt;
  }
  out.v4 = std::equal(kMapped.begin(), kMapped.end(), out.bytes.begin());
  return out;
}

std::string Address::text() const {
  std::array<char, INET6_ADDRSTRLEN> buffer{};
  const void* from = v4 ? bytes.data() + 12 : bytes.data();
  const char* out = inet_ntop(v4 ? AF_INET : AF_INET6, from, buffer.data(), static_cast<socklen_t>(buffer.size()));
  return out == nullptr ? std::string() : std::string(out);
}

bool Net::contains(const Address& address) const {
  return address.v4 == base.v4 && masked(address, bits).bytes == base.bytes;
}

std::string Net::text() const { return base.text() + '/' + std::to_string(base.v4 ? bits - 96 : bits); }

ParsedNet parse_net(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string_view head = text.substr(0, slash);
  const std::optional<Address> base = Address::parse(head);
  if (!base || head.find('%') != std::string_view::npos) {
    return {std::nullopt, "is no address or net, like 10.20.0.0/16 or 2001:db8::/32"};
  }

  // "::ffff:10.0.0.0/104" counts its bits in the IPv6 form, "10.0.0.0/8" in the IPv4 form.
  const bool dotted = head.find(':') == std::string_view::npos;
  const unsigned width = dotted ? 32 : 128;
  unsigned length = width;
  if (slash != std::string_view::npos) {
    const std::string_view tail = text.substr(slash + 1);
    const auto [end, error] = std::from_chars(tail.data(), tail.data() + tail.size(), length);
    if (tail.empty() || error != std::errc() || end != tail.data() + tail.size() || length > width ||
        (tail.size() > 1 && tail.front() == '0')) {
      return {std::nullopt, "needs a prefix length from 0 to " + std::to_string(width) + " after the slash"};
    }
  }
  const unsigned bits = dotted ? length + 96 : length;
  if (base->v4 && bits < 96) {
    return {std::nullopt, "mixes IPv4 and IPv6; write the IPv4 net, like 10.0.0.0/8"};
  }
  if (masked(*base, bits) != *base) {
    return {std::nullopt, "has host bits; write " + Net{masked(*base, bits), bits}.text()};
  }
  return {Net{*base, bits}, {}};
}

}  // namespace jit::policy
