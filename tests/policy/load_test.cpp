// SPDX-License-Identifier: Apache-2.0
// Several files, and input of any size and kind. One file at a time: corpus_test.cpp.
#include <random>

#include "world.h"

using namespace jit::policy;
using namespace jit::policy::test;

namespace {

const std::string kHead = "schema = 1\n";
const std::string kCovers = kHead + "settings.covers = [\"sudo\"]\n";

std::string found(const Policy::Loaded& loaded) {
  std::string out;
  for (const Finding& finding : loaded.findings) out += finding.text() + '\n';
  return out;
}

}  // namespace

TEST_CASE("all files form one policy, and duplicates name both places") {
  struct Case {
    const char* what;
    std::vector<Source> rules, people;
    const char* expected;
  };
  const std::string p = "[[permit]]\nid = \"p\"\nmax = \"1h\"\n";
  const Case cases[] = {
      {"a name from another file", {{"a", kCovers + "[[permit]]\nid = \"p\"\nmax = \"1h\"\nwho = [\"set:x\"]\n"}, {"b", kHead + "set.x = [\"user:eva\"]\n"}}, {}, ""},
      {"rule id", {{"a", kCovers + p}, {"b", kHead + p}}, {}, "b:3:6: E02 rule id `p` is used twice (other place: a:4:6)\n"},
      {"set", {{"a", kCovers + "set.x = [\"user:a\"]\n"}, {"b", kHead + "set.x = [\"user:a\"]\n"}}, {}, "b:2:5: E02 set `x` is defined twice (other place: a:3:5)\n"},
      {"net", {{"a", kCovers + "net.x = [\"::1\"]\n"}, {"b", kHead + "net.x = [\"::1\"]\n"}}, {}, "b:2:5: E02 net `x` is defined twice (other place: a:3:5)\n"},
      {"approval", {{"a", kCovers + "[approval.x]\n"}, {"b", kHead + "[approval.x]\n"}}, {}, "b:2:11: E02 approval `x` is defined twice (other place: a:3:11)\n"},
      {"setting", {{"a", kCovers}, {"b", kCovers}}, {}, "b:2:10: E02 setting `covers` stands in two files; keep one (other place: a:2:10)\n"},
      {"settings in two files", {{"a", kCovers}, {"b", kHead + "settings.timezone = \"UTC\"\n"}}, {}, ""},
      {"person", {{"a", kCovers}}, {{"p", "version = 1\n[[person]]\nname = \"x\"\n"}, {"q", "version = 1\n[[person]]\nname = \"x\"\n"}}, "q:3:8: E02 person `x` is defined twice (other place: p:3:8)\n"},
      {"user", {{"a", kCovers}}, {{"p", "version = 1\n[[person]]\nname = \"x\"\nusers = [\"u\"]\n"}, {"q", "version = 1\n[[person]]\nname = \"y\"\nusers = [\"u\"]\n"}}, "q:4:10: E02 user `u` stands for two people; a user is one person (other place: p:4:10)\n"},
      {"a person and a set do not collide", {{"a", kCovers + "set.x = [\"user:a\"]\n"}}, {{"p", "version = 1\n[[person]]\nname = \"x\"\n"}}, ""},
      {"nothing at all", {}, {}, "policy: E01 there is no policy file\n"},
      {"no people", {{"a", kCovers}}, {}, ""},
      {"a cycle over two files", {{"a", kCovers + "set.x = [\"set:y\"]\n"}, {"b", kHead + "set.y = [\"set:x\"]\n"}}, {}, "b:2:10: E11 set `y` contains itself: x -> y -> x (other place: a:3:5)\n"},
  };
  for (const Case& c : cases) {
    INFO(c.what);
    const auto loaded = load(c.rules, c.people);
    CHECK(found(loaded) == c.expected);
    CHECK((loaded.policy != nullptr) == (std::string(c.expected).empty()));
  }
}

TEST_CASE("all findings of all files are told, in order") {
  const auto loaded = load({{"a", kCovers + "[[permit]]\nid = \"p\"\nwho = []\nfoo = 1\n"},
                            {"b", kHead + "[[guard]]\nid = \"g\"\nmax = \"0s\"\nwho = [\"bob\", \"set:zz\"]\n"}});
  CHECK(loaded.policy == nullptr);
  std::string places;
  for (const Finding& finding : loaded.findings) places += finding.file + ':' + std::to_string(finding.line) + ' ' + finding.code + ' ';
  CHECK(places == "a:3 E04 a:5 E05 a:6 E01 b:4 E01 b:5 E01 b:5 E02 ");
}

TEST_CASE("a file that cannot be read hides no finding of another, and causes none") {
  const auto loaded = load({{"a", kCovers + "[[permit]]\nid = \"p\"\nwho = [\"set:x\"]\nmax = \"1h\"\n"}, {"b", kHead + "set.x = [\n"}, {"c", kHead + "oops = 1\n"}});
  REQUIRE(loaded.findings.size() == 2);
  CHECK(loaded.findings[0].file == "b");
  CHECK(loaded.findings[1].text() == "c:2:1: E01 unknown key `oops` in the top of the file");
}

TEST_CASE("findings are bounded, and say how many are left out") {
  std::string text = kCovers + "[[guard]]\nid = \"g\"\n";
  for (int i = 0; i < 3000; ++i) text += "k" + std::to_string(i) + " = 1\n";
  const auto loaded = load({{"a", text}});
  CHECK(loaded.policy == nullptr);
  CHECK(loaded.findings.size() == 1001);
  CHECK(loaded.findings.back().message == "and 2000 more findings; mend these first");
}

TEST_CASE("size is refused before parsing") {
  const std::string big(4 * 1024 * 1024 + 1, '[');
  CHECK(found(load({{"a", kCovers}, {"b", big}})) == "b: E01 is 4194305 bytes long; a file may have 4 MiB\n");
  CHECK(found(load({{"a", std::string(100 * 1024 * 1024, '[')}})).find("64 MiB are allowed") != std::string::npos);
  std::vector<Source> many(17, {"x", std::string(4 * 1024 * 1024, '#')});
  CHECK(found(load(many, {})) == "policy: E01 all files together are 71303168 bytes long; 64 MiB are allowed\n");
  std::string comment = kCovers + '#';
  comment.resize(4 * 1024 * 1024, ' ');
  CHECK(load({{"a", comment}}).policy != nullptr);
}

TEST_CASE("alternatives of all commands together are bounded") {
  std::string text = "schema = 1\n[settings]\ncovers = [\"sudo\"]\n[command]\n", word;
  for (int i = 0; i < 12; ++i) word += "{" + std::string(20, 'a') + "|" + std::string(20, 'b') + "}";
  for (int i = 0; i < 1000; ++i) text += "c" + std::to_string(i) + " = [[\"/bin/x\", \"" + word + "\"]]\n";
  const auto loaded = load({{"a.toml", text}});
  CHECK(loaded.policy == nullptr);
  REQUIRE(loaded.findings.size() == 1);
  CHECK(loaded.findings[0].text().find("E01 with command `c") != std::string::npos);
}

TEST_CASE("depth is refused before parsing, wherever it stands") {
  const auto repeat = [](const std::string& text, int n) {
    std::string out;
    for (int i = 0; i < n; ++i) out += text;
    return out;
  };
  for (const std::string& deep : {repeat("[", 10000), "x = " + repeat("[", 10000), "x = " + repeat("{a=", 10000), "x = " + repeat("{a.b=[", 10000),
                                  repeat("a.", 10000) + "a = 1", "[" + repeat("a.", 10000) + "a]", "x = \"\"\"\n\"\"\"\n" + repeat("a . ", 10000) + "a = 1",
                                  "x = '''\n'''\ny = " + repeat("[ \n", 10000), "\"a\"" + repeat(".\"a\"", 10000) + " = 1",
                                  "x = \"\\\"\"\ny = " + repeat("[", 10000), repeat("[\n", 1000000)}) {
    const auto loaded = load({{"a", kCovers + deep + '\n'}});
    CHECK(loaded.policy == nullptr);
    REQUIRE(loaded.findings.size() == 1);
    CHECK(loaded.findings[0].message == "nested deeper than 64 levels");
  }
}

TEST_CASE("cut, flipped and mixed texts never get through as something else, and never crash") {
  const std::string whole = kCovers + "[set]\na = [\"user:eva\"]\n[approval.o]\nneed = [{ from = \"set:a\" }]\n[[permit]]\nid = \"p\"\nwho = [\"set:a\"]\nmax = \"1h\"\n[[guard]]\nid = \"g\"\ndeny = \"no\"\n";
  REQUIRE(load({{"a", whole}}).policy);
  for (std::size_t cut = 0; cut < whole.size(); ++cut) {
    const auto loaded = load({{"a", whole.substr(0, cut)}});
    CHECK((loaded.policy != nullptr || !loaded.findings.empty()));
  }
  std::mt19937 random(3);
  const auto pick = [&](std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(random); };
  World w;
  for (int round = 0; round < 2000; ++round) {
    std::string text = whole;
    for (std::size_t n = pick(4) + 1; n > 0; --n) text[pick(text.size())] = static_cast<char>(pick(256));
    const auto loaded = load({{"a", text}});
    CHECK((loaded.policy != nullptr) == loaded.findings.empty());
    if (loaded.policy) (void)loaded.policy->decide(w.request());
  }
}

TEST_CASE("a large policy loads and decides") {
  std::string text = kCovers + "[set]\nall = [\"user:u0\"]\n";
  for (int i = 0; i < 2000; ++i) {
    const std::string n = std::to_string(i);
    text += "[[permit]]\nid = \"p" + n + "\"\nwho = [\"user:u" + n + "\", \"set:all\"]\nmax = \"1h\"\n";
  }
  const auto loaded = load({{"a", text}});
  REQUIRE(loaded.policy);
  CHECK(loaded.policy->rule_count() == 2000);
  World w;
  const Identity who = user("u1999", 5000);
  Request request = w.request();
  request.subject = &who;
  CHECK(golden(loaded.policy->decide(request)) == "allow p1999 1h/1h tty");
}

TEST_CASE("a digest that fails gives no policy") {
  const std::vector<Source> rules{{"a", kCovers}};
  CHECK(Policy::load({rules, {}, {}, nullptr}).policy == nullptr);
  const auto loaded = Policy::load({rules, {}, {}, [](std::string_view) -> std::string { throw std::runtime_error("no SHA-256"); }});
  CHECK(loaded.policy == nullptr);
  CHECK(found(loaded) == "policy: E01 could not be loaded: no SHA-256\n");
}

TEST_CASE("a warning does not stop the policy") {
  const auto loaded = load({{"a", kCovers + "[[guard]]\nid = \"g\"\nwho = [\"user:eva\"]\n"}});
  CHECK(loaded.policy != nullptr);
  CHECK(found(loaded).starts_with("a:3:1: W02 guard `g` changes nothing"));
}

TEST_CASE("settings") {
  const auto loaded = load({{"a", kHead + "[settings]\ntimezone = \"Europe/Prague\"\ncovers = [\"su\", \"sudo\"]\nrescue = [\"tty[0-9]*\"]\n"}});
  REQUIRE(loaded.policy);
  const Settings& settings = loaded.policy->settings();
  CHECK(settings.timezone == "Europe/Prague");
  CHECK(settings.rescue == std::vector<std::string>{"tty[0-9]*"});
  CHECK(loaded.policy->covers(Door::kSu));
  CHECK_FALSE(loaded.policy->covers(Door::kLogin));
  CHECK(load({{"a", kCovers}}).policy->settings().timezone == "UTC");
}
