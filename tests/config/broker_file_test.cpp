// SPDX-License-Identifier: Apache-2.0
#include "broker/config/broker_file.h"

#include "tests/catch.h"

#include "tests/config/samples.h"

using namespace jit;
using namespace jit::test;

TEST_CASE("broker.toml: what it says holds") {
  std::vector<policy::Finding> findings;
  const config::Broker broker = config::parse_broker("b", R"([host]
name = "db1.example.org"
tags = ["db", "production-2"]
[log]
level = "debug"
[limits]
pending-per-uid = 1
connections-per-uid = 2
requests-per-hour = 3
pending-per-host = 16384
[audit]
retain = "90d"
[privacy]
private = ["argv", "reason"]
)", findings);
  CHECK(text(findings).empty());
  CHECK(broker.host_name == "db1.example.org");
  CHECK(broker.tags == std::vector<std::string>{"db", "production-2"});
  CHECK(broker.log_level == "debug");
  CHECK(broker.pending_per_uid == 1);
  CHECK(broker.connections_per_uid == 2);
  CHECK(broker.requests_per_hour == 3);
  CHECK(broker.pending_per_host == 16384);
  CHECK(broker.retain_s == 90 * 86'400);
  CHECK((broker.hide.command && broker.hide.reason && !broker.hide.cwd));
  CHECK(config::Broker().retain_s == 400 * 86'400);
}

TEST_CASE("broker.toml: each fault has its place and says what to write") {
  struct {
    std::string text;
    unsigned line, column;
    std::string word;
  } const table[] = {
      {"hots = 1", 1, 1, "did you mean `host`"},
      {"[hosts]\nname = \"a\"", 1, 2, "did you mean `host`"},
      {"[audit]\nretain = \"23h\"", 2, 10, "at least a day"},
      {"[audit]\nretain = \"long\"", 2, 10, "at least a day"},
      {"[audit]\nretain = 400", 2, 10, "must be a string"},
      {"[privacy]\nprivate = \"argv\"", 2, 11, "must be a list"},
      {"[privacy]\nprivate = [\"argv\", \"reasons\"]", 2, 20, "did you mean `reason`"},
      {"[privacy]\nprivate = [1]", 2, 12, "names `argv`, `cwd`, `reason`"},
      {"[privacy]\nhide = []", 2, 1, "knows `private`"},
      {"[audit]\nkeep = \"1d\"", 2, 1, "knows `retain`"},
      {"[host]\nnmae = \"a\"", 2, 1, "did you mean `name`"},
      {"[limits]\npending-per-uuid = 1", 2, 1, "did you mean `pending-per-uid`"},
      {"[log]\nlevel = \"inof\"", 2, 9, "did you mean `info`"},
      {"[log]\nlevel = 3", 2, 9, "must be a string, not an integer"},
      {"host = 3", 1, 8, "must be a table"},
      {"[host]\nname = \"\"", 2, 8, "1 to 253"},
      {"[host]\nname = \"a b\"", 2, 8, "1 to 253"},
      {"[host]\nname = \"" + std::string(254, 'a') + "\"", 2, 8, "1 to 253"},
      {"[host]\ntags = \"db\"", 2, 8, "must be a list"},
      {"[host]\ntags = [\"db\", \"DB\"]", 2, 15, "a tag is"},
      {"[host]\ntags = [\"tag:db\"]", 2, 9, "a tag is"},
      {"[host]\ntags = [\"\"]", 2, 9, "a tag is"},
      {"[host]\ntags = [\"a\\nb\"]", 2, 9, "a tag is"},
      {"[host]\ntags = [3]", 2, 9, "a tag is"},
      {"[host]\ntags = [\"a\", \"a\"]", 2, 14, "twice"},
      {"[limits]\npending-per-uid = 0", 2, 19, "from 1 to"},
      {"[limits]\npending-per-uid = -1", 2, 19, "from 1 to"},
      {"[limits]\npending-per-host = 16385", 2, 20, "from 1 to"},
      {"[limits]\nrequests-per-hour = 9223372036854775807", 2, 21, "from 1 to"},
      {"[limits]\nrequests-per-hour = 1.5", 2, 21, "must be an integer"},
      {"[limits]\nrequests-per-hour = \"30\"", 2, 21, "must be an integer"},
      {"[host]\nname = \"a\"\nname = \"b\"", 3, 0, "not TOML"},
      {"[host", 1, 6, "not TOML"},
      {"\xef\xbb\xbf[host]", 1, 1, ""},
      {"[host]\nname = \"\xff\"", 2, 0, "not TOML"},
      {std::string("[host]\0", 7), 1, 7, ""},
      {"a = " + std::string(10'000, '['), 1, 0, ""},
      {"\"\\u001b[2J\" = 1", 1, 1, "\\x1b[2J"},
  };
  for (const auto& row : table) {
    INFO(row.text.substr(0, 80));
    std::vector<policy::Finding> findings;
    config::parse_broker("/etc/jit/broker.toml", row.text, findings);
    INFO(text(findings));
    REQUIRE_FALSE(findings.empty());
    CHECK(findings[0].code == "E01");
    CHECK(findings[0].file == "/etc/jit/broker.toml");
    CHECK(findings[0].line == row.line);
    if (row.column != 0) CHECK(findings[0].column == row.column);
    CHECK(findings[0].message.find(row.word) != std::string::npos);
  }
}

TEST_CASE("a host is called what its kernel says, where nobody says otherwise") {
  const Host host;
  const config::Loaded loaded = host.load();
  INFO(text(loaded.findings));
  CHECK(loaded.policy);
  CHECK(loaded.broker.host_name == config::kernel_host_name());
  CHECK(loaded.broker.log_level == "info");
  CHECK(loaded.broker.pending_per_uid == 0);
}
