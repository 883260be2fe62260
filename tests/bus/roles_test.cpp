// SPDX-License-Identifier: Apache-2.0
#include "broker/bus/roles.h"

#include <algorithm>
#include "tests/catch.h"
#include <fstream>
#include <regex>
#include <set>
#include <string>

using namespace jit;
using namespace jit::bus;

namespace {

using Name = std::pair<std::string, std::string>;

std::set<Name> methods_of_the_xml() {
  std::ifstream file(JIT_XML);
  REQUIRE(file);
  std::set<Name> out;
  std::string interface;
  const std::regex open("<interface name=\"([^\"]+)\"");
  const std::regex method("<method name=\"([^\"]+)\"");
  for (std::string line; std::getline(file, line);) {
    std::smatch found;
    if (std::regex_search(line, found, open)) interface = found[1];
    if (std::regex_search(line, found, method)) out.emplace(interface, found[1]);
  }
  return out;
}

core::Caller caller(bool admin, bool auditor) {
  core::Caller out;
  out.identity = std::make_shared<const policy::Identity>();
  out.admin = admin;
  out.auditor = auditor;
  return out;
}

}  // namespace

TEST_CASE("the table and the XML name the same methods") {
  const auto xml = methods_of_the_xml();
  REQUIRE(xml.size() == 32);
  std::set<Name> table;
  for (const Rule& rule : rules()) table.emplace(rule.interface, rule.method);
  CHECK(table == xml);
  CHECK(table.size() == rules().size());
}

TEST_CASE("couriers are system users of this machine by name, and no role makes one") {
  const auto named = [](std::uint32_t uid, const char* user) {
    core::Caller out = caller(true, true);
    auto who = std::make_shared<policy::Identity>();
    who->uid = uid;
    who->user = user;
    out.identity = who;
    return out;
  };
  for (const char* method : {"Open", "Next", "Done", "Reachable", "Acknowledged"}) {
    CAPTURE(method);
    const char* const courier = "org.pamjit.Broker1.Courier";
    CHECK(may_call(named(981, "_jit-relay"), courier, method));
    CHECK(may_call(named(982, "_jit-notify"), courier, method));
    CHECK_FALSE(may_call(named(2001, "_jit-relay"), courier, method));  // of a directory elsewhere
    CHECK_FALSE(may_call(named(0, "root"), courier, method));
    CHECK_FALSE(may_call(named(983, "_jit-relays"), courier, method));
    CHECK_FALSE(may_call(caller(true, true), courier, method));
  }
}

TEST_CASE("no method changes a property") {
  std::ifstream file(JIT_XML);
  for (std::string line; std::getline(file, line);) CHECK(line.find("<property") == std::string::npos);
}

TEST_CASE("roles") {
  struct Row {
    const char* interface;
    const char* method;
    bool anyone, auditor, admin;
  };
  const Row rows[] = {
      {"org.pamjit.Broker1.Policy", "Reload", false, false, true},
      {"org.pamjit.Broker1.Policy", "Explain", false, false, true},
      {"org.pamjit.Broker1.Policy", "AcceptPeople", false, false, true},
      {"org.pamjit.Broker1.Policy", "Status", true, true, true},
      {"org.pamjit.Broker1.Audit", "Checkpoint", false, true, true},
      {"org.pamjit.Broker1.Audit", "Proof", true, true, true},
      {"org.pamjit.Broker1.Audit", "Erase", false, false, true},
      {"org.pamjit.Broker1.Requests", "Vote", true, true, true},
      {"org.pamjit.Broker1.Requests", "Review", true, true, true},
      {"org.pamjit.Broker1.Requests", "Envelope", true, true, true},
      {"org.pamjit.Broker1.Requests", "SubmitVote", true, true, true},
      {"org.pamjit.Broker1.Requests", "Away", true, true, true},
      {"org.pamjit.Broker1.Grants", "Extend", true, true, true},
      {"org.pamjit.Broker1.Requests", "Guess", false, false, false},  // not listed
      {"org.pamjit.Broker1.Policy", "Vote", false, false, false},      // another interface's
      {"", "", false, false, false},
  };
  for (const Row& row : rows) {
    CAPTURE(row.interface, row.method);
    CHECK(may_call(caller(false, false), row.interface, row.method) == row.anyone);
    CHECK(may_call(caller(false, true), row.interface, row.method) == row.auditor);
    CHECK(may_call(caller(true, false), row.interface, row.method) == row.admin);
  }
}
