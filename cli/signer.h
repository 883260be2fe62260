// SPDX-License-Identifier: Apache-2.0
// Signs with what people have: a key in ssh-agent, else a file of theirs through ssh-keygen, which asks on the terminal for
// passphrase, PIN and touch. What comes back was verified here first.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "cli/exit.h"
#include "evidence/envelope.h"
#include "evidence/signature.h"

namespace jit::cli {

struct Surroundings {
  std::string agent;   // the socket; empty: there is none
  std::string home;    // of who runs this: its .ssh is looked at
  std::string keygen = "/usr/bin/ssh-keygen";
};
Surroundings surroundings();  // SSH_AUTH_SOCK, and the home of the real uid

struct Signed {
  evidence::PublicKey key;
  evidence::Signature signature;  // key id: the fingerprint; kind: "sshsig"
};

enum class KeysTaken : std::uint8_t { kAll, kHardware };  // kHardware: those in tokens alone

// `enrolled`: the keys that count, the preferred one first; WebAuthn's are passed over. Empty: not known here, so the one that is
// at hand will do; of several one must be named. `key_file`: this one and no other ("" : look for one), a private key or its *.pub.
Result<Signed> sign(std::span<const evidence::PublicKey> enrolled, std::string_view purpose, std::string_view message,
                    const std::string& key_file, const Surroundings& around = surroundings());
// The same where the message names the key that signs it.
using MessageFor = std::function<Result<std::string>(const evidence::PublicKey& key)>;
Result<Signed> sign(std::span<const evidence::PublicKey> enrolled, std::string_view purpose, const MessageFor& message,
                    const std::string& key_file, const Surroundings& around = surroundings(), KeysTaken taken = KeysTaken::kAll);

// Would sign() find one of these without being told a file?
bool at_hand(std::span<const evidence::PublicKey> enrolled, const Surroundings& around = surroundings());

// The same key lets its owner log in on this machine (a line of his authorized_keys), and is in no token: whoever steals it has
// both the login and the vote.
bool opens_logins_here(const evidence::PublicKey& key, const Surroundings& around = surroundings());

}  // namespace jit::cli
