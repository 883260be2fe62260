// SPDX-License-Identifier: Apache-2.0
// What one person may hold, and that it costs nobody else. Peers are children with a real uid of their own.
#include <fcntl.h>
#include <unistd.h>

#include "tests/catch.h"
#include <fstream>
#include <thread>
#include <vector>

#include "tests/gate/bed.h"
#include "tests/gate/client.h"

using namespace jit;
using namespace jit::test;
using core::Verdict;

namespace {

// In a child whose real uid is this: how many of `tries` connections got each answer.
struct Count {
  int pending = 0, limit = 0, closed = 0;
};

Count hold(const Bed& bed, uid_t uid, int tries, const Entries& context) {
  int ends[2];
  REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
  in_child([&] {
    if (setresuid(uid, 0, 0) < 0) return 2;
    Count count;
    std::vector<Client> clients;
    for (int n = 0; n < tries; ++n) {
      clients.emplace_back(bed.path());
      const auto reply = clients.back().submit(context);
      if (reply.answer == "pending") {
        ++count.pending;
      } else if (reply.detail.cause == "limit") {
        ++count.limit;
      } else {
        ++count.closed;
      }
    }
    return write(ends[1], &count, sizeof count) == sizeof count ? 0 : 3;
  });
  Count count;
  CHECK(read(ends[0], &count, sizeof count) == sizeof count);
  close(ends[0]);
  close(ends[1]);
  return count;
}

}  // namespace

TEST_CASE("who was let through takes no place of one that waits; eight of a uid are kept, the rest is closed") {
  if (geteuid() != 0) return;
  Bed bed;
  bed.answer_all(answer(Verdict::kAllow, "granted"));
  CHECK(in_child([&] {
          if (setresuid(1, 0, 0) < 0) return 2;
          std::vector<Client> clients;
          for (int n = 0; n < 12; ++n) {
            clients.emplace_back(bed.path());
            if (clients.back().submit(sudo_context()).answer != "allow") return 3;
          }
          for (int n = 8; n < 12; ++n) {
            if (!clients[static_cast<std::size_t>(n)].closed()) return 4;
          }
          const Descriptors mine;
          const Entries bind{string("service", "sudo"), bytes("user", "root"), descriptor("pidfd", mine.pidfd)};
          for (int n = 0; n < 8; ++n) {
            if (!clients[static_cast<std::size_t>(n)].bind(bind).error.empty()) return 5;
          }
          return 0;
        }) == 0);
  CHECK(bed.notes().count("bind") == 8);
  bed.answer_all(pending());
  CHECK(hold(bed, 1, 9, sudo_context()).pending == 8);  // all places were given back
}

TEST_CASE("eight of a uid wait, the ninth is told the limit, and another uid is served") {
  if (geteuid() != 0) return;
  Bed bed;
  bed.answer_all(pending());
  const auto first = hold(bed, 1, 12, sudo_context());
  CHECK(first.pending == 8);
  CHECK(first.limit == 4);
  // They ended with their process; the same uid may come again.
  bed.notes().wait("hangup", 8);
  CHECK(hold(bed, 1, 8, sudo_context()).pending == 8);
  CHECK(hold(bed, 65534, 1, sudo_context()).pending == 1);
}

TEST_CASE("connections that say nothing count too, and past twice the quota are closed") {
  if (geteuid() != 0) return;
  Bed bed;
  const int status = in_child([&] {
    if (setresuid(1, 0, 0) < 0) return 99;
    std::vector<int> fds;
    for (int n = 0; n < 20; ++n) fds.push_back(dial(bed.path()));
    int closed = 0;
    for (int n = 16; n < 20; ++n) closed += hung_up(fds[static_cast<std::size_t>(n)]) ? 1 : 0;
    for (int n = 0; n < 16; ++n) closed += hung_up(fds[static_cast<std::size_t>(n)], 0) ? 100 : 0;
    return closed;
  });
  CHECK(status == 4);
}

TEST_CASE("root's own are not counted, but at ssh the user who logs in is") {
  Bed bed;
  bed.answer_all(pending());
  std::vector<Client> clients;
  for (int n = 0; n < 20; ++n) {
    clients.emplace_back(bed.path());
    CHECK(clients.back().submit(sudo_context()).answer == "pending");
  }
  for (int n = 0; n < 10; ++n) {
    clients.emplace_back(bed.path());
    const auto reply = clients.back().submit(ssh_context("alice", "192.0.2.7"));
    CHECK(reply.answer == (n < 8 ? "pending" : "deny"));
    if (n >= 8) CHECK(reply.detail.cause == "limit");
  }
  clients.emplace_back(bed.path());
  CHECK(clients.back().submit(ssh_context("bob", "192.0.2.7")).answer == "pending");
  // Root's logins are not counted by uid.
  for (int n = 0; n < 10; ++n) {
    clients.emplace_back(bed.path());
    CHECK(clients.back().submit(ssh_context("root", "192.0.2.7")).answer == "pending");
  }
  clients.clear();
  bed.notes().wait("hangup", 20 + 8 + 1 + 10);
  Client again(bed.path());
  CHECK(again.submit(ssh_context("alice", "192.0.2.7")).answer == "pending");
}

TEST_CASE("past the total there is only the close") {
  gate::Options options;
  options.connections = 5;
  Bed bed(options);
  bed.answer_all(pending());
  std::vector<Client> clients;
  for (int n = 0; n < 5; ++n) {
    clients.emplace_back(bed.path());
    CHECK(clients.back().submit(sudo_context()).answer == "pending");
  }
  const int sixth = dial(bed.path());
  CHECK(hung_up(sixth));
  close(sixth);
  clients.pop_back();
  bed.notes().wait("hangup");
  Client next(bed.path());
  CHECK(next.submit(sudo_context()).answer == "pending");
}

TEST_CASE("memory of a paused connection", "[figure]") {
  if (geteuid() != 0) return;
  constexpr int kPaused = 2000;
  Bed bed;
  bed.answer_all(pending());
  bed.notes().keep_nothing();
  // The clients live in a child: what grows here is the gate.
  // Resident, not allocated: sd-bus of systemd 257 has 256 KiB for the groups of its peer, and touches what these fill.
  const auto resident = [] {
    std::ifstream file("/proc/self/statm");
    long pages = 0;
    file >> pages >> pages;
    return pages * sysconf(_SC_PAGESIZE);
  };
  int go[2], done[2];
  REQUIRE(pipe2(go, O_CLOEXEC) == 0);
  REQUIRE(pipe2(done, O_CLOEXEC) == 0);
  long before = 0, after = 0;
  const pid_t child = start_child([&] {
    char byte = 0;
    std::vector<Client> clients;
    clients.reserve(kPaused);
    for (int n = 0; n < 50; ++n) {
      clients.emplace_back(bed.path());
      if (clients.back().submit(sudo_context()).answer != "pending") return 1;
    }
    if (write(done[1], "x", 1) != 1 || read(go[0], &byte, 1) != 1) return 2;
    for (int n = 50; n < kPaused; ++n) {
      clients.emplace_back(bed.path());
      if (clients.back().submit(sudo_context()).answer != "pending") return 3;
    }
    if (write(done[1], "x", 1) != 1 || read(go[0], &byte, 1) != 1) return 4;
    return 0;
  });
  for (const int fd : {go[0], done[1]}) close(fd);  // a child that gives up ends the measuring too
  std::thread measure([&] {
    char byte = 0;
    if (read(done[0], &byte, 1) != 1) return;
    bed.run([&](gate::Server&) { before = resident(); });
    if (write(go[1], "x", 1) != 1 || read(done[0], &byte, 1) != 1) return;
    bed.run([&](gate::Server&) { after = resident(); });
    if (write(go[1], "x", 1) != 1) return;
  });
  const int status = wait_for_child(child);
  measure.join();
  CHECK(status == 0);
  for (const int fd : {go[1], done[0]}) close(fd);
  const double each = static_cast<double>(after - before) / (kPaused - 50);
  WARN("memory of one paused connection: " << each << " bytes");
#ifndef __SANITIZE_ADDRESS__
  CHECK(each <= 8 * 1024);
#endif
}
