// SPDX-License-Identifier: Apache-2.0
// Against the /proc of this machine: this process, a child of it, and descriptors that are no pidfd.
#include "broker/gate/caller.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <cstdlib>

using namespace jit::gate;

namespace {

int pidfd_of(pid_t pid) { return static_cast<int>(syscall(SYS_pidfd_open, pid, 0)); }

}  // namespace

TEST_CASE("this process, whatever it calls itself") {
  char before[16];
  prctl(PR_GET_NAME, before);
  const int pidfd = pidfd_of(getpid());
  std::string why;
  const auto plain = caller_of(pidfd, getpid(), why);
  REQUIRE(plain);
  CHECK(plain->process.pid == getpid());
  CHECK(plain->process.start > 0);
  CHECK(plain->parent.pid == getppid());
  CHECK(plain->real_uid == getuid());
  CHECK(plain->terminal.leader.pid == getsid(0));
  CHECK(!plain->gids.empty());
  for (const char* name : {") R 1 1 1 1", "a\nUid:\t0", "x) S", "\x1b[2J"}) {
    prctl(PR_SET_NAME, name);
    const auto again = caller_of(pidfd, getpid(), why);
    REQUIRE(again);
    CHECK(again->process == plain->process);
    CHECK(again->parent == plain->parent);
    CHECK(again->real_uid == plain->real_uid);
    CHECK(again->gids == plain->gids);
  }
  prctl(PR_SET_NAME, before);
  CHECK_FALSE(caller_of(pidfd, getppid(), why));
  CHECK(why.find("not that of") != std::string::npos);
  close(pidfd);
}

TEST_CASE("a process that has ended is nobody") {
  const pid_t child = fork();
  if (child == 0) {
    pause();
    _exit(0);
  }
  const int pidfd = pidfd_of(child);
  std::string why;
  const auto alive = caller_of(pidfd, child, why);
  REQUIRE(alive);
  CHECK(alive->parent.pid == getpid());
  kill(child, SIGKILL);
  siginfo_t info{};
  waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT);
  CHECK_FALSE(caller_of(pidfd, child, why));  // a zombie still has its files
  CHECK(why == "it has ended");
  waitpid(child, nullptr, 0);
  CHECK_FALSE(caller_of(pidfd, child, why));
  close(pidfd);
}

TEST_CASE("descriptors that are no pidfd") {
  int pipes[2];
  REQUIRE(pipe(pipes) == 0);
  const int own = open("/proc/self", O_RDONLY | O_DIRECTORY);
  std::string why;
  for (const int fd : {pipes[0], own, -1, 9999}) CHECK_FALSE(caller_of(fd, getpid(), why));
  for (const int fd : {pipes[0], pipes[1], own}) close(fd);
}

TEST_CASE("programs and mount namespaces") {
  std::string why;
  bool foreign = false;
  const int shell = open("/bin/sh", O_PATH);
  const int folder = open("/bin", O_PATH);
  const int space = open("/proc/self/ns/mnt", O_RDONLY);
  const int net = open("/proc/self/ns/net", O_RDONLY);
  CHECK(safe_program(shell, why));
  CHECK_FALSE(safe_program(folder, why));
  CHECK_FALSE(safe_program(-1, why));
  CHECK(mount_namespace(space, foreign, why));
  CHECK_FALSE(mount_namespace(net, foreign, why));
  CHECK_FALSE(mount_namespace(shell, foreign, why));
  for (const int fd : {shell, folder, space, net}) close(fd);
  char name[] = "/tmp/caller-test-XXXXXX";
  const int own = mkstemp(name);
  for (const mode_t mode : {0775U, 0757U, 0777U}) {
    fchmod(own, mode);
    CHECK_FALSE(safe_program(own, why));
  }
  if (geteuid() == 0) {
    fchmod(own, 04755);
    CHECK(safe_program(own, why));
    REQUIRE(fchown(own, 1, 0) == 0);
    CHECK_FALSE(safe_program(own, why));
  }
  unlink(name);
  close(own);
}

TEST_CASE("peers") {
  int pair[2];
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
  std::uint32_t uid = 0;
  const auto peer = peer_of(pair[0], uid);
  CHECK(uid == geteuid());
  CHECK(peer.has_value() == (geteuid() == 0));
  if (peer) {
    CHECK(peer->pid == getpid());
    CHECK(peer->real_uid == getuid());
  }
  close(pair[0]);
  close(pair[1]);
  CHECK_FALSE(peer_of(0x7fff, uid));
  CHECK(uid == jit::policy::kNoUid);
}
