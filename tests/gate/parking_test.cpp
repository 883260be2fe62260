// SPDX-License-Identifier: Apache-2.0
// Connections that wait: what reaches them, what they say, and how they end.
#include <sys/socket.h>

#include "tests/catch.h"

#include "tests/gate/bed.h"
#include "tests/gate/client.h"

using namespace jit;
using namespace jit::test;
using core::Verdict;

namespace {

core::Conn wait_pending(Bed& bed, Client& client, int n = 1) {
  bed.answer_all(pending());
  REQUIRE(client.submit(sudo_context()).answer == "pending");
  return bed.notes().wait("submit", n).conn;
}

}  // namespace

TEST_CASE("progress and the decision reach one that waits") {
  Bed bed;
  Client client(bed.path());
  const auto conn = wait_pending(bed, client);
  bed.run([&](gate::Server& gate) {
    gate.progress(conn, {"bob has seen it"});
    auto yes = answer(Verdict::kAllow, "granted");
    yes.text = {"pam_jit: approved by bob"};
    yes.head = "7:00ff";
    gate.decided(conn, yes);
    gate.decided(conn, answer(Verdict::kDeny, "twice"));
    gate.progress(conn, {"too late"});
  });
  const auto progress = client.signal();
  CHECK(progress.member == "Progress");
  CHECK(progress.detail.text == std::vector<std::string>{"bob has seen it"});
  const auto decided = client.signal();
  CHECK(decided.member == "Decided");
  CHECK(decided.answer == "allow");
  CHECK(decided.detail.cause == "granted");
  CHECK(decided.head == "7:00ff");
  // A withdrawal that crossed the decision is answered, and changes nothing here.
  CHECK(client.call("Withdraw").error.empty());
  client.drop();
  Client other(bed.path());
  wait_pending(bed, other, 2);
  CHECK(bed.notes().count("hangup") == 0);
  CHECK(bed.notes().count("withdraw") == 0);
}

TEST_CASE("who was let through may bind on the same connection, or not at all") {
  gate::Options options;
  options.quiet_ms = 150;
  Bed bed(options);
  bed.answer_all(answer(Verdict::kAllow, "granted"));
  const Descriptors mine;
  const Entries bind{string("service", "sudo"), bytes("user", "root"), descriptor("pidfd", mine.pidfd)};
  Client client(bed.path());
  SECTION("binds, and is closed then") {
    REQUIRE(client.submit(sudo_context()).answer == "allow");
    CHECK(client.bind(bind).error.empty());
    CHECK(bed.notes().count("bind") == 1);
    CHECK(client.closed());
  }
  SECTION("says nothing, and is closed") {
    REQUIRE(client.submit(sudo_context()).answer == "allow");
    CHECK(client.closed());
  }
  SECTION("waited first, says nothing after the decision, and is closed") {
    const auto conn = wait_pending(bed, client);
    bed.run([&](gate::Server& gate) { gate.decided(conn, answer(Verdict::kAllow, "granted")); });
    CHECK(client.signal().answer == "allow");
    CHECK(client.closed());
  }
  SECTION("says something else, and is closed") {
    REQUIRE(client.submit(sudo_context()).answer == "allow");
    CHECK(client.submit(sudo_context()).error == "org.pamjit.Error.BadContext");
    CHECK(client.closed());
  }
  // Nothing was pending, so nothing was left.
  CHECK(bed.notes().count("hangup") == 0);
  CHECK(bed.notes().count("withdraw") == 0);
}

TEST_CASE("one that waits is not closed for being quiet") {
  gate::Options options;
  options.quiet_ms = 50;
  Bed bed(options);
  Client waits(bed.path());
  const auto conn = wait_pending(bed, waits);
  Client late(bed.path());
  late.ready();
  CHECK(late.closed());  // it asked nothing: the clock has come by
  bed.run([&](gate::Server& gate) { gate.decided(conn, answer(Verdict::kDeny, "denied")); });
  CHECK(waits.signal().answer == "deny");
}

TEST_CASE("how it ends: hang-up, Detach, Withdraw") {
  Bed bed;
  Client client(bed.path());
  const auto conn = wait_pending(bed, client);
  SECTION("a hang-up cancels") {
    client.drop();
    CHECK(bed.notes().wait("hangup").conn == conn);
  }
  SECTION("half a hang-up is one") {
    shutdown(sd_bus_get_fd(client.bus()), SHUT_WR);
    CHECK(bed.notes().wait("hangup").conn == conn);
    CHECK(client.closed());
  }
  SECTION("a hang-up within a message is one") {
    const char half[] = "l\1\0\1\200\0\0\0\1\0\0\0\200\0\0\0abc";
    REQUIRE(send(sd_bus_get_fd(client.bus()), half, sizeof half, 0) == sizeof half);
    client.drop();
    CHECK(bed.notes().wait("hangup").conn == conn);
  }
  SECTION("Detach, then a hang-up: only Detach") {
    CHECK(client.call("Detach").error.empty());
    client.drop();
    CHECK(bed.notes().wait("detach").conn == conn);
  }
  SECTION("Withdraw, then a hang-up: only Withdraw") {
    CHECK(client.call("Withdraw").error.empty());
    CHECK(client.call("Withdraw").error.empty());
    client.drop();
    CHECK(bed.notes().wait("withdraw").conn == conn);
  }
  SECTION("a second Submit ends it") {
    CHECK(client.submit(sudo_context()).error == "org.pamjit.Error.BadContext");
    CHECK(bed.notes().wait("hangup").conn == conn);
  }
  SECTION("garbage ends it") {
    REQUIRE(send(sd_bus_get_fd(client.bus()), "GET / HTTP/1.1\r\n\r\n", 18, 0) == 18);
    CHECK(bed.notes().wait("hangup").conn == conn);
  }
  // Whatever came is all: one word about this connection after its Submit.
  Client other(bed.path());
  wait_pending(bed, other, 2);
  CHECK(bed.notes().all().size() == 3);
}

TEST_CASE("left while the core works: the reply comes still, and the core hears of it once") {
  Bed bed;
  Client client(bed.path());
  client.start_submit(sudo_context());
  const auto conn = bed.notes().wait("submit").conn;
  SECTION("by Withdraw") {
    CHECK(client.call("Withdraw").error.empty());
    bed.notes().wait("withdraw");
    bed.run([&](gate::Server& gate) {
      gate.answer(conn, pending());
      gate.decided(conn, answer(Verdict::kAllow, "granted"));
    });
    CHECK(client.finish().answer == "pending");
    client.drop();
  }
  SECTION("by a hang-up") {
    client.drop();
    bed.notes().wait("hangup");
    bed.run([&](gate::Server& gate) {
      gate.answer(conn, pending());
      gate.decided(conn, answer(Verdict::kAllow, "granted"));
    });
  }
  Client other(bed.path());
  wait_pending(bed, other, 2);
  CHECK(bed.notes().all().size() == 3);
}

TEST_CASE("one that reads nothing is dropped, and holds up nobody") {
  Bed bed;
  Client stopped(bed.path()), reading(bed.path());
  const auto conn = wait_pending(bed, stopped);
  const auto other = wait_pending(bed, reading, 2);
  int sent = 0;
  bed.run([&](gate::Server& gate) {
    for (; sent < 5000 && bed.notes().count("hangup") == 0; ++sent) {
      gate.progress(conn, std::vector<std::string>(6, std::string(480, 'x')));
    }
    gate.decided(other, answer(Verdict::kAllow, "granted"));
  });
  CHECK(reading.signal().answer == "allow");
  CHECK(bed.notes().wait("hangup").conn == conn);
  CHECK(stopped.closed());
}

TEST_CASE("a thousand wait, and the one in the middle is told") {
  Bed bed;
  bed.answer_all(pending());
  std::vector<Client> clients;
  for (int n = 0; n < 1000; ++n) {
    clients.emplace_back(bed.path());
    REQUIRE(clients.back().submit(sudo_context()).answer == "pending");
  }
  const auto conn = bed.notes().all()[500].conn;
  bed.run([&](gate::Server& gate) { gate.decided(conn, answer(Verdict::kDeny, "denied")); });
  CHECK(clients[500].signal().detail.cause == "denied");
  clients.clear();
  bed.notes().wait("hangup", 999);
  CHECK(bed.notes().count("hangup") == 999);
}
