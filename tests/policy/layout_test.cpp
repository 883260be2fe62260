// SPDX-License-Identifier: Apache-2.0
// One layout for policy files: what is written, and that nothing is lost or changes twice.
#include "policy/layout.h"

#include "tests/catch.h"
#include <filesystem>
#include <fstream>
#include <sstream>

using namespace jit::policy;

namespace {

std::optional<std::string> laid(const std::string& text) {
  Report report;
  return lay_out(report.add_file("t.toml"), text, report);
}

struct Case {
  const char* what;
  const char* in;
  const char* out;
};

const Case kCases[] = {
    {"nothing", "", ""},
    {"blanks at both ends", "\n\n\nschema=1\n\n\n", "schema = 1\n"},
    {"blanks around keys and values", "schema   =   1   \n\ta.b . c='x'", "schema = 1\na.b.c = 'x'\n"},
    {"a gap stays, once", "a = 1\n\n\n\nb = 2\n", "a = 1\n\nb = 2\n"},
    {"one blank line before a table", "a = 1\n[x]\n[[ y ]]\n", "a = 1\n\n[x]\n\n[[y]]\n"},
    {"comments stay where they are", "# one\n\n# two\na = 1   # tail\n# end", "# one\n\n# two\na = 1  # tail\n# end\n"},
    {"a comment goes with its table", "a = 1\n# about x\n[x]\n", "a = 1\n\n# about x\n[x]\n"},
    {"lists", "a=[ 1,2 , 3,]\nb = [ ]\n", "a = [1, 2, 3]\nb = []\n"},
    {"inline tables", "a={b=1,c={ d = \"x\" }}\nb = { }\n", "a = { b = 1, c = { d = \"x\" } }\nb = {}\n"},
    {"a list with comments stays broken", "a = [ # first\n 1, # one\n # two\n 2 ]\n",
     "a = [\n  # first\n  1,  # one\n  # two\n  2,\n]\n"},
    {"strings are left alone", "a = \"x  # = [ \\\" y\"\nb = '''\n  two\n'''\n", "a = \"x  # = [ \\\" y\"\nb = '''\n  two\n'''\n"},
    {"carriage returns", "a = 1\r\nb = 2\r\n", "a = 1\nb = 2\n"},
    {"quoted keys", "\"a b\" . c = 1\n", "\"a b\".c = 1\n"},
};

}  // namespace

TEST_CASE("layout: cases") {
  for (const Case& c : kCases) {
    INFO(c.what);
    const auto once = laid(c.in);
    REQUIRE(once);
    CHECK(*once == c.out);
    CHECK(laid(*once) == once);
  }
}

TEST_CASE("layout: a long list is broken, one element a line") {
  const std::string word = "\"command:" + std::string(50, 'x') + "\"";
  CHECK(laid("run = [" + word + "," + word + "]") == "run = [" + word + ", " + word + "]\n");
  CHECK(laid("run = [" + word + "," + word + "," + word + "]") == "run = [\n  " + word + ",\n  " + word + ",\n  " + word + ",\n]\n");
}

TEST_CASE("layout: what is no TOML is left alone") {
  for (const char* text : {"a = ", "[x", "a = 1 b = 2", "a = [1", "a = \"x", "\xef\xbb\xbf" "a = 1"}) {
    Report report;
    INFO(text);
    CHECK(!lay_out(report.add_file("t.toml"), text, report));
    CHECK(report.take().size() == 1);
  }
}

TEST_CASE("layout: the whole corpus keeps its meaning, and changes once") {
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(JIT_CORPUS)) {
    if (entry.path().extension() != ".toml") continue;
    std::ifstream in(entry.path());
    std::ostringstream text;
    text << in.rdbuf();
    INFO(entry.path());
    const auto once = laid(text.str());  // checks itself that the result says the same
    if (!once) continue;
    CHECK(laid(*once) == once);
    ++files;
  }
  CHECK(files > 150);
}
