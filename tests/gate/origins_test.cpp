// SPDX-License-Identifier: Apache-2.0
#include "broker/gate/origins.h"

#include "tests/catch.h"
#include <string>

using namespace jit;
using namespace jit::gate;
using Kind = policy::Origin::Kind;

namespace {
constexpr std::uint32_t kTty1 = 4 << 8 | 1;
constexpr std::uint32_t kPts3 = 136 << 8 | 3;
}  // namespace

TEST_CASE("ssh: an address in numbers, and nothing else") {
  for (const std::string rhost : {"192.0.2.7", "2001:db8::1", "::ffff:192.0.2.7", "fe80::1%eth0", "127.0.0.1"}) {
    CAPTURE(rhost);
    CHECK(ssh_origin(rhost).kind == Kind::kPeer);
  }
  CHECK(ssh_origin("::ffff:192.0.2.7") == ssh_origin("192.0.2.7"));
  for (const std::string rhost : {"", "tty1", "LOCAL", "local", "host.example", "192.0.2.7.evil.example", "192.0.2", "0x7f000001",
                            "192.0.2.7 ", " 192.0.2.7", "192.0.2.07", "1", "UNKNOWN", "::1::", "192.0.2.7/32"}) {
    CAPTURE(rhost);
    CHECK(ssh_origin(rhost).kind == Kind::kUnknown);
  }
  CHECK(ssh_origin(std::string("192.0.2.7\0x", 11)).kind == Kind::kUnknown);
}

TEST_CASE("login: a console by name and by the kernel") {
  struct Row {
    const char *tty, *rhost;
    std::uint32_t number;
    Kind want;
  };
  const Row rows[] = {
      {"tty1", "", kTty1, Kind::kLocal},        {"/dev/tty1", "", kTty1, Kind::kLocal},
      {"tty1", "", kPts3, Kind::kUnknown},      {"tty2", "", kTty1, Kind::kUnknown},
      {"pts/3", "", kPts3, Kind::kUnknown},     {"ttyS0", "", 4 << 8 | 64, Kind::kUnknown},
      {"tty1", "far.example", kTty1, Kind::kUnknown}, {"tty01", "", kTty1, Kind::kUnknown},
      {"", "", kTty1, Kind::kUnknown},          {"tty1", "", 0, Kind::kUnknown},
      {"LOCAL", "", kTty1, Kind::kUnknown},     {"/dev//dev/tty1", "", kTty1, Kind::kUnknown},
  };
  for (const auto& row : rows) {
    CAPTURE(row.tty, row.rhost, row.number);
    CHECK(login_origin(row.tty, row.rhost, row.number).kind == row.want);
  }
}

TEST_CASE("sudo and su: what our ssh gate saw of this audit session") {
  Origins origins;
  const core::Process child{500, 10}, monitor{400, 9}, stranger{600, 11};
  const auto from = ssh_origin("192.0.2.7");
  CHECK(origins.of(7, kPts3).kind == Kind::kUnknown);
  CHECK(origins.of(policy::kNoUid, kTty1).kind == Kind::kLocal);
  origins.asked(child, monitor, policy::kNoUid, from);
  origins.bound(stranger, 7);
  CHECK(origins.of(7, kPts3).kind == Kind::kUnknown);
  origins.bound(monitor, 7);
  CHECK(origins.of(7, kPts3) == from);
  // Came over ssh and opened a console: still from there.
  CHECK(origins.of(7, kTty1) == from);
  CHECK(origins.of(8, kTty1).kind == Kind::kLocal);
  // One Submit is one session.
  origins.bound(child, 9);
  CHECK(origins.of(9, kPts3).kind == Kind::kUnknown);
  // An unset session is nobody's.
  origins.asked(child, monitor, policy::kNoUid, from);
  origins.bound(child, policy::kNoUid);
  CHECK(origins.of(policy::kNoUid, kPts3).kind == Kind::kUnknown);
  // A pid that was used again is another process.
  origins.asked(child, monitor, policy::kNoUid, from);
  origins.bound({500, 99}, 10);
  CHECK(origins.of(10, kPts3).kind == Kind::kUnknown);
}

TEST_CASE("an sshd that was started by hand hands down the session of who started it: that is nobody's origin") {
  Origins origins;
  const core::Process first{400, 9}, second{500, 10}, third{600, 11};
  const auto here = ssh_origin("192.0.2.7"), there = ssh_origin("198.51.100.1");
  origins.asked(first, {}, policy::kNoUid, here);
  origins.bound(first, 7);
  // She starts an sshd; who comes through it has a session of his own as soon as pam_loginuid gives him one.
  origins.asked(second, {}, 7, there);
  origins.bound(second, 8);
  CHECK(origins.of(7, kPts3) == here);
  CHECK(origins.of(8, kPts3) == there);
  // Where it gives none both stand in one session, and neither address is that of all in it.
  origins.asked(third, {}, 7, there);
  origins.bound(third, 7);
  CHECK(origins.of(7, kPts3).kind == Kind::kUnknown);
  CHECK(origins.of(8, kPts3) == there);
}

TEST_CASE("what is remembered is bounded, and what was dropped is unknown") {
  Origins origins;
  const auto from = ssh_origin("2001:db8::1");
  for (std::uint32_t n = 1; n <= Origins::kSessions + 10; ++n) {
    const core::Process process{static_cast<std::int32_t>(n), n};
    origins.asked(process, {}, policy::kNoUid, from);
    origins.bound(process, n);
  }
  CHECK(origins.of(1, 0).kind == Kind::kUnknown);
  CHECK(origins.of(10, 0).kind == Kind::kUnknown);
  CHECK(origins.of(11, 0) == from);
  for (std::uint32_t n = 1; n <= Origins::kAsked + 1; ++n) origins.asked({static_cast<std::int32_t>(n), n}, {}, policy::kNoUid, from);
  origins.bound({1, 1}, 700'000);
  CHECK(origins.of(700'000, 0).kind == Kind::kUnknown);
  origins.bound({2, 2}, 700'001);
  CHECK(origins.of(700'001, 0) == from);
}
