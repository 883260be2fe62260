// SPDX-License-Identifier: Apache-2.0
// Networks of `[net]`: a base address and a prefix length.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "policy/policy.h"

namespace jit::policy {

struct Net {
  Address base;
  unsigned bits = 0;  // of the 128 bits of `base`; an IPv4 net counts from the mapped form (96 and more)
  bool contains(const Address& address) const;
  std::string text() const;
};

struct ParsedNet {
  std::optional<Net> net;
  std::string why;  // where there is none: what is wrong, for people
};

// "10.20.0.0/16", "2001:db8::/32", or one address. An IPv4-mapped net is the IPv4 net; host bits and zones are refused.
ParsedNet parse_net(std::string_view text);

}  // namespace jit::policy
