// SPDX-License-Identifier: Apache-2.0
#include "broker/config/config.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <iterator>
#include <map>
#include <span>
#include <utility>

#include "broker/config/broker_file.h"
#include "broker/config/files.h"
#include "evidence/text.h"
#include "policy/analysis/analyse.h"
#include "policy/analysis/test_file.h"

namespace jit::config {
namespace {

constexpr int kTries = 3;  // of reading a set that changes under our hands

// Base name -> the folder whose file of that name counts.
using Chosen = std::map<std::string, const Folder*>;

void choose(Files& files, const Folder& folder, Chosen& chosen) {
  for (std::string& name : files.names(folder)) chosen.insert_or_assign(std::move(name), &folder);
}

std::vector<policy::Source> read_all(Files& files, const Chosen& chosen) {
  std::vector<policy::Source> sources;
  for (const auto& [name, folder] : chosen) {
    std::string text;
    const Files::Got got = files.read(*folder, name, text);
    // Listed, and gone now: not the set that was listed.
    if (got == Files::Got::kAbsent) files.refuse(folder->path() + "/" + name, "went away while being read; reload once more");
    if (got == Files::Got::kText) sources.push_back({evidence::escape(folder->path() + "/" + name), std::move(text)});
  }
  return sources;
}

void read_broker(Files& files, const Folder& etc, Loaded& out) {
  std::string text;
  if (files.read(etc, "broker.toml", text) != Files::Got::kText) return;
  out.broker = parse_broker(etc.path() + "/broker.toml", text, out.findings);
}

void read_set(Files& files, const Roots& roots, Loaded& out) {
  const std::string policy_folder = roots.etc + "/policy.d";
  Chosen rules;
  for (const std::string& path : {roots.usr, roots.run}) {
    const Folder* root = files.root(path);
    const Folder* folder = root != nullptr ? files.folder(*root, "policy.d") : nullptr;
    if (folder != nullptr) choose(files, *folder, rules);
  }
  const Folder* etc = files.root(roots.etc);
  const Folder* own = etc != nullptr ? files.folder(*etc, "policy.d") : nullptr;
  if (etc != nullptr) {
    read_broker(files, *etc, out);
    if (const Folder* folder = files.folder(*etc, "people.d")) {
      Chosen people;
      choose(files, *folder, people);
      out.people = read_all(files, people);
    }
    if (const Folder* folder = files.folder(*etc, "tests.d")) {
      Chosen tests;
      choose(files, *folder, tests);
      out.tests = read_all(files, tests);
    }
  }
  if (own != nullptr) choose(files, *own, rules);
  out.rules = read_all(files, rules);
  if (files.refused()) return;
  if (own == nullptr) {
    files.refuse(policy_folder, "is missing, so everything is denied; type: install -d -m 0750 -g _jit " +
                                    evidence::render_argv(std::vector{policy_folder}) + " and put the policy there");
  } else if (out.rules.empty()) {
    files.refuse(policy_folder, "holds no policy (*.toml), so everything is denied; write one and check it with: "
                                "jitctl policy check");
  }
}

std::int64_t wall_clock() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

policy::Policy::Loaded compile_for(const Loaded& from, std::span<const std::string> tags) {
  policy::Policy::Input input{from.rules, from.people, tags, [](std::string_view text) { return evidence::sha256_hex(text); }};
  input.now = wall_clock();
  return policy::Policy::load(input);
}

// What is wrong with the whole, and not with a word of it; it blocks the load as well.
void check_whole(Loaded& out, policy::analysis::Checks checks) {
  if (!out.policy) return;
  policy::analysis::Host host;
  host.now = wall_clock();
  std::vector<policy::Finding> found = policy::analysis::analyse(*out.policy, host, checks);
  const policy::analysis::TestSuite suite = policy::analysis::read_tests(out.tests);
  found.insert(found.end(), suite.findings.begin(), suite.findings.end());
  const auto for_tags = [&](std::span<const std::string> tags) { return compile_for(out, tags).policy; };
  const policy::analysis::TestRun run = policy::analysis::run_tests(suite, out.policy, for_tags, host.now);
  found.insert(found.end(), run.findings.begin(), run.findings.end());
  const bool wrong = std::ranges::any_of(found, [](const policy::Finding& finding) { return finding.code.starts_with('E'); });
  out.findings.insert(out.findings.end(), std::make_move_iterator(found.begin()), std::make_move_iterator(found.end()));
  if (wrong) out.policy.reset();
}

void compile(Loaded& out) {
  policy::Policy::Loaded loaded = compile_for(out, out.broker.tags);
  const bool clean = out.findings.empty();
  out.findings.insert(out.findings.end(), std::make_move_iterator(loaded.findings.begin()),
                      std::make_move_iterator(loaded.findings.end()));
  if (clean) out.policy = std::move(loaded.policy);
}

bool try_load(const Roots& roots, Loaded& out) {
  Files files(roots.check_owner);
  read_set(files, roots, out);
  files.unchanged();
  const bool again = files.only_moved();
  const bool refused = files.refused();
  auto found = files.take();
  out.findings.insert(out.findings.begin(), std::make_move_iterator(found.begin()), std::make_move_iterator(found.end()));
  if (out.broker.host_name.empty()) out.broker.host_name = kernel_host_name();
  // What is half a set would only show as names that nobody defines.
  if (!refused) {
    compile(out);
    try {
      check_whole(out, roots.warnings ? policy::analysis::Checks::kAll : policy::analysis::Checks::kErrors);
    } catch (const std::exception& error) {  // what could not be checked is not used
      out.policy.reset();
      out.findings.push_back({"E01", "policy", 0, 0, "could not be checked: " + std::string(error.what()), {}, {}});
    }
  }
  return !again;
}

}  // namespace

Loaded load(const Roots& roots) {
  for (int left = kTries;; --left) {
    Loaded out;
    if (try_load(roots, out) || left == 1) return out;
  }
}

Loaded load_kept(const Broker& broker, std::vector<policy::Source> rules, std::vector<policy::Source> people) {
  Loaded out;
  out.broker = broker;
  out.rules = std::move(rules);
  out.people = std::move(people);
  compile(out);
  return out;
}

}  // namespace jit::config
