// SPDX-License-Identifier: Apache-2.0
#include "policy/command.h"

#include <algorithm>
#include "tests/catch.h"

using namespace jit::policy;

namespace {

using Words = std::vector<std::string>;

std::string joined(const Words& words) {
  std::string out;
  for (const std::string& word : words) out += '[' + word + ']';
  return out;
}

// Words of 2^n alternatives.
std::string doubled(int n, const std::string& prefix = "") {
  std::string out = prefix;
  for (int i = 0; i < n; ++i) out += "{a|b}";
  return out;
}

}  // namespace

TEST_CASE("which command lines a pattern matches") {
  struct Case {
    Words pattern;
    std::string path;
    Words argv;
    bool matches;
  };
  const Case cases[] = {
      {{"/usr/bin/id"}, "/usr/bin/id", {}, true},
      {{"/usr/bin/id"}, "/usr/bin/id", {"-u"}, false},  // a bare path: no arguments
      {{"/usr/bin/id"}, "/usr/bin/ids", {}, false},
      {{"/usr/bin/id"}, "id", {}, false},
      {{"/usr/bin/id"}, "", {}, false},
      {{"/usr/bin/id", "**"}, "/usr/bin/id", {}, true},
      {{"/usr/bin/id", "**"}, "/usr/bin/id", {"-u", "", "root"}, true},
      {{"/usr/bin/id", "-u", "**"}, "/usr/bin/id", {}, false},
      {{"/usr/bin/id", "-u", "**"}, "/usr/bin/id", {"-u"}, true},
      {{"/usr/bin/id", "-u", "**"}, "/usr/bin/id", {"-g", "-u"}, false},
      {{"/usr/bin/systemctl", "restart", "{nginx|smbd}.service"}, "/usr/bin/systemctl", {"restart", "smbd.service"}, true},
      {{"/usr/bin/systemctl", "restart", "{nginx|smbd}.service"}, "/usr/bin/systemctl", {"restart", "{nginx|smbd}.service"}, false},
      {{"/usr/bin/systemctl", "restart", "{nginx|smbd}.service"}, "/usr/bin/systemctl", {"restart", "nginx.service", "x"}, false},
      {{"/usr/bin/systemctl", "restart", "{nginx|smbd}.service"}, "/usr/bin/systemctl", {"restart", "nginx"}, false},
      {{"/usr/bin/journalctl", "-u", "postgresql*"}, "/usr/bin/journalctl", {"-u", "postgresql@15-main.service"}, true},
      {{"/usr/bin/journalctl", "-u", "postgresql*"}, "/usr/bin/journalctl", {"-u", "postgresql"}, true},
      {{"/usr/bin/journalctl", "-u", "postgresql*"}, "/usr/bin/journalctl", {"-u", "postgres"}, false},
      {{"/usr/bin/cat", "/var/log/*"}, "/usr/bin/cat", {"/var/log/../../etc/shadow"}, true},  // any characters, / too
      {{"/usr/bin/cat", "*"}, "/usr/bin/cat", {"x"}, true},
      {{"/usr/bin/cat", "*"}, "/usr/bin/cat", {""}, false},
      {{"/usr/bin/cat", "*"}, "/usr/bin/cat", {"-"}, false},
      {{"/usr/bin/cat", "*"}, "/usr/bin/cat", {"--help"}, false},
      {{"/usr/bin/cat", "*"}, "/usr/bin/cat", {}, false},
      {{"/usr/bin/cat", "*"}, "/usr/bin/cat", {"a", "b"}, false},
      {{"/usr/bin/cat", ""}, "/usr/bin/cat", {""}, true},
      {{"/usr/bin/cat", ""}, "/usr/bin/cat", {}, false},
      {{"/usr/bin/cat", "-n"}, "/usr/bin/cat", {"-n"}, true},
      {{"/usr/bin/cat", "{a|b}{c|d}*"}, "/usr/bin/cat", {"bdx"}, true},
      {{"/usr/bin/cat", "{a|b}{c|d}*"}, "/usr/bin/cat", {"cb"}, false},
      {{"/usr/bin/cat", "^a.+$"}, "/usr/bin/cat", {"^a.+$"}, true},
      {{"/usr/bin/cat", "^a.+$"}, "/usr/bin/cat", {"abc"}, false},
      {{"/usr/bin/cat", "a|b"}, "/usr/bin/cat", {"a|b"}, true},
      {{"/usr/bin/cat", "caf\xc3\xa9"}, "/usr/bin/cat", {"caf\xc3\xa9"}, true},
      {{"/usr/bin/{vi|vim}"}, "/usr/bin/vim", {}, true},
      {{"/usr/bin/{vi|vim}"}, "/usr/bin/view", {}, false},
      {{"/{usr/bin|bin}/id"}, "/bin/id", {}, true},
  };
  for (const Case& c : cases) {
    INFO(joined(c.pattern) << " on " << c.path << joined(c.argv));
    const ParsedCommand parsed = parse_command(c.pattern, {});
    REQUIRE(parsed.pattern);
    CHECK(parsed.why.empty());
    CHECK(parsed.pattern->matches(c.path, c.argv) == c.matches);
  }
}

TEST_CASE("what is no pattern") {
  struct Case {
    Words words;
    std::string code;
    std::size_t word;
  };
  const Case cases[] = {
      {{}, "E05", 0},
      {{""}, "E01", 0},
      {{"id"}, "E01", 0},
      {{"./id"}, "E01", 0},
      {{"/"}, "E01", 0},
      {{"/usr/bin/"}, "E01", 0},
      {{"/usr/bin/.."}, "E01", 0},
      {{"/usr/bin/."}, "E01", 0},
      {{"/usr/bin/*"}, "E01", 0},
      {{"/usr/*/id"}, "E01", 0},
      {{"**"}, "E01", 0},
      {{"/usr/bin/{id"}, "E01", 0},
      {{"{/usr/bin/id|id}"}, "E01", 0},
      {{"/usr/bin/id", "a*b"}, "E01", 1},
      {{"/usr/bin/id", "a**"}, "E01", 1},
      {{"/usr/bin/id", "***"}, "E01", 1},
      {{"/usr/bin/id", "**", "x"}, "E01", 1},
      {{"/usr/bin/id", "**", "**"}, "E01", 1},
      {{"/usr/bin/id", "x", "-*"}, "E05", 2},
      {{"/usr/bin/id", "--file=*"}, "E05", 1},
      {{"/usr/bin/id", "{a|-b}*"}, "E05", 1},
      {{"/usr/bin/id", "{a"}, "E01", 1},
      {{"/usr/bin/id", "a}"}, "E01", 1},
      {{"/usr/bin/id", "{}"}, "E01", 1},
      {{"/usr/bin/id", "{a}"}, "E01", 1},
      {{"/usr/bin/id", "{a|}"}, "E01", 1},
      {{"/usr/bin/id", "{|a}"}, "E01", 1},
      {{"/usr/bin/id", "{a||b}"}, "E01", 1},
      {{"/usr/bin/id", "{a|{b|c}}"}, "E01", 1},
      {{"/usr/bin/id", "{a*|b}"}, "E01", 1},
      {{"/usr/bin/id", std::string("a\0b", 3)}, "E01", 1},
      {{"/usr/bin/id", doubled(13)}, "E01", 1},
      {{"/usr/bin/id", doubled(12, std::string(300, 'x'))}, "E01", 1},  // 4,096 alternatives, and over 1 MiB of them
      {Words(257, "/usr/bin/id"), "E01", 256},
  };
  for (const Case& c : cases) {
    INFO(joined(c.words));
    const ParsedCommand parsed = parse_command(c.words, {});
    CHECK_FALSE(parsed.pattern);
    CHECK(parsed.code == c.code);
    CHECK(parsed.word == c.word);
    CHECK_FALSE(parsed.why.empty());
  }
  CHECK(parse_command(Words{"/usr/bin/id", doubled(12)}, {}).pattern);
  CHECK(parse_command(Words(256, "/usr/bin/id"), {}).pattern);
}

TEST_CASE("the folder of a path is resolved, its name is not, each folder once") {
  Words asked;
  const auto real = [&](std::string_view folder) -> std::string {
    asked.emplace_back(folder);
    if (folder == "/bin" || folder == "/usr/bin") return "/usr/bin";
    return folder == "/" ? "/" : "";
  };
  const auto parsed = parse_command(Words{"/{bin|usr/bin}/{vi|ex}"}, real);
  REQUIRE(parsed.pattern);
  CHECK(parsed.pattern->paths == Words{"/usr/bin/ex", "/usr/bin/vi"});
  CHECK(asked == Words{"/bin", "/usr/bin"});
  CHECK(parse_command(Words{"/init"}, real).pattern->paths == Words{"/init"});
  CHECK(parse_command(Words{"/no/such"}, real).pattern->paths == Words{"/no/such"});
}
