// SPDX-License-Identifier: Apache-2.0
// Regions against brute force: every request of a small world is asked, and must lie where the algebra says.
#include <algorithm>
#include <random>

#include "policy/analysis/region.h"
#include "policy/analysis/words.h"
#include "world.h"

using namespace jit::policy;
using namespace jit::policy::analysis;

namespace {

// 2026-11-25T00:00:00Z, a Wednesday.
constexpr std::int64_t kAsked = 1'795'564'800;

constexpr const char* kObjects = R"(
[set]
both = ["user:alice", "group:g1"]
[net]
wide = ["10.0.0.0/8"]
narrow = ["10.1.0.0/16"]
[window]
night = { daily = ["22:00-06:00"] }
sunday = { weekly = ["Sun 00:00-24:00"] }
[command]
a = [["/usr/bin/a", "x*"]]
ab = [["/usr/bin/{a|b}", "**"]]
exact = [["/usr/bin/a", "xy"]]
[fact.level]
type = "int"
[fact.frozen]
type = "bool"
initial = false
)";

std::string pick(std::mt19937& random, const std::vector<std::string>& list) { return list[random() % list.size()]; }

// Each property with a chance of one third.
std::string tests(std::mt19937& random, const std::string& prefix, bool run) {
  std::string out;
  const auto maybe = [&](const std::string& key, const std::vector<std::string>& values) {
    if (random() % 3 == 0) out += prefix + key + " = [" + pick(random, values) + "]\n";
  };
  maybe("who", {R"("user:alice")", R"("group:g1")", R"("group:g*")", R"("set:both")", R"("person:alice")", R"("user:alice", "group:g2")", R"("user:b*")"});
  maybe("as", {R"("user:root")", R"("user:postgres")", R"("user:root", "user:postgres")"});
  maybe("door", {R"("sudo")", R"("su", "ssh")", R"("ssh")", R"("sudo", "login")"});
  maybe("from", {R"("net:wide")", R"("net:narrow", "local")", R"("local")"});
  maybe("during", {R"("window:night")", R"("window:sunday")"});
  maybe("when", {R"("level > 3")", R"("level <= 5", "level != 4")", R"("frozen == true")"});
  maybe("when-any", {R"("level == 4", "frozen == true")", R"("risk >= 60")"});
  if (run) {
    maybe("run", {R"("command:a")", R"("command:ab")", R"("command:exact")"});
    maybe("options", {R"("-g")", R"("-i", "-g")"});
  }
  return out;
}

std::string rule(std::mt19937& random, bool permit, int number) {
  std::string out = (permit ? "[[permit]]\nid = \"p" : "[[guard]]\nid = \"g") + std::to_string(number) + "\"\nmax = \"1h\"\n";
  out += tests(random, "", permit);
  std::string unless = tests(random, "unless.", true);
  if (random() % 2 == 0) out += unless;
  return out;
}

std::vector<AnalysisRequest> world(const RuleSet& policy) {
  std::vector<Identity> people;
  for (const char* user : {"alice", "bob", "zoe"}) {
    for (const auto& groups : std::vector<std::vector<std::string>>{{}, {"g1"}, {"g2"}, {"g1", "g2"}, {"g3"}}) {
      people.push_back(identity_of(policy, user, {}, groups));
    }
  }
  std::vector<AnalysisRequest> out;
  const auto each = [&](auto change) {
    const std::vector<AnalysisRequest> before = std::move(out);
    out.clear();
    for (const AnalysisRequest& request : before) change(request);
  };
  AnalysisRequest first;
  first.root = identity_of(policy, "root", 0, {});
  first.path = "/usr/bin/a";
  out = {first};
  each([&](AnalysisRequest r) {
    for (const Identity& person : people) {
      r.subject = person;
      out.push_back(r);
    }
  });
  each([&](AnalysisRequest r) {
    for (const Door door : {Door::kSu, Door::kSsh, Door::kLogin}) {
      r.door = door;
      for (const char* target : {"root", "postgres"}) {
        r.target = identity_of(policy, target, {}, {});
        if (door == Door::kSu || r.target.user == "root") out.push_back(r);
      }
    }
    r.door = Door::kSudo;
    const std::vector<std::pair<std::string, std::vector<std::string>>> commands{
        {"/usr/bin/a", {}}, {"/usr/bin/a", {"xy"}}, {"/usr/bin/a", {"xz"}}, {"/usr/bin/b", {"-q"}}, {"/usr/bin/c", {}}};
    for (const auto& [path, words] : commands) {
      for (const auto& options : std::vector<std::vector<std::string>>{{}, {"-g"}, {"-i"}, {"-g", "-i"}}) {
        for (const char* target : {"root", "postgres"}) {
          r.target = identity_of(policy, target, {}, {});
          r.path = path;
          r.words = words;
          r.options = options;
          out.push_back(r);
        }
      }
    }
    r.target = r.root;
    r.verified = false;
    out.push_back(r);
  });
  each([&](AnalysisRequest r) {
    for (const char* from : {"", "10.9.9.9", "10.1.2.3", "192.168.1.1"}) {
      r.from = {};
      r.from.kind = Origin::Kind::kLocal;
      if (*from != '\0') {
        r.from.kind = Origin::Kind::kPeer;
        r.from.peer = Address::parse(from).value();
      }
      out.push_back(r);
    }
  });
  return out;
}

// Times and facts are the same for all and are looped over apart: the world would be too large.
std::vector<AnalysisRequest> states() {
  std::vector<AnalysisRequest> out;
  for (const std::int64_t now : {kAsked + 12 * 3600, kAsked + 3600, kAsked + 4 * 86'400 + 12 * 3600, kAsked + 4 * 86'400 + 3600}) {
    for (const int level : {-1, 0, 4, 5, 9}) {
      for (const bool frozen : {false, true}) {
        for (const int risk : {0, 60}) {
          AnalysisRequest r;
          r.now = now;
          if (level < 0) {
            r.facts.unknown.emplace_back("level");
          } else {
            r.facts.readings["level"].value = std::int64_t{level};
          }
          r.facts.readings["frozen"].value = frozen;
          r.facts.readings["risk"].value = std::int64_t{risk};
          out.push_back(r);
        }
      }
    }
  }
  return out;
}

}  // namespace

TEST_CASE("regions of random rules agree with the matcher, request by request") {
  std::mt19937 random(20261125);
  std::size_t empty = 0, subsets = 0;
  for (int round = 0; round < 60; ++round) {
    std::string text = kObjects;
    for (int i = 0; i < 3; ++i) text += rule(random, true, i) + rule(random, false, i);
    INFO(text);
    const auto policy = test::policy_of(text);
    const RuleSet& rules = policy->rules();
    const Universe universe(rules, kAsked);
    std::vector<const Rule*> all;
    for (const Rule& each : rules.permits) all.push_back(&each);
    for (const Rule& each : rules.guards) all.push_back(&each);
    const auto people = world(rules);
    const auto times = states();
    // A random part of the world a round; whatever it shows must be as the algebra says.
    std::vector<AnalysisRequest> asked;
    for (int i = 0; i < 4000; ++i) {
      AnalysisRequest r = people[random() % people.size()];
      const AnalysisRequest& state = times[random() % times.size()];
      r.now = state.now;
      r.facts = state.facts;
      asked.push_back(std::move(r));
    }
    std::vector<std::vector<bool>> inside(all.size());
    for (std::size_t i = 0; i < all.size(); ++i) {
      const Region region = region_of(*all[i]);
      for (const AnalysisRequest& r : asked) {
        const Request view = r.view();
        const Scene scene{rules, view};
        const bool in = all[i]->permit ? permit_matches(*all[i], scene) : guard_applies(nullptr, *all[i], scene) != Truth::kFalse;
        if (contains(region, rules, r) != in) {
          INFO(witness_text(r));
          FAIL("rule " << all[i]->id << " and its region differ");
        }
        inside[i].push_back(in);
      }
    }
    for (std::size_t i = 0; i < all.size(); ++i) {
      for (std::size_t j = 0; j < all.size(); ++j) {
        INFO(all[i]->id << " and " << all[j]->id);
        bool common = false, only_first = false;
        for (std::size_t k = 0; k < asked.size(); ++k) {
          common = common || (inside[i][k] && inside[j][k]);
          only_first = only_first || (inside[i][k] && !inside[j][k]);
        }
        const Sample both = sample(universe, intersect(region_of(*all[i]), region_of(*all[j])));
        const Sample first = sample(universe, minus(region_of(*all[i]), region_of(*all[j])));
        CHECK(both.answer != Sample::Answer::kCannotTell);
        CHECK(first.answer != Sample::Answer::kCannotTell);
        if (common) CHECK(both.answer == Sample::Answer::kFound);
        if (only_first) CHECK(first.answer == Sample::Answer::kFound);
        if (both.request) CHECK(contains(intersect(region_of(*all[i]), region_of(*all[j])), rules, *both.request));
        if (i == j) CHECK(first.answer == Sample::Answer::kEmpty);
        empty += both.answer == Sample::Answer::kEmpty ? 1U : 0U;
        subsets += first.answer == Sample::Answer::kEmpty ? 1U : 0U;
      }
    }
  }
  CHECK(empty > 50);
  CHECK(subsets > 200);
}

TEST_CASE("command patterns: what lies in one and outside others") {
  const auto parse = [](std::vector<std::string> words) { return *parse_command(words, {}).pattern; };
  struct Case {
    std::vector<std::string> in;
    std::vector<std::vector<std::string>> outside;
    bool any;
  };
  const std::vector<Case> cases{
      {{"/a", "x*"}, {}, true},
      {{"/a", "x*"}, {{"/a", "x*"}}, false},
      {{"/a", "x*"}, {{"/a", "xy*"}}, true},
      {{"/a", "xy"}, {{"/a", "x*"}}, false},
      {{"/a", "{x|y}"}, {{"/a", "x"}}, true},
      {{"/a", "{x|y}"}, {{"/a", "x"}, {"/a", "y"}}, false},
      {{"/a", "**"}, {{"/a"}}, true},
      {{"/a", "**"}, {{"/a"}, {"/a", "*"}}, true},        // an option
      {{"/a", "**"}, {{"/a", "**"}}, false},
      {{"/a"}, {{"/a", "**"}}, false},
      {{"/{a|b}"}, {{"/a"}}, true},
      {{"/{a|b}", "{p|q}", "*"}, {{"/a", "p", "*"}, {"/b", "**"}}, true},
      {{"/{a|b}", "{p|q}", "*"}, {{"/a", "p", "*"}, {"/a", "q", "**"}, {"/b", "**"}}, false},
      {{"/a", "*", "*"}, {{"/a", "b*", "*"}, {"/a", "*", "c*"}}, true},
  };
  for (const Case& c : cases) {
    INFO(c.in[0] << " number " << &c - cases.data());
    const CommandPattern in = parse(c.in);
    std::vector<CommandPattern> outside;
    for (const auto& words : c.outside) outside.push_back(parse(words));
    std::vector<const CommandPattern*> pointers;
    for (const CommandPattern& each : outside) pointers.push_back(&each);
    const auto got = sample_command(in, pointers);
    CHECK(got.has_value() == c.any);
    if (!got) continue;
    CHECK(in.matches(got->path, got->words));
    for (const CommandPattern& each : outside) CHECK_FALSE(each.matches(got->path, got->words));
  }
  CHECK_FALSE(intersection(parse({"/a", "x*"}), parse({"/a", "y*"})));
  CHECK(intersection(parse({"/a", "x*"}), parse({"/a", "xy*", "**"})));
  CHECK_FALSE(intersection(parse({"/a", "x"}), parse({"/a"})));
}
