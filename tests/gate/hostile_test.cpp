// SPDX-License-Identifier: Apache-2.0
// Peers that are no module: other users, garbage, halves, floods. The gate stays, and gives everything back.
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/catch.h"
#include <cstring>
#include <fstream>
#include <random>

#include "tests/gate/bed.h"
#include "tests/gate/client.h"

using namespace jit;
using namespace jit::test;
using core::Verdict;

namespace {

const std::string kHello("\0AUTH EXTERNAL\r\nDATA\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n", 48);

bool dropped_after(const std::string& path, const std::string& bytes) {
  const int fd = dial(path);
  if (fd < 0) return false;
  send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  const bool gone = hung_up(fd);
  close(fd);
  return gone;
}

void still_serves(Bed& bed) {
  bed.answer_all(answer(Verdict::kAllow, "granted"));
  Client client(bed.path());
  CHECK(client.submit(sudo_context()).answer == "allow");
}

std::string frame(std::uint32_t body, std::uint32_t fields, char endian = 'l', char version = 1) {
  std::string out(16, '\0');
  out[0] = endian;
  out[1] = 1;
  out[3] = version;
  std::memcpy(&out[4], &body, 4);
  out[8] = 1;
  std::memcpy(&out[12], &fields, 4);
  return out;
}

// A connection whose handshake is over.
int greeted(const std::string& path) {
  const int fd = dial(path);
  REQUIRE(fd >= 0);
  send(fd, kHello.data(), kHello.size(), MSG_NOSIGNAL);
  pollfd item{fd, POLLIN, 0};
  REQUIRE(poll(&item, 1, 20'000) == 1);
  char answer[256];
  REQUIRE(recv(fd, answer, sizeof answer, 0) > 0);
  return fd;
}

std::size_t resident_kib() {
  std::ifstream in("/proc/self/statm");
  std::size_t size = 0, resident = 0;
  in >> size >> resident;
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE)) / 1024;
}

}  // namespace

TEST_CASE("a peer that is not root is refused") {
  if (geteuid() != 0) return;
  Bed bed;
  const int status = in_child([&] {
    if (setresgid(65534, 65534, 65534) < 0 || setresuid(65534, 65534, 65534) < 0) return 2;
    const int fd = dial(bed.path());
    if (fd < 0) return 3;
    send(fd, kHello.data(), kHello.size(), MSG_NOSIGNAL);
    char byte = 0;
    pollfd item{fd, POLLIN, 0};
    poll(&item, 1, 20'000);
    return recv(fd, &byte, 1, 0) <= 0 ? 0 : 4;  // not one byte of answer
  });
  CHECK(status == 0);
  CHECK(bed.notes().all().empty());
  still_serves(bed);
}

TEST_CASE("bytes that are no handshake") {
  Bed bed;
  const std::string rows[] = {"x",
                              std::string(1, '\0'),
                              "GET / HTTP/1.1\r\n\r\n",
                              std::string("\0AUTH ANONYMOUS\r\n", 17),
                              std::string("\0AUTH ANONYMOUS\r\nBEGIN\r\n", 24),
                              std::string("\0AUTH EXTERNAL 31303030\r\nBEGIN\r\n", 32),
                              std::string("\0AUTH NONSENSE\r\nBEGIN\r\n", 23),
                              std::string("\0AUTH \r\nBEGIN\r\n", 15),
                              kHello.substr(0, 20),
                              kHello.substr(1),
                              kHello + frame(1 << 27, 16),
                              kHello + "l",
                              kHello + kHello,
                              std::string(1 << 16, 'A'),
                              std::string(300, '\0'),
                              std::string("\0AUTH EXTERNAL\r\n", 16) + std::string(300, 'x') + "\r\nBEGIN\r\n"};
  for (const auto& bytes : rows) {
    CAPTURE(bytes.substr(0, 40));
    CHECK(dropped_after(bed.path(), bytes));
  }
  still_serves(bed);
}

TEST_CASE("bytes that are no message, after a good handshake") {
  Bed bed;
  const std::string rows[] = {
      "x", std::string(16, '\0'), std::string(16, 'l'), frame(1 << 27, 16), frame(4294967295U, 4294967295U), frame(1 << 20, 16),
      frame(0, 16, 'x'), frame(0, 16, 'l', 2), frame(0, 0) + "12345678", frame(8, 16) + std::string(24, '\xff'),
      frame(0, 64) + std::string(64, 'z')};
  for (const auto& bytes : rows) {
    CAPTURE(bytes.size());
    const int fd = greeted(bed.path());
    send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    CHECK(hung_up(fd));
    close(fd);
  }
  still_serves(bed);
}

TEST_CASE("frames of random bytes") {
  Bed bed;
  std::mt19937 random(11);
  for (int n = 0; n < 300; ++n) {
    std::string bytes = frame(static_cast<std::uint32_t>(random() % 64), static_cast<std::uint32_t>(random() % 64));
    for (int more = 0; more < 128; ++more) bytes += static_cast<char>(random());
    const int fd = greeted(bed.path());
    send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    shutdown(fd, SHUT_WR);
    CHECK(hung_up(fd));
    close(fd);
  }
  still_serves(bed);
}

TEST_CASE("one that says nothing is closed in time, one that waits is not") {
  gate::Options options;
  options.quiet_ms = 150;
  Bed bed(options);
  bed.answer_all(pending());
  Client waits(bed.path());
  REQUIRE(waits.submit(sudo_context()).answer == "pending");
  const int silent = dial(bed.path());
  const int polite = greeted(bed.path());
  CHECK(hung_up(silent));
  CHECK(hung_up(polite));
  bed.run([&](gate::Server& gate) { gate.decided(bed.notes().all()[0].conn, answer(Verdict::kAllow, "granted")); });
  CHECK(waits.signal().answer == "allow");
  close(silent);
  close(polite);
}

TEST_CASE("a flood of calls without reading") {
  Bed bed;
  bed.answer_all(answer(Verdict::kNeeds, "needs-text"));
  Client client(bed.path());
  client.ready();
  for (int n = 0; n < 100'000; ++n) {
    if (sd_bus_call_method_async(client.bus(), nullptr, "x.y", "/org/pamjit/Gate1", "org.pamjit.Gate1", "Submit", nullptr, nullptr, "s", "x") < 0) break;
    if (n % 64 == 0 && hung_up(sd_bus_get_fd(client.bus()), 0)) break;
  }
  CHECK(client.closed());
  still_serves(bed);
}

TEST_CASE("frames of 128 MiB cost nothing") {
  Bed bed;
  const auto before = resident_kib();
  const std::string block(1 << 16, 'x');
  for (int n = 0; n < 20; ++n) {
    const int fd = greeted(bed.path());
    const auto head = frame((1 << 27) - 64, 16);
    send(fd, head.data(), head.size(), MSG_NOSIGNAL);
    for (int more = 0; more < 256 && send(fd, block.data(), block.size(), MSG_NOSIGNAL) > 0; ++more) {
    }
    CHECK(hung_up(fd));
    close(fd);
  }
  CHECK(resident_kib() < before + 32 * 1024);
  still_serves(bed);
}

TEST_CASE("descriptors come back: 2000 connections, with three each") {
  Bed bed;
  bed.answer_all(pending());
  {
    Client warm(bed.path());
    warm.submit(sudo_context());
  }
  bed.notes().wait("hangup");
  const auto before = open_descriptors();
  int bad = 0;
  for (int n = 0; n < 2000; ++n) {
    Client client(bed.path());
    switch (n % 4) {
      case 0: client.submit(sudo_context()); break;
      case 1: client.submit(with(sudo_context(), {string("no-such", "x")})); break;
      case 2: client.start_submit(sudo_context()); break;  // hangs up without the answer
      case 3: {
        const Descriptors mine;
        client.submit(sudo_context(), mine.exe, mine.exe, mine.exe);
        break;
      }
    }
    ++bad;
  }
  CHECK(bad == 2000);
  // One more, to know that the gate has seen the end of all before.
  bed.notes().wait("hangup", 1 + 500);
  for (int turn = 0; turn < 1000 && open_descriptors() > before; ++turn) bed.run([](gate::Server&) {});
  CHECK(open_descriptors() <= before);
}

TEST_CASE("short of descriptors: refused, not stuck, and well again after") {
  Bed bed;
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  std::vector<int> fill;
  rlimit low = before;
  low.rlim_cur = open_descriptors() + 20;
  std::vector<int> mine;
  for (int n = 0; n < 8; ++n) mine.push_back(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  REQUIRE(setrlimit(RLIMIT_NOFILE, &low) == 0);
  for (int fd = dup(0); fd >= 0; fd = dup(0)) fill.push_back(fd);
  for (const int fd : mine) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, bed.path().c_str(), sizeof address.sun_path - 1);
    REQUIRE(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    CHECK(hung_up(fd));
  }
  for (const int fd : fill) close(fd);
  setrlimit(RLIMIT_NOFILE, &before);
  for (const int fd : mine) close(fd);
  still_serves(bed);
}

TEST_CASE("what a paused connection costs") {
  Bed bed;
  bed.answer_all(pending());
  {
    Client warm(bed.path());  // the stat files of parent and leader stay open
    warm.submit(sudo_context());
  }
  bed.notes().wait("hangup");
  bed.run([](gate::Server&) {});  // and its own descriptor is closed
  std::vector<Client> clients;
  clients.reserve(2001);
  const auto before = open_descriptors();
  clients.emplace_back(bed.path());
  REQUIRE(clients.back().submit(sudo_context()).answer == "pending");
  bed.run([](gate::Server&) {});  // its own three are closed
  const auto descriptors = open_descriptors();
  // From systemd 256 on sd-bus has a pidfd of its peer, too.
  const auto each = descriptors - before;
  CHECK((each == 2 || each == 4));
  for (int n = 0; n < 2000; ++n) {
    clients.emplace_back(bed.path());
    REQUIRE(clients.back().submit(sudo_context()).answer == "pending");
  }
  bed.run([](gate::Server&) {});  // the last call's own three are closed
  // Both ends are in this process.
  CHECK(open_descriptors() == descriptors + each * 2000);
}
