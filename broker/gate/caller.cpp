// SPDX-License-Identifier: Apache-2.0
#include "broker/gate/caller.h"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "broker/gate/proc_text.h"

namespace jit::gate {
namespace {

constexpr std::size_t kProcMax = 256 * 1024;  // status with its groups

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

std::optional<std::string> read_file(int folder, const char* name) {
  const Descriptor file(openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (file.get() < 0) return std::nullopt;
  std::string text;
  for (std::size_t size = 0;;) {
    text.resize(size + 2048);
    const ssize_t got = read(file.get(), text.data() + size, 2048);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 || size > kProcMax) return std::nullopt;
    size += static_cast<std::size_t>(got);
    if (got == 0) {
      text.resize(size);
      return text;
    }
  }
}

int open_process(std::int32_t pid) {
  char path[32];
  std::snprintf(path, sizeof path, "/proc/%d", pid);
  return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

std::optional<Stat> stat_of(int folder) {
  const auto text = read_file(folder, "stat");
  return text ? parse_stat(*text) : std::nullopt;
}

std::optional<Stat> stat_of_pid(std::int32_t pid) {
  const Descriptor folder(open_process(pid));
  return folder.get() < 0 ? std::nullopt : stat_of(folder.get());
}

// Unset where the kernel has no audit: then nobody has one, and the file is missing for all.
std::optional<std::uint32_t> audit_number(int folder, const char* name) {
  const auto text = read_file(folder, name);
  if (!text) return errno == ENOENT ? std::optional(policy::kNoUid) : std::nullopt;
  return parse_number(*text);
}

bool has_ended(int pidfd) {
  pollfd item{pidfd, POLLIN, 0};
  return poll(&item, 1, 0) != 0;
}

std::optional<std::int32_t> pid_of(int pidfd) {
  char name[16];
  std::snprintf(name, sizeof name, "%d", pidfd);
  const Descriptor folder(open("/proc/self/fdinfo", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() < 0) return std::nullopt;
  const auto text = read_file(folder.get(), name);
  return text ? parse_pidfd_info(*text) : std::nullopt;
}

}  // namespace

std::optional<Peer> peer_of(int socket, std::uint32_t& effective_uid) {
  effective_uid = policy::kNoUid;
  ucred peer{};
  socklen_t size = sizeof peer;
  if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 || size != sizeof peer) return std::nullopt;
  effective_uid = peer.uid;
  if (peer.uid != 0 || peer.pid <= 0) return std::nullopt;
  const Descriptor folder(open_process(peer.pid));
  if (folder.get() < 0) return std::nullopt;
  const auto status = read_file(folder.get(), "status");
  const auto credentials = status ? parse_status(*status) : std::nullopt;
  const auto loginuid = audit_number(folder.get(), "loginuid");
  if (!credentials || !loginuid) return std::nullopt;
  return Peer{peer.pid, credentials->real_uid, *loginuid};
}

namespace {

std::optional<Caller> read_caller(int pidfd, std::int32_t peer_pid, std::string& why) {
  const auto no = [&why](const char* text) {
    why = text;
    return std::nullopt;
  };
  const auto pid = pid_of(pidfd);
  if (!pid) return no("the pidfd names no living process");
  if (*pid != peer_pid) return no("the pidfd is not that of the connected process");
  const Descriptor folder(open_process(*pid));
  if (folder.get() < 0) return no("its folder in /proc cannot be opened");

  const auto stat = stat_of(folder.get());
  const auto status = read_file(folder.get(), "status");
  const auto credentials = status ? parse_status(*status) : std::nullopt;
  const auto loginuid = audit_number(folder.get(), "loginuid");
  const auto session = audit_number(folder.get(), "sessionid");
  if (!stat) return no("its stat cannot be read");
  if (!credentials) return no("its status cannot be read");
  if (!loginuid || !session) return no("its loginuid or audit session cannot be read");

  Caller caller;
  caller.process = {*pid, stat->start};
  caller.real_uid = credentials->real_uid;
  caller.gids = credentials->gids;
  caller.loginuid = *loginuid;
  caller.audit_session = *session;

  caller.terminal.number = stat->tty;
  caller.terminal.leader.pid = stat->session;
  if (stat->session == *pid) {
    caller.terminal.leader.start = stat->start;
  } else if (stat->session != 0) {
    const auto leader = stat_of_pid(stat->session);
    // Without a leader there is no terminal either; with one, its creation must be known.
    if (!leader && stat->tty != 0) return no("the leader of its terminal session cannot be read");
    if (leader) caller.terminal.leader.start = leader->start;
  }
  if (stat->parent != 0) {
    const auto parent = stat_of_pid(stat->parent);
    if (!parent) return no("its parent cannot be read");
    caller.parent = {stat->parent, parent->start};
  }
  // While it lives and its stat has not changed, its parent and its session were not given to others meanwhile.
  const auto again = stat_of(folder.get());
  if (!again || *again != *stat) return no("it changed while it was read");
  if (has_ended(pidfd)) return no("it has ended");
  return caller;
}

}  // namespace

// Again where it fails, since a parent may end, honestly, just while it is read.
std::optional<Caller> caller_of(int pidfd, std::int32_t peer_pid, std::string& why) {
  for (int attempt = 0; attempt < 2; ++attempt) {
    if (auto caller = read_caller(pidfd, peer_pid, why)) return caller;
  }
  return read_caller(pidfd, peer_pid, why);
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

bool mount_namespace(int descriptor, bool& foreign, std::string& why) {
  struct stat theirs {}, first {};
  if (fstat(descriptor, &theirs) < 0 || ioctl(descriptor, NS_GET_NSTYPE) != CLONE_NEWNS) {
    why = "the mount namespace is none";
    return false;
  }
  foreign = stat("/proc/1/ns/mnt", &first) == 0 && (first.st_ino != theirs.st_ino || first.st_dev != theirs.st_dev);
  return true;
}

}  // namespace jit::gate
