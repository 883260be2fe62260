// SPDX-License-Identifier: Apache-2.0
#include "broker/gate/proc_text.h"

#include "tests/catch.h"
#include <random>
#include <string>

#include "broker/gate/log.h"
#include "broker/gate/quota.h"

using namespace jit::gate;

namespace {

// pid (comm) state ppid pgrp session tty_nr tpgid ... starttime(22) vsize
std::string stat_line(const std::string& comm, const std::string& ppid = "77", const std::string& session = "50",
                      const std::string& tty = "34819", const std::string& start = "123456789") {
  return "4242 (" + comm + ") S " + ppid + " 4242 " + session + " " + tty +
         " 4242 4194304 1 2 3 4 5 6 7 8 20 0 1 0 " + start + " 1000 200 18446744073709551615\n";
}

const Stat kWant{77, 50, 34819, 123456789};

}  // namespace

TEST_CASE("stat: whatever the name holds") {
  for (const std::string comm :
       {"sudo", "a b", ")", "x) R 1 1 1 1", "(((", "a\nb", ") S 1 2 3 4 5\n", "", "\x1b[2J", "x) S 77 1 50 34819"}) {
    CAPTURE(comm);
    CHECK(parse_stat(stat_line(comm)) == kWant);
  }
}

TEST_CASE("stat: odd numbers") {
  CHECK(parse_stat(stat_line("x", "0", "0", "0", "0")) == Stat{0, 0, 0, 0});
  CHECK(parse_stat(stat_line("x", "1", "1", "-1", "18446744073709551615"))->tty == 4294967295U);
  CHECK(parse_stat(stat_line("x", "2147483647"))->parent == 2147483647);
  const std::string bad[] = {stat_line("x", "-1"),
                             stat_line("x", "2147483648"),
                             stat_line("x", "1", "-5"),
                             stat_line("x", "1", "1", "x"),
                             stat_line("x", "1", "1", "1", "18446744073709551616"),
                             stat_line("x", "1", "1", "1", "-1"),
                             stat_line("x", "1 ", "").substr(0, 30),
                             "",
                             ")",
                             "4242 (x) SS 1 1 1 1",
                             "4242 (x) S 1 1 1 1 1 1",
                             "no brackets 1 2 3",
                             stat_line("x", "0x1"),
                             stat_line("x", "+1")};
  for (const auto& line : bad) {
    CAPTURE(line);
    CHECK_FALSE(parse_stat(line));
  }
}

TEST_CASE("status: uids and groups") {
  const auto status = [](const std::string& uid, const std::string& gid, const std::string& groups) {
    return "Name:\tsudo\nState:\tS (sleeping)\nUid:\t" + uid + "\nGid:\t" + gid + "\nFDSize:\t64\nGroups:\t" + groups +
           " \nNStgid:\t1\n";
  };
  const auto good = parse_status(status("1000\t0\t0\t0", "1000\t7\t7\t7", "4 24 1000"));
  REQUIRE(good);
  CHECK(good->real_uid == 1000);
  CHECK(good->effective_uid == 0);
  CHECK(good->gids == std::vector<std::uint32_t>{7, 4, 24, 1000});
  CHECK(parse_status(status("4294967294\t0\t0\t0", "1\t1\t1\t1", ""))->real_uid == 4294967294U);
  CHECK(parse_status(status("2147483648\t0\t0\t0", "1\t1\t1\t1", ""))->gids.size() == 1);
  // The kernel writes the name escaped; a real newline in it would still not make a second line count once.
  CHECK(parse_status("Name:\tx\\nUid:\\t0\n" + status("5\t0\t0\t0", "1\t1\t1\t1", "")) .has_value());
  std::string many;
  for (int n = 0; n < 5000; ++n) many += "1 ";
  const std::string bad[] = {
      "",
      "Uid:\t0\t0\t0\t0\n",
      status("x\t0\t0\t0", "1\t1\t1\t1", ""),
      status("-1\t0\t0\t0", "1\t1\t1\t1", ""),
      status("4294967296\t0\t0\t0", "1\t1\t1\t1", ""),
      status("1\t1\t1\t1", "1", "1"),
      status("1\t1\t1\t1", "1\t1\t1\t1", "1 a"),
      status("1\t1\t1\t1", "1\t1\t1\t1", many),
      "Uid:\t0\t0\t0\t0\n" + status("5\t0\t0\t0", "1\t1\t1\t1", ""),
  };
  for (const auto& text : bad) {
    CAPTURE(text.substr(0, 60));
    CHECK_FALSE(parse_status(text));
  }
}

TEST_CASE("numbers and pidfd info") {
  CHECK(parse_number("4294967295") == 4294967295U);
  CHECK(parse_number("0\n") == 0U);
  for (const char* bad : {"", "\n", "-1", "1 ", " 1", "4294967296", "1\n\n", "0x1", "1a"}) CHECK_FALSE(parse_number(bad));
  CHECK(parse_pidfd_info("pos:\t0\nflags:\t02000002\nmnt_id:\t15\nino:\t1\nPid:\t4242\nNSpid:\t4242\n") == 4242);
  for (const char* bad : {"", "pos:\t0\n", "Pid:\t-1\n", "Pid:\t0\n", "Pid:\t\n", "Pid:\t1\nPid:\t2\n", "NSpid:\t5\n", "Pid:\t99999999999\n"}) {
    CHECK_FALSE(parse_pidfd_info(bad));
  }
}

TEST_CASE("virtual consoles by number") {
  const auto device = [](std::uint32_t major, std::uint32_t minor) {
    return (minor & 0xff) | major << 8 | (minor & 0xfff00) << 12;
  };
  CHECK(virtual_console(device(4, 1)) == 1U);
  CHECK(virtual_console(device(4, 63)) == 63U);
  for (const auto tty : {device(4, 0), device(4, 64), device(4, 257), device(136, 1), device(5, 1), device(4, 1 << 16), 0U}) {
    CHECK_FALSE(virtual_console(tty));
  }
}

TEST_CASE("the parsers take any bytes") {
  std::mt19937 random(7);
  const std::string seed = stat_line("x) y") + "Uid:\t1\t1\t1\t1\nGid:\t1\t1\t1\t1\nGroups:\t1 2\nPid:\t5\n";
  for (int n = 0; n < 50'000; ++n) {
    std::string text = seed.substr(random() % seed.size(), random() % seed.size());
    for (auto flips = random() % 4; flips > 0 && !text.empty(); --flips) text[random() % text.size()] = static_cast<char>(random());
    parse_stat(text);
    parse_status(text);
    parse_number(text);
    parse_pidfd_info(text);
  }
  SUCCEED();
}

TEST_CASE("quota: all uids of a connection or none") {
  Quota quota(2);
  const Quota::Charged one{1000, jit::policy::kNoUid}, both{1000, 1001};
  CHECK(quota.take(both));
  CHECK(quota.take(one));
  CHECK_FALSE(quota.take(both));
  CHECK(quota.count(1001) == 1);
  quota.give_back(one);
  CHECK(quota.take(both));
  quota.give_back(both);
  quota.give_back(both);
  CHECK(quota.count(1000) == 0);
  quota.give_back(both);
  CHECK(quota.count(1000) == 0);
}

TEST_CASE("log: few lines of each source, and a count of the rest") {
  LogLimit limit;
  auto now = LogLimit::Time{} + std::chrono::hours(1);
  int printed = 0;
  for (int n = 0; n < 100; ++n) printed += limit.pass(1000, now).print ? 1 : 0;
  CHECK(printed == 5);
  CHECK(limit.pass(1001, now).print);
  now += LogLimit::kWindow;
  const auto pass = limit.pass(1000, now);
  CHECK(pass.print);
  CHECK(pass.left_out == 95);
  CHECK(limit.pass(1000, now).left_out == 0);
  for (std::uint32_t uid = 0; uid < 5000; ++uid) limit.pass(uid, now);
  CHECK_FALSE(limit.pass(99999, now).print);
  CHECK(limit.pass(99999, now + LogLimit::kWindow).print);
}
