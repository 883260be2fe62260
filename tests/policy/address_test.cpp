// SPDX-License-Identifier: Apache-2.0
#include "policy/address.h"

#include "world.h"

using namespace jit::policy;

TEST_CASE("addresses have one form") {
  const std::pair<const char*, const char*> cases[] = {
      {"192.0.2.1", "192.0.2.1"},
      {"::ffff:192.0.2.1", "192.0.2.1"},
      {"::ffff:c000:201", "192.0.2.1"},
      {"0:0:0:0:0:FFFF:C000:0201", "192.0.2.1"},
      {"2001:DB8::1", "2001:db8::1"},
      {"2001:0db8:0000::0001", "2001:db8::1"},
      {"fe80::1%eth0", "fe80::1"},
      {"::1", "::1"},
      {"::", "::"},
      {"::192.0.2.1", "::192.0.2.1"},
      {"255.255.255.255", "255.255.255.255"},
  };
  for (const auto& [text, normal] : cases) {
    INFO(text);
    const auto address = Address::parse(text);
    REQUIRE(address);
    CHECK(address->text() == normal);
    CHECK(Address::parse(normal) == address);
  }
  CHECK(Address::parse("::ffff:192.0.2.1")->v4);
  CHECK_FALSE(Address::parse("::192.0.2.1")->v4);
}

TEST_CASE("what is no address") {
  const std::string cases[] = {"", " ", "localhost", "tty1", "LOCAL", "1", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4",
                               "0x7f.0.0.1", "1.2.3.4 ", " 1.2.3.4", "1.2.3.4%eth0", "%", "%eth0", ":::", "1::2::3",
                               "fffff::", "[::1]", "::1/128", std::string("::1\0x", 5), std::string("1.2.3.4\0", 8),
                               std::string(4096, ':'), "-1"};
  for (const std::string& text : cases) {
    INFO(text);
    CHECK_FALSE(Address::parse(text));
  }
}

TEST_CASE("nets contain what they say and nothing of the other family") {
  struct Case {
    const char* net;
    const char* address;
    bool inside;
  };
  const Case cases[] = {
      {"10.20.0.0/16", "10.20.255.255", true},   {"10.20.0.0/16", "10.21.0.0", false},
      {"10.20.0.0/16", "::ffff:10.20.1.1", true}, {"::ffff:10.0.0.0/104", "10.1.2.3", true},
      {"::ffff:10.0.0.0/104", "11.1.2.3", false}, {"0.0.0.0/0", "1.2.3.4", true},
      {"0.0.0.0/0", "::1", false},               {"::/0", "::1", true},
      {"::/0", "1.2.3.4", false},                {"2001:db8:20::/48", "2001:db8:20:ffff::1", true},
      {"2001:db8:20::/48", "2001:db8:21::", false}, {"192.0.2.1", "192.0.2.1", true},
      {"192.0.2.1", "192.0.2.2", false},         {"10.0.0.128/25", "10.0.0.129", true},
      {"10.0.0.128/25", "10.0.0.127", false},    {"fe80::/10", "fe80::1%eth0", true},
  };
  for (const Case& c : cases) {
    INFO(c.net << " " << c.address);
    const auto parsed = parse_net(c.net);
    REQUIRE(parsed.net);
    CHECK(parsed.net->contains(*Address::parse(c.address)) == c.inside);
    CHECK(parse_net(parsed.net->text()).net->text() == parsed.net->text());
  }
}

TEST_CASE("what is no net") {
  for (const char* text : {"", "/", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/08", "10.0.0.0/8 ", "10.0.0.0/+8",
                           "10.0.0.1/8", "::1/64", "fe80::%eth0/10", "::/129", "10.0.0.0/255.0.0.0", "::ffff:0:0/95",
                           "10.0.0.0/8/8", "10.0.0.0/4294967304"}) {
    INFO(text);
    const auto parsed = parse_net(text);
    CHECK_FALSE(parsed.net);
    CHECK_FALSE(parsed.why.empty());
  }
}
