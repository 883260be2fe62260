// SPDX-License-Identifier: Apache-2.0
// Against the kernel of this machine: this process, a child of it, and descriptors that are no pidfd. Each both ways: by
// PIDFD_GET_INFO where this kernel has it, and by /proc alone.
#include "broker/gate/caller.h"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/catch.h"
#include <csignal>
#include <cstdlib>
#include <deque>
#include <functional>

using namespace jit::gate;

namespace {

int pidfd_of(pid_t pid) { return static_cast<int>(syscall(SYS_pidfd_open, pid, 0)); }

std::size_t open_descriptors() {
  DIR* folder = opendir("/proc/self/fd");
  std::size_t count = 0;
  while (readdir(folder) != nullptr) ++count;
  closedir(folder);
  return count;
}

std::vector<bool> ways() {
  std::vector<bool> out{false};
  if (kernel_tells_of_pidfds()) out.push_back(true);
  return out;
}

// A connection of this process to itself.
struct Pair {
  Pair() { REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0); }
  ~Pair() {
    close(ends[0]);
    close(ends[1]);
  }
  int ends[2];
};

// A child that does this and then waits; it is gone with the object.
class Child {
 public:
  explicit Child(const std::function<bool()>& prepare = [] { return true; }) {
    int ready[2];
    REQUIRE(pipe2(ready, O_CLOEXEC) == 0);
    pid_ = fork();
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      const char byte = 0;
      if (!prepare() || write(ready[1], &byte, 1) != 1) _exit(1);
      for (;;) pause();
    }
    close(ready[1]);
    char byte = 0;
    CHECK(::read(ready[0], &byte, 1) == 1);
    close(ready[0]);
  }
  ~Child() { reap(); }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  pid_t pid() const { return pid_; }
  void end() {  // a zombie from then on
    kill(pid_, SIGKILL);
    siginfo_t info{};
    waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT);
  }
  void reap() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }

 private:
  pid_t pid_ = 0;
};

}  // namespace

TEST_CASE("this process, whatever it calls itself") {
  char before[16];
  prctl(PR_GET_NAME, before);
  const int pidfd = pidfd_of(getpid());
  const Pair pair;
  std::string why;
  for (const bool way : ways()) {
    CAPTURE(way);
    Callers callers(way);
    const auto plain = callers.caller_of(pidfd, pair.ends[0], getpid(), why);
    REQUIRE(plain);
    CHECK(plain->process.pid == getpid());
    CHECK(plain->process.start > 0);
    CHECK(plain->parent.pid == getppid());
    CHECK(plain->real_uid == getuid());
    CHECK(plain->terminal.leader.pid == getsid(0));
    CHECK(!plain->gids.empty());
    for (const char* name : {") R 1 1 1 1", "a\nUid:\t0", "x) S", "\x1b[2J"}) {
      prctl(PR_SET_NAME, name);
      const auto again = callers.caller_of(pidfd, pair.ends[0], getpid(), why);
      REQUIRE(again);
      CHECK(again->process == plain->process);
      CHECK(again->parent == plain->parent);
      CHECK(again->real_uid == plain->real_uid);
      CHECK(again->gids == plain->gids);
    }
    CHECK_FALSE(callers.caller_of(pidfd, pair.ends[0], getppid(), why));
    CHECK(why.find("not that of") != std::string::npos);
  }
  prctl(PR_SET_NAME, before);
  close(pidfd);
}

TEST_CASE("both ways say the same of an odd process") {
  if (geteuid() != 0 || !kernel_tells_of_pidfds()) return;
  for (const std::size_t groups : {0UL, 3UL, 64UL, 65UL, 1000UL}) {
    CAPTURE(groups);
    const std::string path = "/tmp/caller-test-" + std::to_string(getpid());
    const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    unlink(path.c_str());
    REQUIRE(bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(listen(listener, 4) == 0);
    // As sudo: another real uid, root's effective one; a session of its own, with groups of its own.
    const Child child([&] {
      std::vector<gid_t> many(groups);
      for (std::size_t i = 0; i < groups; ++i) many[i] = static_cast<gid_t>(3000 + i);
      const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
      return setsid() > 0 && setgroups(many.size(), many.data()) == 0 && setresgid(1000, 77, 0) == 0 &&
             setresuid(4242, 0, 0) == 0 && connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    });
    const int accepted = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    REQUIRE(accepted >= 0);
    const int pidfd = pidfd_of(child.pid());
    Callers old(false), now(true);
    std::string why;
    std::uint32_t uid = 1;
    for (Callers* callers : {&old, &now}) {
      const auto peer = callers->peer_of(accepted, uid);
      REQUIRE(peer);
      CHECK(uid == 0);
      CHECK(peer->pid == child.pid());
      CHECK(peer->real_uid == 4242);
    }
    const auto by_proc = old.caller_of(pidfd, accepted, child.pid(), why);
    const auto by_pidfd = now.caller_of(pidfd, accepted, child.pid(), why);
    REQUIRE(by_proc);
    REQUIRE(by_pidfd);
    CHECK(by_pidfd->process == by_proc->process);
    CHECK(by_pidfd->parent == by_proc->parent);
    CHECK(by_pidfd->parent.pid == getpid());
    CHECK(by_pidfd->real_uid == 4242);
    CHECK(by_proc->real_uid == 4242);
    CHECK(by_pidfd->gids == by_proc->gids);
    CHECK(by_pidfd->gids.size() == groups + 1);
    CHECK(by_pidfd->gids.front() == 77);
    CHECK(by_pidfd->loginuid == by_proc->loginuid);
    CHECK(by_pidfd->audit_session == by_proc->audit_session);
    CHECK(by_pidfd->terminal.leader.pid == child.pid());
    CHECK(by_pidfd->terminal.leader.start == by_proc->process.start);
    for (const int fd : {listener, accepted, pidfd}) close(fd);
    unlink(path.c_str());
  }
}

TEST_CASE("a process that has ended is nobody") {
  const Pair pair;
  for (const bool way : ways()) {
    CAPTURE(way);
    Callers callers(way);
    Child child;
    const pid_t pid = child.pid();
    const int pidfd = pidfd_of(pid);
    std::string why;
    const auto alive = callers.caller_of(pidfd, pair.ends[0], pid, why);
    REQUIRE(alive);
    CHECK(alive->parent.pid == getpid());
    child.end();
    CHECK_FALSE(callers.caller_of(pidfd, pair.ends[0], pid, why));  // a zombie still has its files
    CHECK(why == "it has ended");
    child.reap();
    CHECK_FALSE(callers.caller_of(pidfd, pair.ends[0], pid, why));
    close(pidfd);
  }
}

TEST_CASE("descriptors that are no pidfd, and a socket that names no groups") {
  int pipes[2];
  REQUIRE(pipe(pipes) == 0);
  const int own = open("/proc/self", O_RDONLY | O_DIRECTORY);
  const int pidfd = pidfd_of(getpid());
  const Pair pair;
  std::string why;
  for (const bool way : ways()) {
    CAPTURE(way);
    Callers callers(way);
    for (const int fd : {pipes[0], own, -1, 9999}) CHECK_FALSE(callers.caller_of(fd, pair.ends[0], getpid(), why));
    CHECK(why == "the pidfd names no living process");
    // /proc has the groups too, so only the short way asks the socket.
    CHECK(callers.caller_of(pidfd, pipes[0], getpid(), why).has_value() == !way);
  }
  for (const int fd : {pipes[0], pipes[1], own, pidfd}) close(fd);
}

TEST_CASE("a start is that of the living owner of a pid, kept or not") {
  Starts starts;
  const OwnFiles files;
  const auto self = files.stat(getpid());
  REQUIRE(self);
  CHECK(starts.of(getpid()) == self->start);
  CHECK(starts.of(getpid()) == self->start);
  CHECK_FALSE(starts.of(0x3fffff00));
  Child child;
  const pid_t pid = child.pid();
  const auto start = starts.of(pid);
  REQUIRE(start);
  child.end();
  CHECK(starts.of(pid) == start);  // a zombie holds its number still
  child.reap();
  CHECK_FALSE(starts.of(pid));
  CHECK_FALSE(starts.of(pid));
  // More than are kept, each twice: the oldest make way, and what is said stays right.
  std::deque<Child> many;
  for (std::size_t i = 0; i < Starts::kKept + 4; ++i) many.emplace_back();
  const std::size_t before = open_descriptors();
  for (int turn = 0; turn < 2; ++turn) {
    for (const Child& one : many) CHECK(starts.of(one.pid()) == files.stat(one.pid())->start);
  }
  CHECK(open_descriptors() <= before + Starts::kKept);
  CHECK(starts.of(getpid()) == self->start);
}

TEST_CASE("files that were opened ahead say what is so when they are read") {
  OwnFiles files;
  int go[2], done[2];
  REQUIRE((pipe(go) == 0 && pipe(done) == 0));
  char byte = 0;
  const pid_t pid = fork();
  if (pid == 0) _exit(read(go[0], &byte, 1) == 1 && setsid() > 0 && write(done[1], &byte, 1) == 1 && read(go[0], &byte, 1) == 1 ? 0 : 1);
  const std::size_t before = open_descriptors();
  for (int turn = 0; turn < 3; ++turn) files.open(pid);
  CHECK(open_descriptors() <= before + OwnFiles::kFiles);
  const auto first = files.stat(pid);
  REQUIRE(first);
  CHECK(first->session == getsid(0));
  REQUIRE((write(go[1], &byte, 1) == 1 && read(done[0], &byte, 1) == 1));
  CHECK(files.stat(pid)->session == pid);
  CHECK(files.stat(pid)->start == first->start);
  CHECK(files.stat(getpid())->start != first->start);  // another one's is found by path
  REQUIRE((write(go[1], &byte, 1) == 1 && waitpid(pid, nullptr, 0) == pid));
  ProcText text;
  for (const auto file : {OwnFiles::kStat, OwnFiles::kLoginuid, OwnFiles::kSessionid}) CHECK_FALSE(files.read(pid, file, text));
  for (const int fd : {go[0], go[1], done[0], done[1]}) close(fd);
}

TEST_CASE("a text of /proc that is too long, or not there, is none") {
  ProcText text;
  CHECK(text.read(getpid(), "stat"));
  CHECK_FALSE(text.read(getpid(), "smaps"));  // more than 2 KiB
  CHECK_FALSE(text.read(getpid(), "no-such-file"));
  CHECK(errno == ENOENT);
  CHECK_FALSE(text.read_open(-1));
  CHECK_FALSE(text.read_fdinfo(-1));
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
  const Pair pair;
  for (const bool way : ways()) {
    CAPTURE(way);
    Callers callers(way);
    std::uint32_t uid = 0;
    const auto peer = callers.peer_of(pair.ends[0], uid);
    CHECK(uid == geteuid());
    CHECK(peer.has_value() == (geteuid() == 0));
    if (peer) {
      CHECK(peer->pid == getpid());
      CHECK(peer->real_uid == getuid());
    }
    CHECK_FALSE(callers.peer_of(0x7fff, uid));
    CHECK(uid == jit::policy::kNoUid);
  }
}
