// SPDX-License-Identifier: Apache-2.0
#include "broker/gate/caller.h"

#include <linux/nsfs.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <optional>
#include <utility>

#include "broker/gate/proc_text.h"

namespace jit::gate {
namespace {

// linux/pidfd.h of Linux 6.13, as far as every kernel with it fills it in.
struct PidfdInfo {
  std::uint64_t mask, cgroup;
  std::uint32_t pid, tgid, ppid, ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
  std::int32_t exit_code;
};
static_assert(sizeof(PidfdInfo) == 64);
constexpr std::uint64_t kPidAndCredentials = 3;
constexpr unsigned long kGetInfo = _IOWR(0xff, 11, PidfdInfo);
constexpr int kPeerPidfd = 77;  // SO_PEERPIDFD, Linux 6.5
constexpr std::size_t kGroupsAtOnce = 64;

// Nothing: no pidfd, its process is gone, or the kernel cannot tell.
std::optional<PidfdInfo> info_of(int pidfd) {
  PidfdInfo info{};
  info.mask = kPidAndCredentials;
  if (ioctl(pidfd, kGetInfo, &info) < 0 || (info.mask & kPidAndCredentials) != kPidAndCredentials) return std::nullopt;
  if (info.pid == 0 || info.pid > INT32_MAX || info.pid != info.tgid || info.ppid > INT32_MAX) return std::nullopt;
  return info;
}

bool connected_as(int socket, ucred& peer) {
  socklen_t size = sizeof peer;
  return getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && size == sizeof peer;
}

std::optional<Credentials> credentials_of(std::int32_t pid) {
  const auto status = read_status(pid);
  return status ? parse_status(*status) : std::nullopt;
}

bool has_ended(int pidfd) {
  pollfd item{pidfd, POLLIN, 0};
  return poll(&item, 1, 0) != 0;
}

std::optional<std::int32_t> pid_of(int pidfd) {
  ProcText text;
  return text.read_fdinfo(pidfd) ? parse_pidfd_info(text.get()) : std::nullopt;
}

// The supplementary groups of who connected, as they were then.
bool peer_groups(int socket, std::vector<std::uint32_t>& out) {
  std::array<gid_t, kGroupsAtOnce> few;
  auto size = static_cast<socklen_t>(sizeof few);
  if (getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, few.data(), &size) == 0) {
    out.insert(out.end(), few.begin(), few.begin() + size / sizeof(gid_t));
    return true;
  }
  if (errno != ERANGE || size > kKernelGroupsMax * sizeof(gid_t)) return false;
  std::vector<gid_t> many(size / sizeof(gid_t));
  if (getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, many.data(), &size) != 0) return false;
  out.insert(out.end(), many.begin(), many.begin() + static_cast<std::ptrdiff_t>(size / sizeof(gid_t)));
  return true;
}

}  // namespace

bool kernel_tells_of_pidfds() {
  const Descriptor own(static_cast<int>(syscall(SYS_pidfd_open, getpid(), 0)));
  const auto info = own.get() < 0 ? std::nullopt : info_of(own.get());
  return info && info->pid == static_cast<std::uint32_t>(getpid());
}

bool is_of_root(int socket) {
  ucred peer{};
  return connected_as(socket, peer) && peer.uid == 0;
}

std::optional<Peer> Callers::peer_of(int socket, std::uint32_t& effective_uid) {
  effective_uid = policy::kNoUid;
  ucred peer{};
  if (!connected_as(socket, peer)) return std::nullopt;
  effective_uid = peer.uid;
  if (peer.uid != 0 || peer.pid <= 0) return std::nullopt;
  own_.open(peer.pid);
  const auto loginuid = audit_number(peer.pid, OwnFiles::kLoginuid);
  const auto real_uid = real_uid_of(socket, peer.pid);  // after it: one that is gone has no loginuid file, and no uid either
  if (!real_uid || !loginuid) return std::nullopt;
  return Peer{peer.pid, *real_uid, *loginuid};
}

// Unset where the kernel has no audit: then nobody has one, and the file is missing for all.
std::optional<std::uint32_t> Callers::audit_number(std::int32_t pid, OwnFiles::File file) {
  ProcText text;
  if (!own_.read(pid, file, text)) return errno == ENOENT ? std::optional(policy::kNoUid) : std::nullopt;
  return parse_number(text.get());
}

std::optional<std::uint32_t> Callers::real_uid_of(int socket, std::int32_t pid) const {
  int fd = -1;
  socklen_t size = sizeof fd;
  if (!by_pidfd_ || getsockopt(socket, SOL_SOCKET, kPeerPidfd, &fd, &size) < 0) {
    const auto credentials = credentials_of(pid);
    return credentials ? std::optional(credentials->real_uid) : std::nullopt;
  }
  const Descriptor pidfd(fd);
  const auto info = info_of(fd);
  return info && info->pid == static_cast<std::uint32_t>(pid) ? std::optional(info->ruid) : std::nullopt;
}

std::optional<Caller> Callers::read(int pidfd, int socket, std::int32_t peer_pid, std::string& why) {
  const auto no = [&why](const char* text) {
    why = text;
    return std::nullopt;
  };
  std::optional<PidfdInfo> info;
  std::optional<std::int32_t> pid;
  if (by_pidfd_) {
    info = info_of(pidfd);
    if (info) pid = static_cast<std::int32_t>(info->pid);
  } else {
    pid = pid_of(pidfd);
  }
  if (!pid) return no("the pidfd names no living process");
  if (*pid != peer_pid) return no("the pidfd is not that of the connected process");

  const auto stat = own_.stat(*pid);
  const auto loginuid = audit_number(*pid, OwnFiles::kLoginuid);
  const auto session = audit_number(*pid, OwnFiles::kSessionid);
  if (!stat) return no("its stat cannot be read");
  if (!loginuid || !session) return no("its loginuid or audit session cannot be read");

  Caller caller;
  caller.process = {*pid, stat->start};
  caller.loginuid = *loginuid;
  caller.audit_session = *session;
  if (info) {
    caller.real_uid = info->ruid;
    caller.gids.push_back(info->egid);
    if (!peer_groups(socket, caller.gids)) return no("its groups cannot be read");
  } else {
    auto credentials = credentials_of(*pid);
    if (!credentials) return no("its status cannot be read");
    caller.real_uid = credentials->real_uid;
    caller.gids = std::move(credentials->gids);
  }

  caller.terminal.number = stat->tty;
  caller.terminal.leader.pid = stat->session;
  std::optional<std::uint64_t> leader;
  if (stat->session == *pid) {
    leader = stat->start;
  } else if (stat->session != 0) {
    leader = starts_.of(stat->session);
    // Without a leader there is no terminal either; with one, its creation must be known.
    if (!leader && stat->tty != 0) return no("the leader of its terminal session cannot be read");
  }
  caller.terminal.leader.start = leader.value_or(0);
  if (stat->parent != 0) {
    const auto parent = stat->parent == stat->session ? leader : starts_.of(stat->parent);
    if (!parent) return no("its parent cannot be read");
    caller.parent = {stat->parent, *parent};
  }
  // A process never gets a parent back, and a session's number is not given to others while it is in that session. So
  // while it lives, and its parent is still that one, all that was read belongs together.
  if (info) {
    const auto again = info_of(pidfd);
    if (!again || again->pid != info->pid || again->ruid != info->ruid ||
        again->ppid != static_cast<std::uint32_t>(stat->parent)) {
      return no("it changed while it was read");
    }
  } else {
    const auto again = own_.stat(*pid);
    if (!again || *again != *stat) return no("it changed while it was read");
  }
  if (has_ended(pidfd)) return no("it has ended");
  return caller;
}

// Again where it fails, since a parent may end, honestly, just while it is read.
std::optional<Caller> Callers::caller_of(int pidfd, int socket, std::int32_t peer_pid, std::string& why) {
  for (int attempt = 0; attempt < 2; ++attempt) {
    if (auto caller = read(pidfd, socket, peer_pid, why)) return caller;
  }
  return read(pidfd, socket, peer_pid, why);
}

bool safe_program(int exe, std::string& why) {
  struct stat status {};
  if (fstat(exe, &status) < 0 || !S_ISREG(status.st_mode)) {
    why = "the program is not a regular file";
    return false;
  }
  if (status.st_uid != 0 || (status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    why = "the program is not root's, or others may write it";
    return false;
  }
  return true;
}

bool is_program(int exe, const std::string& path) {
  struct stat theirs {}, file {};
  return fstat(exe, &theirs) == 0 && stat(path.c_str(), &file) == 0 && theirs.st_dev == file.st_dev && theirs.st_ino == file.st_ino;
}

namespace {

using Namespace = std::pair<std::uint64_t, std::uint64_t>;  // device and inode

// That of PID 1: seen here, or written down by root before we started. Nothing: there is nothing to compare with.
std::optional<Namespace> first_namespace() {
  struct stat status {};
  if (stat("/proc/1/ns/mnt", &status) == 0) return Namespace{status.st_dev, status.st_ino};
  std::ifstream file("/run/jit/mount-namespace");
  Namespace out;
  char colon = 0;
  if (!(file >> out.first >> colon >> out.second) || colon != ':') return std::nullopt;
  return out;
}

}  // namespace

bool mount_namespace(int descriptor, bool& foreign, std::string& why) {
  static const std::optional<Namespace> first = first_namespace();
  struct stat theirs {};
  foreign = false;
  if (ioctl(descriptor, NS_GET_NSTYPE) != CLONE_NEWNS || (first && fstat(descriptor, &theirs) < 0)) {
    why = "the mount namespace is none";
    return false;
  }
  foreign = first && *first != Namespace{theirs.st_dev, theirs.st_ino};
  return true;
}

}  // namespace jit::gate
