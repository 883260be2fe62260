// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>
#include <unistd.h>

#include "tests/catch.h"
#include <filesystem>

#include "tests/config/samples.h"

using namespace jit;
using namespace jit::test;
namespace fs = std::filesystem;

namespace {

std::string permit(const std::string& id) {
  return "schema = 1\n[[permit]]\nid = \"" + id + "\"\nwho = [\"group:wheel\"]\ndoor = [\"sudo\"]\nmax = \"5m\"\n";
}

}  // namespace

TEST_CASE("a base name in etc replaces run replaces usr; empty and /dev/null mask") {
  const Host host;
  host.put(host.roots.usr + "/policy.d/a.toml", permit("usr-a"));
  host.put(host.roots.usr + "/policy.d/b.toml", permit("usr-b"));
  host.put(host.roots.usr + "/policy.d/c.toml", permit("usr-c"));
  host.put(host.roots.usr + "/policy.d/d.toml", permit("usr-d"));
  host.put(host.roots.run + "/policy.d/b.toml", permit("run-b"));
  host.put(host.roots.run + "/policy.d/c.toml", permit("run-c"));
  host.put(host.roots.run + "/policy.d/e.toml", "");
  host.put(host.roots.usr + "/policy.d/e.toml", "broken [");
  host.put(host.etc("policy.d/c.toml"), permit("etc-c"));
  fs::create_symlink("/dev/null", host.etc("policy.d/d.toml"));
  const config::Loaded loaded = host.load();
  INFO(text(loaded.findings));
  REQUIRE(loaded.policy);
  std::string all;
  for (const auto& one : loaded.rules) all += one.name.substr(host.path.size()) + " ";
  CHECK(all == "/usr/policy.d/a.toml /run/policy.d/b.toml /etc/policy.d/c.toml /etc/policy.d/main.toml ");
  CHECK(loaded.policy->rule_count() == 4);
}

TEST_CASE("only *.toml counts") {
  const Host host;
  for (const char* name : {"x.toml.bak", "x.toml~", "x.toml.dpkg-new", "x.toml.dpkg-old", "x.bak", "x", ".x.toml",
                           ".toml", "x.TOML", "README", ".#x.toml", "#x.toml#"}) {
    host.put(host.etc("policy.d/" + std::string(name)), "broken [");
    host.put(host.etc("people.d/" + std::string(name)), "broken [");
  }
  fs::create_directories(host.etc("policy.d/folder"));
  REQUIRE(::mkfifo(host.etc("policy.d/pipe").c_str(), 0600) == 0);
  const config::Loaded loaded = host.load();
  INFO(text(loaded.findings));
  CHECK(loaded.policy);
  CHECK(names(loaded.rules) == "main.toml");
  CHECK(loaded.people.empty());
}

TEST_CASE("nothing there: denied, and it says what to create") {
  const Host host;
  struct {
    const char* what;
    std::function<void()> act;
    std::string file, word;
  } const table[] = {
      {"masked", [&] { host.put(host.etc("policy.d/main.toml"), ""); }, host.etc("policy.d"), "write one"},
      {"no file", [&] { fs::remove(host.etc("policy.d/main.toml")); }, host.etc("policy.d"), "write one"},
      {"no policy.d", [&] { fs::remove_all(host.etc("policy.d")); }, host.etc("policy.d"), "install -d"},
      {"no etc", [&] { fs::remove_all(host.roots.etc); }, host.etc("policy.d"), "install -d"},
  };
  for (const auto& row : table) {
    INFO(row.what);
    row.act();
    const config::Loaded loaded = host.load();
    CHECK_FALSE(loaded.policy);
    REQUIRE(loaded.findings.size() == 1);
    CHECK(loaded.findings[0].file == row.file);
    CHECK(loaded.findings[0].message.find(row.word) != std::string::npos);
  }
}

TEST_CASE("usr and run without a folder of etc's are not enough") {
  const Host host;
  host.put(host.roots.usr + "/policy.d/main.toml", kRules);
  fs::remove_all(host.etc("policy.d"));
  CHECK_FALSE(host.load().policy);
}

TEST_CASE("people, tags and the hash") {
  const Host host;
  const std::string before = host.load().policy->hash();
  host.put(host.etc("people.d/people.toml"), "version = 1\n[[person]]\nname = \"bob\"\nusers = [\"bob\"]\n");
  const config::Loaded with = host.load();
  INFO(text(with.findings));
  REQUIRE(with.policy);
  CHECK(with.policy->person_name("bob", 1001) == "bob");
  CHECK(with.policy->hash() != before);
  CHECK(names(with.people) == "people.toml");
}

TEST_CASE("any finding, and there is no policy", "[G2]") {
  const Host host;
  const std::string large(4 * 1024 * 1024 + 1, '#');
  struct {
    std::string file, bytes;
  } const table[] = {
      {"policy.d/x.toml", "schema = 1\n[[permit]]\nid = \"half\"\nwho = [\"group:wh"},
      {"policy.d/x.toml", "schema = 1\nunknown = 1\n"},
      {"policy.d/x.toml", "schema = 1\nschema = 1\n"},
      {"policy.d/x.toml", "a = " + std::string(10'000, '[')},
      {"policy.d/x.toml", large},
      {"policy.d/x.toml", "\xef\xbb\xbfschema = 1\n"},
      {"policy.d/x.toml", " "},
      {"people.d/x.toml", "half = \""},
      {"broker.toml", "[host]\nnmae = 1\n"},
      {"broker.toml", large},
  };
  for (const auto& row : table) {
    INFO(row.file << " " << row.bytes.substr(0, 40));
    host.put(host.etc(row.file), row.bytes);
    const config::Loaded loaded = host.load();
    CHECK_FALSE(loaded.policy);
    REQUIRE_FALSE(loaded.findings.empty());
    CHECK(loaded.findings[0].file == host.etc(row.file));
    fs::remove(host.etc(row.file));
    CHECK(host.load().policy);
  }
}

TEST_CASE("a large file or set is refused before it is read", "[G2]") {
  const Host host;
  const auto sparse = [&](const std::string& name, std::uintmax_t size) {
    host.put(host.etc(name), "#");
    fs::resize_file(host.etc(name), size);
  };
  SECTION("100 MiB") {
    sparse("policy.d/big.toml", 100UL << 20);
    const config::Loaded loaded = host.load();
    CHECK_FALSE(loaded.policy);
    CHECK(text(loaded.findings).find("4 MiB") != std::string::npos);
  }
  SECTION("17 of 4 MiB") {
    for (int i = 0; i < 17; ++i) sparse("policy.d/big" + std::to_string(i) + ".toml", 4UL << 20);
    const config::Loaded loaded = host.load();
    CHECK_FALSE(loaded.policy);
    CHECK(text(loaded.findings).find("64 MiB") != std::string::npos);
  }
  SECTION("too many") {
    for (int i = 0; i < 4097; ++i) host.put(host.etc("people.d/" + std::to_string(i) + ".toml"), "");
    const config::Loaded loaded = host.load();
    CHECK_FALSE(loaded.policy);
    CHECK(text(loaded.findings).find("4096") != std::string::npos);
  }
}

TEST_CASE("swapped or half-written during the read", "[G1]") {
  const Host host;
  const std::string file = host.etc("policy.d/main.toml");
  int turn = 0;
  // Each try finds it changed once more.
  std::function<void()> change;
  std::function<void()> once_more = [&] {
    change();
    ++turn;
    after_next_read(once_more);
  };
  struct {
    const char* what;
    std::function<void()> act;
  } const table[] = {
      {"grows", [&] { host.put(file, std::string(kRules) + std::string(static_cast<std::size_t>(turn + 1), '#')); }},
      {"is cut", [&] { fs::resize_file(file, turn % 2 == 0 ? 10 : 11); }},
      {"is replaced",
       [&] {
         host.put(host.etc("new"), kRules);
         fs::rename(host.etc("new"), file);
       }},
      {"has a new neighbour", [&] { host.put(host.etc("policy.d/n" + std::to_string(turn) + ".toml"), ""); }},
      {"mode", [&] { fs::permissions(file, static_cast<fs::perms>(turn % 2 == 0 ? 0600 : 0640)); }},
  };
  for (const auto& row : table) {
    INFO(row.what);
    change = row.act;
    after_next_read(once_more);
    const config::Loaded never = host.load();
    after_next_read(nullptr);
    INFO(text(never.findings));
    CHECK_FALSE(never.policy);
    CHECK(text(never.findings).find("while being read") != std::string::npos);
    host.put(file, kRules);
    // Once only: the next try reads one whole set.
    after_next_read(change);
    const config::Loaded loaded = host.load();
    CHECK((loaded.policy || std::string(row.what) == "is cut"));
    host.put(file, kRules);
  }
}

TEST_CASE("the kept set loads as it was kept") {
  const Host host;
  const config::Loaded read = host.load();
  const config::Loaded kept = config::load_kept(read.broker, read);
  REQUIRE(kept.policy);
  CHECK(kept.policy->hash() == read.policy->hash());
  CHECK_FALSE(config::load_kept(read.broker, {}).policy);
}

TEST_CASE("with a set broker.toml is kept as it was read") {
  const Host host;
  const std::string text = "[host]\ntags = [\"production\"]\n[privacy]\nprivate = [\"argv\"]\n";
  CHECK(host.load().broker_text.empty());
  host.put(host.etc("broker.toml"), text);
  const config::Loaded read = host.load();
  REQUIRE(read.policy);
  CHECK(read.broker_text == text);
  const auto kept = config::kept_broker(read.broker_text);
  REQUIRE(kept);
  CHECK(kept->tags == read.broker.tags);
  CHECK(kept->hide.command);
  CHECK(kept->host_name == read.broker.host_name);
  CHECK(config::load_kept(*kept, read).policy->hash() == read.policy->hash());
  CHECK(config::load_kept(config::Broker{}, read).policy->hash() != read.policy->hash());
  CHECK_FALSE(config::kept_broker(text + "[limit"));
}

TEST_CASE("what blocks a load: a failing test, an invariant, a lock-out; warnings do not") {
  struct Case {
    const char* what;
    const char* file;
    std::string content;
    const char* code;  // empty: it loads
  };
  const std::string asked = "[[test]]\nname = \"wheel gets root\"\nrequest = { user = \"eva\", groups = [\"wheel\"], door = \"sudo\" }\n";
  const Case cases[] = {
      {"a good test", "tests.d/a.toml", asked + "expect = { outcome = \"allow\", lasts = \"10m\" }\n", ""},
      {"a failing test", "tests.d/a.toml", asked + "expect = { outcome = \"deny\" }\n", "E09"},
      {"a broken test", "tests.d/a.toml", asked, "E01"},
      {"a broken invariant", "tests.d/a.toml", "[[invariant]]\nname = \"i\"\nalways = { needs = \"approval\" }\n", "E09"},
      {"a test for another host", "tests.d/a.toml", "[[test]]\nname = \"web\"\nrequest = { user = \"eva\", door = \"sudo\", tags = [\"web\"] }\nexpect = { outcome = \"deny\" }\n", ""},
      {"a lock-out", "policy.d/main.toml", "schema = 1\nsettings.covers = [\"login\"]\n[[permit]]\nid = \"eva\"\nwho = [\"user:eva\"]\nmax = \"1h\"\n", "E10"},
      {"only a warning", "policy.d/more.toml", "schema = 1\n[[permit]]\nid = \"again\"\nwho = [\"group:wheel\"]\ndoor = [\"sudo\"]\nas = [\"user:root\"]\nmax = \"1m\"\n", ""},
  };
  for (const Case& c : cases) {
    INFO(c.what);
    Host host;
    host.put(host.etc(c.file), c.content);
    const config::Loaded loaded = host.load();
    INFO(text(loaded.findings));
    CHECK((loaded.policy != nullptr) == (*c.code == '\0'));
    CHECK(loaded.findings.size() == (*c.code == '\0' ? 0 : 1));
    if (!loaded.findings.empty()) CHECK(loaded.findings[0].code == c.code);
  }
  Host host;
  host.put(host.etc("policy.d/more.toml"), cases[6].content);
  host.roots.warnings = true;
  const config::Loaded loaded = host.load();
  CHECK(loaded.policy);
  REQUIRE(loaded.findings.size() == 1);
  CHECK(loaded.findings[0].code == "W01");
}

TEST_CASE("rescue lines that are declared must stand in the PAM files") {
  const Host host;
  const std::string rules = R"(schema = 1
[settings]
covers = ["login"]
RESCUE
[approval.a]
need = [{ from = "group:sre" }]
[[permit]]
id = "p"
approval = "a"
max = "1h"
)";
  const auto declares = [&](const std::string& line) { return std::string(rules).replace(rules.find("RESCUE"), 6, line); };
  const std::string ours = "account required pam_jit.so\n";
  const std::string line = "account [success=1 default=ignore] pam_succeed_if.so quiet user = root tty =~ *tty[0-9]*\n";
  struct {
    const char* what;
    std::string rescue, login;
    bool loads, unrescued;
  } const table[] = {
      {"they do", "rescue = [\"tty[0-9]*\"]", line + ours, true, false},
      {"they do not", "rescue = [\"tty[0-9]*\"]", ours, false, true},
      {"not all of them", "rescue = [\"tty1\", \"ttyS0\"]", line + ours, false, true},
      {"they are not declared", "", line + ours, false, false},
      {"nothing is gated", "rescue = [\"tty[0-9]*\"]", "account required pam_unix.so\n", true, false},
      {"it cannot be told", "rescue = [\"tty[0-9]*\"]", "@include none\n", true, false},
      {"another error too", "rescue = [\"tty[0-9]*\"]\ntimezone = \"Mars\"", ours, false, false},
  };
  for (const auto& row : table) {
    INFO(row.what);
    host.put(host.etc("policy.d/main.toml"), declares(row.rescue));
    host.put(host.path + "/pam.d/login", row.login);
    const config::Loaded loaded = host.load();
    INFO(text(loaded.findings));
    CHECK((loaded.policy != nullptr) == row.loads);
    CHECK((loaded.unrescued != nullptr) == row.unrescued);
    if (row.unrescued) CHECK(text(loaded.findings).find(":3:1 `rescue` is declared, but the PAM files hold no such line (" + host.path + "/pam.d/login:") != std::string::npos);
  }
}

TEST_CASE("who checks may say what the host knows") {
  Host host;
  host.roots.warnings = true;
  CHECK(text(host.load().findings).find("W07") == std::string::npos);
  host.roots.facts = [](const policy::Policy&) {
    policy::analysis::Host facts;
    facts.known = [](std::string_view, std::string_view) { return std::optional(false); };
    return facts;
  };
  const config::Loaded loaded = host.load();
  CHECK(loaded.policy);
  CHECK(text(loaded.findings).find("W07") != std::string::npos);
}

TEST_CASE("a key that cannot be used keeps the policy from being loaded") {
  const std::string good = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea";  // RFC 8032, 7.1
  const auto person = [](const std::string& name, const std::string& key) {
    return "[[person]]\nname = \"" + name + "\"\nusers = [\"" + name + "\"]\n[[person.key]]\nid = \"laptop\"\nkind = \"ssh\"\npublic = \"" + key + "\"\n";
  };
  const auto load_with = [](const std::string& people) {
    const Host host;
    host.put(host.etc("people.d/people.toml"), "version = 1\n" + people);
    return host.load();
  };
  const config::Loaded loaded = load_with(person("bob", good));
  REQUIRE(loaded.policy);
  CHECK(loaded.policy->people()[0].keys[0].fingerprint.starts_with("SHA256:"));
  const config::Loaded kept = config::load_kept(loaded.broker, loaded);
  CHECK(kept.policy);

  const config::Loaded damaged = load_with(person("bob", good.substr(0, good.size() - 1)));
  CHECK_FALSE(damaged.policy);
  REQUIRE(damaged.findings.size() == 1);
  CHECK(damaged.findings[0].code == "E17");
  CHECK(damaged.findings[0].line == 8);
  CHECK(damaged.findings[0].column == 10);
  CHECK_FALSE(config::load_kept(damaged.broker, damaged).policy);

  const config::Loaded shared = load_with(person("bob", good) + person("eva", good + " a comment makes no other key"));
  CHECK_FALSE(shared.policy);
  REQUIRE(shared.findings.size() == 1);
  CHECK(shared.findings[0].code == "E02");
}
