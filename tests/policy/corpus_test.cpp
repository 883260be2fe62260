// SPDX-License-Identifier: Apache-2.0
// One small file a case: good/ loads, bad/ gives exactly the finding that its first line expects. Files named people-*
// are people.d, the others policy.d.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "world.h"

using namespace jit::policy;
using namespace jit::policy::test;

namespace {

std::vector<std::filesystem::path> files(const std::string& folder) {
  std::vector<std::filesystem::path> out;
  for (const auto& entry : std::filesystem::directory_iterator(std::string(JIT_CORPUS) + '/' + folder)) {
    out.push_back(entry.path());
  }
  std::ranges::sort(out);
  return out;
}

std::string read(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

Policy::Loaded load_case(const std::filesystem::path& path) {
  const std::string name = path.filename().string();
  if (!name.starts_with("people-")) {
    const std::string beside = std::string(JIT_CORPUS) + "/examples/";
    const std::vector<Source> rules{{name, read(path)}}, people{{"people.toml", kPeople}};
    const std::vector<Source> calendars{{"holidays-2026.ics", read(beside + "holidays-2026.ics")}};
    const std::vector<Source> rosters{{"oncall.toml", read(beside + "oncall.toml")}};
    const std::vector<std::string> tags{"db"};
    Policy::Input input{rules, people, tags, jit::evidence::sha256_hex};
    input.calendars = calendars;
    input.rosters = rosters;
    input.now = 1'795'600'000;  // November 2026
    return Policy::load(input);
  }
  return load({{"p.toml", "schema = 1\nsettings.covers = [\"sudo\"]\n"}}, {{name, read(path)}});
}

}  // namespace

TEST_CASE("each good file of the corpus loads without a finding but W02") {
  const auto cases = files("good");
  CHECK(cases.size() + files("bad").size() >= 150);
  for (const auto& path : cases) {
    INFO(path.filename().string());
    const auto loaded = load_case(path);
    for (const Finding& finding : loaded.findings) {
      INFO(finding.text());
      CHECK(finding.code == "W02");
    }
    CHECK(loaded.policy != nullptr);
  }
}

TEST_CASE("each bad file of the corpus gives exactly the finding that it expects") {
  const auto cases = files("bad");
  CHECK(cases.size() >= 200);
  std::set<std::string> fired;
  for (const auto& path : cases) {
    const std::string name = path.filename().string();
    INFO(name);
    const std::string text = read(path);
    const std::string mark = "# expect: ";
    const std::size_t at = text.find(mark);
    REQUIRE(at != std::string::npos);
    REQUIRE(at <= 3);  // a byte order mark may stand before it
    std::istringstream line(text.substr(at + mark.size(), text.find('\n') - at - mark.size()));
    std::string code, place, words;
    line >> code >> place;
    std::getline(line >> std::ws, words);

    const auto loaded = load_case(path);
    CHECK(loaded.policy == nullptr);
    std::string got;
    for (const Finding& finding : loaded.findings) got += finding.text() + '\n';
    INFO(got);
    CHECK(loaded.findings.size() == 1);
    if (loaded.findings.empty()) continue;
    const Finding& first = loaded.findings.front();
    CHECK(first.code == code);
    CHECK(first.file == name);
    CHECK(std::to_string(first.line) + ':' + std::to_string(first.column) == place);
    CHECK(first.message.find(words) != std::string::npos);
    fired.insert(first.code);
  }
  // E03 is of files (config), E07, E09, E10, E14 and all W of what is analysed (the corpus of analysis).
  CHECK(fired == std::set<std::string>{"E01", "E02", "E04", "E05", "E06", "E08", "E11", "E12", "E13", "E15"});
  for (const std::string& code : fired) {
    INFO(code);
    CHECK(std::ranges::any_of(files("good"), [&](const auto& path) {
      return path.filename().string().starts_with("near-miss-e" + code.substr(1));
    }));
  }
}
