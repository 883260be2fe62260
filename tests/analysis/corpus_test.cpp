// SPDX-License-Identifier: Apache-2.0
// One small policy a case: its first lines say which findings it must get, and no other: "# expect: CODE LINE:COLUMN words => ANSWER"
// or "# expect: none". ANSWER is what its request gets where it is asked again, and by which rules; without it, none is shown. "# host: KEY=VALUE;..." says what the host knows. What follows the line "# tests.d" is run as a file of
// tests beside it, whose lines are counted on.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "policy/analysis/analyse.h"
#include "policy/analysis/region.h"
#include "policy/analysis/test_file.h"
#include "world.h"

using namespace jit::policy;
using namespace jit::policy::analysis;

namespace {

constexpr std::int64_t kCorpusNow = 1'795'564'800;  // 2026-11-25T00:00:00Z
constexpr std::int64_t kDay = 86'400;

std::string read(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

std::vector<std::string> split(const std::string& text, char by) {
  std::vector<std::string> out;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, by);) out.push_back(part);
  return out;
}

Host host_of(const std::string& line) {
  Host out;
  out.now = kCorpusNow;
  for (const std::string& part : split(line, ';')) {
    const std::string key = part.substr(0, part.find('=')), value = part.substr(part.find('=') + 1);
    const std::string name = value.substr(0, value.find(':')), rest = value.substr(std::min(value.find(':'), value.size() - 1) + 1);
    if (key == "writer") {
      out.writer = [name, rest](std::string_view path) { return path == name ? std::optional(rest) : std::nullopt; };
    } else if (key == "known") {
      out.known = [all = split(value, ',')](std::string_view, std::string_view who) {
        return all.front() == "?" ? std::nullopt : std::optional(std::ranges::find(all, who) != all.end());
      };
    } else if (key == "history") {
      out.history_from = kCorpusNow - std::stoi(value) * kDay;
    } else if (key == "changed") {
      out.changed = [days = std::stoi(value)](std::string_view file) {
        return file.ends_with(".toml") ? std::optional(kCorpusNow - days * kDay) : std::nullopt;
      };
    } else if (key == "used") {
      out.used[name] = kCorpusNow - std::stoi(rest) * kDay;
    } else if (key == "observing") {
      out.observing_since[door_named(name).value()] = kCorpusNow - std::stoi(rest) * kDay;
    } else if (key == "rescue") {
      out.rescue_lines = value == "yes";
    } else if (key == "honours") {
      out.records = value == "record";
      out.notifies = value == "notify";
      out.reviews = value == "review";
    } else if (key == "channels") {
      out.channels = split(value, ',');
    } else if (key == "password") {
      out.root_password = value == "yes";
    } else if (key == "why") {
      out.rescue_why = value;
    } else {
      FAIL("unknown host key " << key);
    }
  }
  return out;
}

// The request of a finding, asked again: "approval p, g". Empty: the finding shows none.
std::string replayed(const Policy& policy, const std::string& witness) {
  if (witness.empty()) return "";
  const std::vector<Source> sources{{"witness.toml", "[[test]]\nname = \"w\"\nexpect = { text = [] }\n" + witness + '\n'}};
  const TestSuite suite = read_tests(sources);
  CHECK(suite.findings.empty());
  REQUIRE(suite.tests.size() == 1);
  AnalysisRequest request = suite.tests[0].request;
  request.subject = identity_of(policy.rules(), request.subject.user, suite.tests[0].uid_given ? std::optional(request.subject.uid) : std::nullopt, request.subject.groups_all);
  request.target = identity_of(policy.rules(), request.target.user, suite.tests[0].as_uid_given ? std::optional(request.target.uid) : std::nullopt, request.target.groups_all);
  CHECK(witness_text(request) == witness);  // the one that is read is the one that was written
  const Decision decision = decide(policy, request);
  std::string out(name_of(decision.outcome));
  for (const std::string& rule : decision.rules) out += (&rule == &decision.rules.front() ? " " : ", ") + rule;
  return out;
}

std::shared_ptr<const Policy> policy_from(const std::string& name, const std::string& text) {
  const std::string folder = std::string(JIT_CORPUS) + "/files/";
  const std::vector<Source> rules{{name, text}}, people{{"people.toml", read(folder + "people.toml")}};
  const std::vector<Source> calendars{{"wednesdays.ics", read(folder + "wednesdays.ics")}};
  std::vector<Source> rosters;
  for (const char* roster : {"duty.toml", "ends.toml", "late.toml", "later.toml", "morning.toml", "over.toml"}) rosters.push_back({roster, read(folder + roster)});
  const std::vector<std::string> tags{"db"};
  Policy::Input input{rules, people, tags, jit::evidence::sha256_hex};
  input.calendars = calendars;
  input.rosters = rosters;
  input.now = kCorpusNow;
  const auto loaded = Policy::load(input);
  for (const Finding& finding : loaded.findings) UNSCOPED_INFO(finding.text());
  REQUIRE(loaded.policy);
  return loaded.policy;
}

// What no request shows: a way in for the time when nobody can answer, and what is wrong with a name, a clock, a text or a PAM line
// before anybody asks.
const std::set<std::string> kShowNone{"E10", "W07", "W08", "W09", "W15", "W19"};

}  // namespace

TEST_CASE("each policy of the corpus gets exactly the findings that it expects") {
  std::set<std::string> fired, missed, shown;
  std::vector<std::filesystem::path> cases;
  for (const auto& entry : std::filesystem::directory_iterator(JIT_CORPUS)) {
    if (entry.is_regular_file()) cases.push_back(entry.path());
  }
  std::ranges::sort(cases);
  CHECK(cases.size() >= 100);
  for (const auto& path : cases) {
    const std::string name = path.filename().string(), text = read(path);
    INFO(name);
    std::vector<std::string> expected;
    Host host = host_of("");
    for (const std::string& line : split(text, '\n')) {
      if (line.starts_with("# host: ")) host = host_of(line.substr(8));
      if (line.starts_with("# expect: ") && line != "# expect: none") expected.push_back(line.substr(10));
    }
    REQUIRE(text.starts_with("# expect: "));
    const std::size_t tests_at = text.find("# tests.d\n");
    const auto policy = policy_from(name, text.substr(0, tests_at));
    auto found = analyse(*policy, host);
    if (tests_at != std::string::npos) {
      const std::string above(static_cast<std::size_t>(std::ranges::count(text.substr(0, tests_at), '\n')), '\n');
      const std::vector<Source> sources{{name, above + text.substr(tests_at)}};
      const auto here = [&](std::span<const std::string>) { return policy; };
      for (Finding& finding : run_tests(read_tests(sources), policy, here, host).findings) found.push_back(std::move(finding));
    }
    std::string got;
    for (const Finding& finding : found) got += finding.text() + '\n' + finding.witness + '\n';
    INFO(got);
    CHECK(found.size() == expected.size());
    for (std::size_t i = 0; i < std::min(found.size(), expected.size()); ++i) {
      std::istringstream line(expected[i]);
      std::string code, place, words, answer;
      line >> code >> place;
      std::getline(line >> std::ws, words);
      if (const std::size_t arrow = words.find(" => "); arrow != std::string::npos) {
        answer = words.substr(arrow + 4);
        words.resize(arrow);
      }
      CHECK(found[i].code == code);
      CHECK(std::to_string(found[i].line) + ':' + std::to_string(found[i].column) == place);
      CHECK(found[i].message.find(words) != std::string::npos);
      CHECK(replayed(*policy, found[i].witness) == answer);
      fired.insert(code);
      if (!found[i].witness.empty()) shown.insert(code);
    }
    std::string code = name.substr(0, 3);
    std::ranges::transform(code, code.begin(), [](char c) { return c == 'w' ? 'W' : c == 'e' ? 'E' : c; });
    if (expected.empty()) missed.insert(code);
  }
  for (const char* code : {"E06", "E07", "E09", "E10", "E14", "W01", "W02", "W03", "W04", "W05", "W06", "W07", "W08", "W09", "W10", "W11", "W12", "W13",
                           "W14", "W15", "W16", "W17", "W18", "W19", "W20", "W21"}) {
    INFO(code);
    CHECK(fired.contains(code));
    CHECK(missed.contains(code));
    CHECK(shown.contains(code) != kShowNone.contains(code));
  }
}
