// SPDX-License-Identifier: Apache-2.0
#include "tests/core/signing.h"

namespace jit::core_test {

evidence::HostKey key_of(std::uint32_t uid) {
  std::array<std::uint8_t, evidence::kSecretBytes> secret{};
  for (std::size_t i = 0; i < 4; ++i) secret[i] = static_cast<std::uint8_t>(uid >> (8 * i));
  return std::move(*evidence::HostKey::from_secret(secret));
}

std::string people_with_keys(const std::vector<std::pair<std::string, std::uint32_t>>& people, const std::string& more) {
  std::string out = "version = 1\n";
  for (const auto& [name, uid] : people) {
    out += "[[person]]\nname = \"" + name + "\"\nusers = [\"" + name + "\"]\n[[person.key]]\nid = \"one\"\nkind = \"ssh\"\npublic = \"" +
           key_of(uid).public_key().text + "\"\n" + more;
  }
  return out;
}

evidence::Vote vote_for(const Request& request, const std::string& name, std::uint32_t uid, bool approve) {
  evidence::Vote vote;
  vote.digest = request.digest;
  vote.request = request.id.text();
  vote.host_id = evidence::read_request(request.payload)->host_id;
  vote.boot_id = request.boot_id;
  vote.approve = approve;
  vote.reason = approve ? "fine" : "not now";
  vote.person = name;
  vote.key_id = key_of(uid).fingerprint();
  vote.typed = request.typed_code;
  return vote;
}

std::string sealed(const evidence::Vote& vote, const evidence::HostKey& key) {
  return evidence::to_json(key.seal(evidence::kVoteType, evidence::payload_of(vote), evidence::kVoteNamespace));
}

Reply<Request> carry(World& world, const std::string& vote, const std::vector<IdentityPtr>& accounts) {
  Reply<Request> reply;
  world.core->vote_signed(vote, accounts, reply.done());
  if (world.disk == World::Disk::kPrompt) world.settle();
  return reply;
}

}  // namespace jit::core_test
