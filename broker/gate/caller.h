// SPDX-License-Identifier: Apache-2.0
// Who asks, by the kernel: SO_PEERCRED, the pidfd that came with the call, and /proc under it. Nothing that the caller
// says about himself.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "broker/core/model.h"

namespace jit::gate {

// What the quota needs, read when a connection comes.
struct Peer {
  std::int32_t pid = 0;
  std::uint32_t real_uid = policy::kNoUid;
  std::uint32_t loginuid = policy::kNoUid;
};

struct Caller {
  core::Process process;
  core::Process parent;  // zero: none in our pid namespace
  core::Terminal terminal;
  std::uint32_t real_uid = policy::kNoUid;
  std::uint32_t loginuid = policy::kNoUid;
  std::uint32_t audit_session = policy::kNoUid;
  std::vector<std::uint32_t> gids;
};

// Nothing: its effective uid is not 0 (policy::kNoUid: not known), or /proc does not say enough.
std::optional<Peer> peer_of(int socket, std::uint32_t& effective_uid);

// The process of the pidfd, which must be that of the peer and alive after all was read. Otherwise why not.
std::optional<Caller> caller_of(int pidfd, std::int32_t peer_pid, std::string& why);

// A regular file of root that nobody else may write; an O_PATH descriptor will do.
bool safe_program(int exe, std::string& why);

// A mount namespace. `foreign`: certainly another one than that of PID 1 (not to be told without the right to look).
bool mount_namespace(int descriptor, bool& foreign, std::string& why);

}  // namespace jit::gate
