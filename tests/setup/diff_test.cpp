// SPDX-License-Identifier: Apache-2.0
// Against diff -u itself.
#include "tests/catch.h"
#include <cstdio>
#include <fstream>
#include <random>

#include "setup/edit.h"
#include "tests/host/folder.h"

using namespace jit;

namespace {

std::string real_diff(const test::TemporaryFolder& folder, const std::string& a, const std::string& b) {
  folder.put("a", a);
  folder.put("b", b);
  std::FILE* const stream = popen(("diff -u --label a --label b " + folder.at("a") + ' ' + folder.at("b")).c_str(), "r");
  REQUIRE(stream != nullptr);
  std::string out;
  for (int c = std::fgetc(stream); c != EOF; c = std::fgetc(stream)) out += static_cast<char>(c);
  pclose(stream);
  return out;
}

// What patch(1) makes of it.
std::string patched(const test::TemporaryFolder& folder, const std::string& a, const std::string& diff) {
  folder.put("a", a);
  folder.put("diff", diff);
  const std::string command = "patch -s -o " + folder.at("out") + ' ' + folder.at("a") + " <" + folder.at("diff") + " >/dev/null 2>&1";
  REQUIRE(std::system(command.c_str()) == 0);
  std::ifstream file(folder.at("out"), std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string numbered(int from, int to) {
  std::string out;
  for (int i = from; i < to; ++i) out += std::to_string(i) + '\n';
  return out;
}

}  // namespace

TEST_CASE("a diff is the one of diff -u") {
  const test::TemporaryFolder folder;
  struct {
    std::string a, b;
  } const table[] = {{"", "a\n"},
                     {"a\n", ""},
                     {"a", "a\n"},
                     {"a\nb", "a\nb\nc"},
                     {numbered(0, 20), numbered(0, 10) + "x\n" + numbered(10, 20)},
                     {numbered(0, 20), "x\n" + numbered(0, 7) + "y\n" + numbered(7, 20)},
                     {numbered(0, 20), "x\n" + numbered(0, 6) + "y\n" + numbered(6, 20) + "z\n"},
                     {numbered(0, 20), numbered(1, 9) + numbered(10, 20)},
                     {numbered(0, 20), numbered(0, 5) + "x\n" + numbered(6, 20)}};
  for (const auto& row : table) {
    INFO(row.a << "---\n" << row.b);
    CHECK(setup::unified_diff(row.a, row.b, "a", "b") == real_diff(folder, row.a, row.b));
  }
  CHECK(setup::unified_diff("a\n", "a\n", "a", "b").empty());
}

TEST_CASE("whatever differs, the diff says all of it") {
  const test::TemporaryFolder folder;
  std::mt19937 dice(7);
  for (int turn = 0; turn < 60; ++turn) {
    std::string a = numbered(0, static_cast<int>(dice() % 30) + 1), b;
    for (std::size_t at = 0; at < a.size();) {
      const std::size_t end = a.find('\n', at) + 1;
      if (dice() % 5 == 0) b += "new" + std::to_string(dice() % 9) + '\n';
      if (dice() % 5 != 0) b += a.substr(at, end - at);
      at = end;
    }
    const std::string diff = setup::unified_diff(a, b, "a", "b");
    if (diff.empty()) {
      CHECK(a == b);
    } else {
      CHECK(patched(folder, a, diff) == b);
    }
  }
}
