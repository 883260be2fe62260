// SPDX-License-Identifier: Apache-2.0
// SSHSIG (OpenSSH, PROTOCOL.sshsig), version 1.
#pragma once

#include "evidence/signature.h"
#include "evidence/ssh_key.h"

namespace jit::evidence {

Flaw verify_sshsig(const SshKey& key, bool verify_required, std::string_view purpose, std::string_view message,
                   std::span<const std::uint8_t> signature, std::uint32_t* counter);

// "-----BEGIN SSH SIGNATURE-----" and what follows, as ssh-keygen -Y sign writes it; nothing: it is not that.
std::optional<Bytes> from_armour(std::string_view text);
std::string armour(std::span<const std::uint8_t> signature);

// The key that a signature says it is of. Nothing is verified.
std::optional<SshKey> key_of_sshsig(std::span<const std::uint8_t> signature);

// What a signer puts its name under (with an agent: the bytes that it is asked to sign).
Bytes sshsig_message(std::string_view purpose, std::string_view message);
// The blob around what the signer answered: a signature of SSH ("string type, ...") over sshsig_message().
Bytes sshsig_blob(std::span<const std::uint8_t> key_blob, std::string_view purpose, std::span<const std::uint8_t> signature);

}  // namespace jit::evidence
