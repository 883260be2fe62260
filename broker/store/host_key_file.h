// SPDX-License-Identifier: Apache-2.0
// The secret key of this host in a file that only the broker can read: one line, the base64 of the 32 bytes of its seed. Made
// at the first start and never at install: a cloned image must not carry it. It is never written over: another key is another
// host, and whoever wants that takes the old one away.
#pragma once

#include <memory>
#include <string>

#include "evidence/host_key.h"

namespace jit::store {

struct HostKeyFile {
  std::shared_ptr<const evidence::HostKey> key;  // null: see problem
  bool made = false;                             // there was none before
  std::string problem;                           // for people: what is wrong and what to do; nothing can be signed meanwhile
};

// Refused: reached through a symbolic link, in a folder that others write, not a regular file with one name, of another owner,
// of another mode than 0600, or with anything but a key in it.
HostKeyFile load_host_key(const std::string& path);

}  // namespace jit::store
