// SPDX-License-Identifier: Apache-2.0
#include "relay/credentials/settings_file.h"

#include "tests/catch.h"

using namespace jit::relay;

TEST_CASE("relay.toml") {
  std::string why;
  const auto good = read_settings("transport = \"nats\"\nservers = [\"tls://a.example:4222\", \"tls://[2001:db8::1]:4222\"]\ncredentials = \"/etc/jit/relay.creds\"\nca = \"/etc/jit/ca.crt\"\n", "", why);
  REQUIRE(good);
  CHECK_FALSE(good->none);
  CHECK(good->servers.size() == 2);
  CHECK(good->credentials == "/etc/jit/relay.creds");
  CHECK(good->ca == "/etc/jit/ca.crt");
  CHECK(read_settings("transport = \"none\"", "", why)->none);
}

TEST_CASE("what is wrong with it has its place, and nothing goes in the clear") {
  const std::pair<const char*, const char*> rows[] = {
      {"", "servers and credentials must be said"},
      {"transport = \"nats\"", "servers and credentials must be said"},
      {"transport = \"amqp\"", "line 1: transport"},
      {"\nservers = [\"nats://a:4222\"]", "line 2: servers: each is tls://HOST:PORT"},
      {"servers = [\"tls://\"]", "line 1: servers"},
      {"servers = [\"tls://user:pw@a:4222\"]", "line 1: servers"},
      {"servers = [\"tls://a:4222/x\"]", "line 1: servers"},
      {"servers = [1]", "line 1: servers"},
      {"servers = \"tls://a:4222\"", "line 1: servers"},
      {"credentials = \"relay.creds\"", "line 1: credentials"},
      {"ca = 1", "line 1: ca"},
      {"verify = false", "line 1: verify"},
      {"a = [", "line 1"},
      {"a = 1\na = 2", "line 2"},
  };
  for (const auto& [text, wanted] : rows) {
    CAPTURE(text);
    std::string why;
    CHECK_FALSE(read_settings(text, "", why));
    CHECK(why.find(wanted) == 0);
  }
}

TEST_CASE("a table of a larger file") {
  std::string why;
  const auto good = read_settings("person = \"bob\"\n[relay]\nservers = [\"tls://a:1\"]\ncredentials = \"/x\"\n", "relay", why);
  REQUIRE(good);
  CHECK(good->servers == std::vector<std::string>{"tls://a:1"});
  CHECK_FALSE(read_settings("person = \"bob\"\n", "relay", why));
  CHECK(why == "it has no [relay]");
}

TEST_CASE("a small file, and nothing else") {
  std::string why;
  CHECK_FALSE(read_small_file("/nonexistent", why));
  CHECK(why.find("No such file") != std::string::npos);
  CHECK_FALSE(read_small_file("/dev/zero", why));
  CHECK_FALSE(read_small_file("/", why));
}
