// SPDX-License-Identifier: Apache-2.0
#include "broker/gate/origins.h"

#include "tests/catch.h"
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

using namespace jit;
using namespace jit::gate;
using Kind = policy::Origin::Kind;

namespace {
constexpr std::uint32_t kTty1 = 4 << 8 | 1;
constexpr std::uint32_t kPts3 = 136 << 8 | 3;
const std::string kBoot(32, 'b');

struct Runtime {  // a folder with the file of origins
  std::string folder = std::filesystem::current_path() / "origins-XXXXXX";
  std::string path;
  Runtime() {
    if (::mkdtemp(folder.data()) == nullptr) throw std::runtime_error("no folder");
    path = folder + "/origins";
  }
  ~Runtime() { std::filesystem::remove_all(folder); }
  Origins broker(const std::string& boot = kBoot) const {
    Origins origins;
    origins.keep_in({path, boot});
    return origins;
  }
  std::string text() const {
    std::ifstream in(path);
    return {std::istreambuf_iterator<char>(in), {}};
  }
};
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

TEST_CASE("what is known of this boot outlives the broker") {
  const Runtime run;
  const auto here = ssh_origin("192.0.2.7"), there = ssh_origin("2001:db8::1");
  const core::Process first{500, 10}, second{600, 11}, third{700, 12}, fourth{800, 13};
  {
    Origins origins = run.broker();
    origins.asked(first, {}, policy::kNoUid, here);
    origins.bound(first, 7);
    origins.asked(second, {}, policy::kNoUid, here);
    origins.bound(second, 8);
    origins.asked(third, {}, 8, there);
    origins.bound(third, 8);  // of all who come through it
    origins.asked(fourth, {}, policy::kNoUid, there);
  }
  struct stat st {};
  REQUIRE(::stat(run.path.c_str(), &st) == 0);
  CHECK((st.st_mode & 07777) == 0600);
  const std::string left = run.text();
  for (int restart = 0; restart < 2; ++restart) {
    Origins origins = run.broker();
    CHECK(origins.of(7, kPts3) == here);
    CHECK(origins.of(8, kPts3).kind == Kind::kUnknown);
    CHECK(origins.of(policy::kNoUid, kPts3).kind == Kind::kUnknown);
  }
  Origins origins = run.broker();
  origins.bound(fourth, 9);  // asked before the restart
  CHECK(origins.of(9, kPts3) == there);
  CHECK(run.broker().of(9, kPts3) == there);
  CHECK(run.broker(std::string(32, 'c')).of(7, kPts3).kind == Kind::kUnknown);
  CHECK(run.broker().of(7, kPts3).kind == Kind::kUnknown);  // the other boot was the last
  for (std::size_t size = 0; size < left.size(); ++size) {  // cut anywhere, all before the cut is true or nothing is known
    std::ofstream(run.path, std::ios::trunc) << left.substr(0, size);
    const auto from = run.broker().of(7, kPts3);
    if (from != here) CHECK(from.kind == Kind::kUnknown);
  }
}

TEST_CASE("a file of origins that is not as it was left tells nothing") {
  const Runtime run;
  const auto from = ssh_origin("192.0.2.7");
  Origins origins = run.broker();
  origins.asked({500, 10}, {}, policy::kNoUid, from);
  origins.bound({500, 10}, 7);
  const std::string left = run.text();
  const auto write = [&](const std::string& text) { std::ofstream(run.path, std::ios::trunc) << text; };
  SECTION("another word") { write(left + "session 8 192.0.2.9\nfoo 1\n"); }
  SECTION("half a line") { write(left + "session 8"); }
  SECTION("a word too many") { write(left + "session 8 192.0.2.9 1\n"); }
  SECTION("no address") { write(left + "session 8 host.example\n"); }
  SECTION("no number") { write(left + "session x 192.0.2.9\n"); }
  SECTION("no line at all") { write(""); }
  SECTION("writable for others") { std::filesystem::permissions(run.path, static_cast<std::filesystem::perms>(0666)); }
  SECTION("a link") {
    std::filesystem::rename(run.path, run.folder + "/other");
    std::filesystem::create_symlink(run.folder + "/other", run.path);
  }
  Origins next = run.broker();
  CHECK(next.of(7, kPts3).kind == Kind::kUnknown);
  CHECK(next.of(8, kPts3).kind == Kind::kUnknown);
  next.asked({600, 11}, {}, policy::kNoUid, from);
  next.bound({600, 11}, 9);
  CHECK(run.broker().of(9, kPts3) == from);
}

TEST_CASE("the file of origins is bounded, and what cannot be written is unknown later") {
  const Runtime run;
  const auto from = ssh_origin("2001:db8::1");
  Origins origins = run.broker();
  for (std::uint32_t n = 1; n <= 2 * Origins::kLines; ++n) {
    origins.asked({static_cast<std::int32_t>(n), n}, {}, policy::kNoUid, from);
    origins.bound({static_cast<std::int32_t>(n), n}, n);
  }
  CHECK(std::filesystem::file_size(run.path) < 4 * 1024 * 1024);
  CHECK(run.broker().of(2 * Origins::kLines, 0) == from);
  std::filesystem::remove_all(run.folder);
  origins.asked({1, 1}, {}, policy::kNoUid, from);
  origins.bound({1, 1}, 7);
  CHECK(origins.of(7, 0) == from);
  std::filesystem::create_directory(run.folder);
  origins.asked({2, 1}, {}, policy::kNoUid, from);  // all of it, again
  CHECK(run.broker().of(7, 0) == from);
}
