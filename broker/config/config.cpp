// SPDX-License-Identifier: Apache-2.0
#include "broker/config/config.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <iterator>
#include <map>
#include <span>
#include <utility>

#include "broker/config/broker_file.h"
#include "broker/config/files.h"
#include "evidence/signature.h"
#include "evidence/text.h"
#include "host/names.h"
#include "host/rescue.h"
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

// One folder of files that rules name, or that stand beside them: by file name where they are named.
std::vector<policy::Source> read_folder(Files& files, const Folder& etc, const std::string& name, std::string_view suffix, bool named) {
  const Folder* folder = files.folder(etc, name);
  if (folder == nullptr) return {};
  Chosen chosen;
  for (std::string& file : files.names(*folder, suffix)) chosen.insert_or_assign(std::move(file), folder);
  std::vector<policy::Source> out = read_all(files, chosen);
  for (policy::Source& source : out) {
    if (named) source.name = source.name.substr(source.name.rfind('/') + 1);
  }
  return out;
}

void read_broker(Files& files, const Folder& etc, Loaded& out) {
  std::string text;
  if (files.read(etc, "broker.toml", text) != Files::Got::kText) return;
  out.broker_file = true;
  out.broker = parse_broker(etc.path() + "/broker.toml", text, out.findings);
  out.broker_text = std::move(text);
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
    out.calendars = read_folder(files, *etc, "calendars", ".ics", true);
    out.rosters = read_folder(files, *etc, "rosters", ".toml", true);
    out.tests = read_folder(files, *etc, "tests.d", ".toml", false);
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

void add(std::vector<policy::Finding> found, Loaded& out) {
  out.findings.insert(out.findings.end(), std::make_move_iterator(found.begin()), std::make_move_iterator(found.end()));
}

void compile(Loaded& out) {
  policy::Policy::Loaded loaded = policy::Policy::load(input_of(out, out.broker));
  const bool clean = out.findings.empty();
  add(std::move(loaded.findings), out);
  if (clean) out.policy = std::move(loaded.policy);
}

// What is wrong with the whole, and not with a word of it; it blocks the load as well.
void check_whole(Loaded& out, const Roots& roots) {
  if (!out.policy) return;
  policy::analysis::Host host;
  if (roots.facts) host = roots.facts(*out.policy);
  host.now = input_of(out, out.broker).now;
  host.roots = host::names_of_root();
  if (!host.rescue_lines && out.policy->covers(policy::Door::kLogin)) {
    const host::Rescue rescue = host::rescue_of(roots.pam, out.policy->settings().rescue);
    host.rescue_lines = rescue.lines;
    host.rescue_why = rescue.why;
  }
  const auto checks = roots.warnings ? policy::analysis::Checks::kAll : policy::analysis::Checks::kErrors;
  std::vector<policy::Finding> found = policy::analysis::analyse(*out.policy, host, checks);
  const auto error = [](const policy::Finding& finding) { return finding.code.starts_with('E'); };
  const bool rules_wrong = std::ranges::any_of(found, error);
  const policy::analysis::TestSuite suite = policy::analysis::read_tests(out.tests);
  found.insert(found.end(), suite.findings.begin(), suite.findings.end());
  const policy::analysis::TestRun run = policy::analysis::run_tests(suite, out.policy, for_tags(out), host);
  found.insert(found.end(), run.findings.begin(), run.findings.end());
  const bool wrong = std::ranges::any_of(found, error);
  const bool only_lines = host.rescue_lines == false && !out.policy->settings().rescue.empty() &&
                          std::ranges::none_of(found, [&](const policy::Finding& finding) { return error(finding) && finding.code != "E10"; });
  add(std::move(found), out);
  if (!wrong) return;
  if (only_lines) out.unrescued = out.policy;
  if (!rules_wrong) out.untested = out.policy;
  out.policy.reset();
}

bool try_load(const Roots& roots, Loaded& out) {
  Files files(roots.check_owner);
  read_set(files, roots, out);
  files.unchanged();
  const bool again = files.only_moved();
  const bool refused = files.refused();
  auto found = files.take();
  out.findings.insert(out.findings.begin(), std::make_move_iterator(found.begin()), std::make_move_iterator(found.end()));
  if (roots.tags) out.broker.tags = *roots.tags;
  if (out.broker.host_name.empty()) out.broker.host_name = kernel_host_name();
  // What is half a set would only show as names that nobody defines.
  if (!refused) {
    compile(out);
    examine(out, roots);
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

Loaded load_kept(const Broker& broker, Sources sources) {
  Loaded out;
  static_cast<Sources&>(out) = std::move(sources);
  out.broker = broker;
  compile(out);
  return out;
}

std::optional<Broker> kept_broker(std::string_view text) {
  std::vector<policy::Finding> findings;
  Broker out = parse_broker("broker.toml", text, findings);
  if (!findings.empty()) return std::nullopt;
  if (out.host_name.empty()) out.host_name = kernel_host_name();
  return out;
}

void examine(Loaded& out, const Roots& roots) {
  try {
    check_whole(out, roots);
  } catch (const std::exception& error) {  // what could not be checked is not used
    out.policy.reset();
    out.findings.push_back({"E01", "policy", 0, 0, "could not be checked: " + std::string(error.what()), {}, {}});
  }
}

std::function<std::shared_ptr<const policy::Policy>(std::span<const std::string>)> for_tags(const Loaded& loaded) {
  return [&loaded](std::span<const std::string> tags) {
    Broker there = loaded.broker;
    there.tags.assign(tags.begin(), tags.end());
    return policy::Policy::load(input_of(loaded, there)).policy;
  };
}

policy::KeyVerdict judge_key(const policy::Key& key) {
  const evidence::PublicKey made{key.kind, key.public_text, key.verify_required};
  return {evidence::why_refused(made), evidence::fingerprint(made)};
}

policy::Policy::Input input_of(const Sources& sources, const Broker& broker) {
  policy::Policy::Input input{sources.rules, sources.people, broker.tags, [](std::string_view text) { return evidence::sha256_hex(text); }};
  input.calendars = sources.calendars;
  input.rosters = sources.rosters;
  input.now = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  input.judge_key = judge_key;
  input.real_folder = [](std::string_view folder) {
    char* const real = ::realpath(std::string(folder).c_str(), nullptr);
    // One that is not there yet stands as it is written.
    std::string path = real == nullptr ? std::string(folder) : std::string(real);
    std::free(real);
    return path;
  };
  return input;
}

}  // namespace jit::config
