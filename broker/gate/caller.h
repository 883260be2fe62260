// SPDX-License-Identifier: Apache-2.0
// Who asks, by the kernel: SO_PEERCRED, the pidfd that came with the call, and /proc under it. Nothing that the caller
// says about himself.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "broker/core/model.h"
#include "broker/gate/proc.h"

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

// Whether PIDFD_GET_INFO works here (Linux 6.13): parent and uids of a pidfd at once, without /proc.
bool kernel_tells_of_pidfds();

// By its effective uid when it connected.
bool is_of_root(int socket);

// Reads who asks, by PIDFD_GET_INFO and SO_PEERGROUPS where `by_pidfd`, else by fdinfo and status of /proc; terminal,
// session, start and audit's numbers are in /proc alone. What cannot be read is never filled in from elsewhere.
class Callers {
 public:
  explicit Callers(bool by_pidfd = kernel_tells_of_pidfds()) : by_pidfd_(by_pidfd) {}

  // Nothing: its effective uid is not 0 (policy::kNoUid: not known), or the kernel does not say enough.
  std::optional<Peer> peer_of(int socket, std::uint32_t& effective_uid);

  // The process of the pidfd, which must be that of the peer at `socket` and alive after all was read. Otherwise why not.
  std::optional<Caller> caller_of(int pidfd, int socket, std::int32_t peer_pid, std::string& why);

 private:
  std::optional<std::uint32_t> real_uid_of(int socket, std::int32_t pid) const;
  std::optional<Caller> read(int pidfd, int socket, std::int32_t peer_pid, std::string& why);
  std::optional<std::uint32_t> audit_number(std::int32_t pid, OwnFiles::File file);
  bool by_pidfd_;
  OwnFiles own_;   // of who connected last, and will ask
  Starts starts_;  // of parents and leaders: a shell is asked for again and again
};

// A regular file of root that nobody else may write; an O_PATH descriptor will do.
bool safe_program(int exe, std::string& why);

// Is it this very file? An O_PATH descriptor will do.
bool is_program(int exe, const std::string& path);

// A mount namespace. `foreign`: certainly another one than that of PID 1 (not to be told without the right to look).
bool mount_namespace(int descriptor, bool& foreign, std::string& why);

}  // namespace jit::gate
