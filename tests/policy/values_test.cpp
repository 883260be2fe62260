// SPDX-License-Identifier: Apache-2.0
#include "world.h"

using namespace jit::policy;

TEST_CASE("durations: one positive integer and a unit, nothing else") {
  struct Case {
    std::string text;
    std::optional<std::uint32_t> seconds;
  };
  const auto none = std::nullopt;
  const Case cases[] = {
      {"1s", 1},          {"90s", 90},       {"30m", 1800},      {"2h", 7200},         {"1d", 86400},
      {"3650d", 315360000}, {"315360000s", 315360000},
      {"", none},         {"s", none},       {"0s", none},       {"0", none},          {"-1", none},
      {"-1s", none},      {"+1s", none},     {"1", none},        {"1e9", none},        {"1e9s", none},
      {"NaN", none},      {"nans", none},    {"inf", none},      {"59.9s", none},      {"1 s", none},
      {" 1s", none},      {"1s ", none},     {"01s", none},      {"1S", none},         {"1M", none},
      {"1w", none},       {"1y", none},      {"1h30m", none},    {"1sec", none},       {"0x10s", none},
      {"3651d", none},    {"315360001s", none}, {"5256001m", none},
      {"2147483648", none}, {"2147483648s", none}, {"4294967296s", none}, {"4294967297s", none},
      {"9223372036854775808", none}, {"9223372036854775808s", none}, {"18446744073709551617s", none},
      {"99999999999999999999999d", none}, {std::string("1\0s", 3), none}, {"1\xc2\xb5s", none},
  };
  for (const Case& c : cases) {
    INFO(c.text);
    CHECK(parse_duration(c.text) == c.seconds);
  }
}

TEST_CASE("durations are written as people read them") {
  const std::pair<std::uint32_t, const char*> cases[] = {
      {0, "0s"}, {1, "1s"}, {45, "45s"}, {60, "1m"}, {90, "1m30s"}, {1800, "30m"}, {5400, "1h30m"}, {3601, "1h1s"},
      {86400, "1d"}, {93600, "1d2h"}, {315360000, "3650d"}, {4294967295U, "49710d6h28m15s"},
  };
  for (const auto& [seconds, text] : cases) CHECK(format_duration(seconds) == text);
}

TEST_CASE("doors and scopes have names, and names are exact") {
  for (const Door door : {Door::kSudo, Door::kSu, Door::kSsh, Door::kLogin, Door::kPolkit}) {
    CHECK(door_named(name_of(door)) == door);
  }
  for (const Scope scope : {Scope::kCommand, Scope::kTty, Scope::kSession, Scope::kLogin}) {
    CHECK(scope_named(name_of(scope)) == scope);
  }
  for (const char* bad : {"", "SUDO", "sudo ", "sshd", "command", "doas"}) CHECK_FALSE(door_named(bad));
  for (const char* bad : {"", "TTY", "host", "sudo"}) CHECK_FALSE(scope_named(bad));
  CHECK(name_of(static_cast<Door>(99)) == "unknown");
  CHECK(name_of(static_cast<Scope>(99)) == "unknown");
}

TEST_CASE("the door of a PAM service") {
  const std::pair<const char*, std::optional<Door>> cases[] = {
      {"sudo", Door::kSudo},   {"sudo-i", Door::kSudo}, {"su", Door::kSu},           {"su-l", Door::kSu},
      {"sshd", Door::kSsh},    {"login", Door::kLogin}, {"polkit-1", Door::kPolkit}, {"ssh", std::nullopt},
      {"SUDO", std::nullopt},  {"sudo-x", std::nullopt}, {"", std::nullopt},         {"cron", std::nullopt},
      {"other", std::nullopt}, {"../sudo", std::nullopt}, {"polkit", std::nullopt},
  };
  for (const auto& [service, door] : cases) {
    INFO(service);
    CHECK(door_of_service(service) == door);
  }
}
