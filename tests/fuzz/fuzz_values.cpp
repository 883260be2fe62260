// SPDX-License-Identifier: Apache-2.0
// The small values of policy, core and gate: what is read is written back the same.
#include "broker/core/model.h"
#include "broker/gate/origins.h"
#include "policy/address.h"
#include "policy/principal.h"
#include "tests/fuzz/fuzz.h"

using namespace jit;
using namespace jit::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = text_of(data, size);
  if (const auto id = core::Id::parse(text)) require(id->text() == text);

  if (const auto seconds = policy::parse_duration(text)) {
    require(*seconds >= 1 && *seconds <= 315'360'000);
    require(!policy::format_duration(*seconds).empty());
  }
  const auto address = policy::Address::parse(text);
  if (address) require(policy::Address::parse(address->text()) == address);
  const policy::Origin from = gate::ssh_origin(text);
  require((from.kind == policy::Origin::Kind::kPeer) == address.has_value());
  require(gate::login_origin(text, text, 0).kind == policy::Origin::Kind::kUnknown);

  const policy::ParsedNet net = policy::parse_net(text);
  require(net.net.has_value() == net.why.empty());
  if (net.net) {
    require(net.net->bits <= 128 && net.net->contains(net.net->base));
    const policy::ParsedNet again = policy::parse_net(net.net->text());
    require(again.net && again.net->base == net.net->base && again.net->bits == net.net->bits);
  }
  const policy::ParsedPrincipal principal = policy::parse_principal(text);
  require(principal.principal.has_value() == principal.why.empty());
  if (principal.principal) require(principal.principal->text() == text);

  if (policy::valid_object_name(text)) require(!text.empty() && text.size() <= 64 && harmless(text));
  if (policy::valid_account_name(text)) require(!text.empty() && text.size() <= 256 && !has_nul(text));
  if (const auto door = policy::door_named(text)) require(policy::name_of(*door) == text);
  if (const auto scope = policy::scope_named(text)) require(policy::name_of(*scope) == text);
  (void)policy::door_of_service(text);
  return 0;
}
