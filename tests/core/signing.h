// SPDX-License-Identifier: Apache-2.0
// People of the tests with keys of their own, made from their uid.
#pragma once

#include <string>

#include "evidence/host_key.h"
#include "evidence/vote.h"
#include "tests/core/world.h"

namespace jit::core_test {

evidence::HostKey key_of(std::uint32_t uid);
// A file of people.d in which each of these has his key; more: lines for each [[person.key]].
std::string people_with_keys(const std::vector<std::pair<std::string, std::uint32_t>>& people, const std::string& more = {});

// What `name` would sign; change it before it is sealed to get another vote.
evidence::Vote vote_for(const Request& request, const std::string& name, std::uint32_t uid, bool approve = true);
std::string sealed(const evidence::Vote& vote, const evidence::HostKey& key);

Reply<Request> carry(World& world, const std::string& vote, const std::vector<IdentityPtr>& accounts);

}  // namespace jit::core_test
