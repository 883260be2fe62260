// SPDX-License-Identifier: Apache-2.0
#include "notify/message/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <cstring>

#include "tests/catch.h"

using namespace jit::notify;

namespace {

// Why a webhook may not connect there; empty: it may.
std::string why(const std::string& text, const std::vector<Network>& allowed = {}) {
  sockaddr_in6 six{};
  sockaddr_in four{};
  if (inet_pton(AF_INET, text.c_str(), &four.sin_addr) == 1) {
    four.sin_family = AF_INET;
    return refused(reinterpret_cast<const sockaddr*>(&four), sizeof four, allowed).value_or("");
  }
  REQUIRE(inet_pton(AF_INET6, text.c_str(), &six.sin6_addr) == 1);
  six.sin6_family = AF_INET6;
  return refused(reinterpret_cast<const sockaddr*>(&six), sizeof six, allowed).value_or("");
}

}  // namespace

TEST_CASE("addresses that no message has any business at are refused") {
  const std::pair<const char*, const char*> cases[] = {
      {"127.0.0.1", "loopback"},      {"127.255.255.254", "loopback"},      {"::1", "loopback"},
      {"0.0.0.0", "this host"},       {"0.1.2.3", "this host"},             {"::", "this host"},
      {"169.254.169.254", "metadata"}, {"169.254.1.1", "link-local"},       {"fe80::1", "link-local"},
      {"febf::1", "link-local"},      {"fd00:ec2::254", "metadata"},        {"fd20:ce::254", "metadata"},
      {"100.100.100.200", "metadata"}, {"192.0.0.192", "metadata"},         {"168.63.129.16", "cloud's host"},
      {"224.0.0.1", "multicast"},     {"ff02::1", "multicast"},             {"255.255.255.255", "reserved"},
      {"240.0.0.1", "reserved"},      {"fec0::1", "site-local"},
      // IPv4 within IPv6: mapped, compatible, NAT64, its local prefix, 6to4.
      {"::ffff:127.0.0.1", "loopback"}, {"::127.0.0.1", "loopback"},        {"64:ff9b::127.0.0.1", "loopback"},
      {"64:ff9b::a9fe:a9fe", "metadata"}, {"64:ff9b:1::7f00:1", "loopback"}, {"2002:7f00:1::1", "loopback"},
      {"2002:a9fe:a9fe::", "metadata"}, {"::ffff:169.254.169.254", "metadata"},
  };
  for (const auto& [address, what] : cases) {
    INFO(address);
    CHECK(why(address).find(what) != std::string::npos);
  }
}

TEST_CASE("every other one may be reached, private ones too") {
  for (const char* const address : {"192.0.2.7", "10.1.2.3", "192.168.0.1", "172.16.0.1", "100.64.0.1", "8.8.8.8", "2001:db8::1", "fd12:3456::1", "::ffff:10.0.0.1", "64:ff9b::8.8.8.8",
                                    "126.255.255.255", "128.0.0.1", "169.253.255.255", "169.255.0.1", "223.255.255.255", "1.0.0.0", "fdff::254"}) {
    INFO(address);
    CHECK(why(address).empty());
  }
}

TEST_CASE("what the channel names may be reached, and nothing beside it") {
  CHECK(why("127.0.0.1", {*read_network("127.0.0.1")}).empty());
  CHECK_FALSE(why("127.0.0.2", {*read_network("127.0.0.1")}).empty());
  CHECK(why("127.3.2.1", {*read_network("127.0.0.0/8")}).empty());
  CHECK(why("::ffff:127.0.0.1", {*read_network("127.0.0.1")}).empty());
  CHECK_FALSE(why("::1", {*read_network("127.0.0.0/8")}).empty());
  CHECK(why("fe80::7", {*read_network("fe80::/10")}).empty());
  CHECK(why("169.254.7.8", {*read_network("169.254.7.8/31")}).empty());
  CHECK_FALSE(why("169.254.7.10", {*read_network("169.254.7.8/31")}).empty());
}

TEST_CASE("a refusal says the address") { CHECK(why("127.0.0.1") == "127.0.0.1 is a loopback address"); }

TEST_CASE("what is no address of the internet is refused") {
  sockaddr other{};
  other.sa_family = AF_UNIX;
  CHECK(refused(&other, sizeof other, {*read_network("0.0.0.0/0"), *read_network("::/0")}).has_value());
  sockaddr_in6 six{};
  six.sin6_family = AF_INET6;
  CHECK(refused(reinterpret_cast<const sockaddr*>(&six), 8, {*read_network("::/0")}).has_value());
}

TEST_CASE("networks are read exactly") {
  CHECK(read_network("10.0.0.0/8")->length == 104);
  CHECK(read_network("10.0.0.1")->length == 128);
  CHECK(read_network("::/0")->length == 0);
  for (const char* const text : {"", "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8 ", "fe80::1/10", "fe80::/129", "localhost", "010.0.0.1", "1.2.3", "[::1]", "::1%lo", "10.0.0.0//8"}) {
    INFO(text);
    CHECK_FALSE(read_network(text).has_value());
  }
}
