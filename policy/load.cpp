// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "policy/draft.h"
#include "policy/index.h"

namespace jit::policy {
namespace {

constexpr std::size_t kFileMax = 4UL * 1024 * 1024;
constexpr std::size_t kSetMax = 64UL * 1024 * 1024;

using ReadFile = void (*)(Draft&, const Node&);

// False where a file could not be parsed: what other files name may then stand in it.
bool read_files(Draft& draft, std::span<const Source> sources, std::uint32_t first, ReadFile read) {
  bool whole = true;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const auto file = static_cast<std::uint32_t>(first + i);
    if (sources[i].text.size() > kFileMax) {
      draft.report.add("E01", {file, 0, 0},
                       "is " + std::to_string(sources[i].text.size()) + " bytes long; a file may have 4 MiB");
      whole = false;
      continue;
    }
    if (const auto root = parse_document(file, sources[i].text, draft.report)) {
      read(draft, *root);
    } else {
      whole = false;
    }
  }
  return whole;
}

// Memory ran out, or the digest could not be made: no policy is better than half of one.
Policy::Loaded could_not_load(const std::exception& error) {
  Policy::Loaded out;
  try {
    out.findings.push_back({"E01", "policy", 0, 0, "could not be loaded: " + std::string(error.what()), {}, {}});
  } catch (const std::bad_alloc&) {
    // Not even for the message; that there is no policy says enough.
  }
  return out;
}

void load_into(Draft& draft) {
  const Policy::Input& input = draft.input;
  Report& report = draft.report;
  std::size_t total = 0;
  for (const Source& source : input.rules) {
    report.add_file(source.name);
    total += source.text.size();
  }
  for (const Source& source : input.people) {
    report.add_file(source.name);
    total += source.text.size();
  }
  const auto add_files = [&](std::span<const Source> sources, auto& files) {
    for (const Source& source : sources) {
      files.emplace(source.name, report.add_file(source.name));
      total += source.text.size();
    }
  };
  add_files(input.calendars, draft.calendars);
  add_files(input.rosters, draft.rosters);
  const std::uint32_t all = report.add_file("policy");
  if (total > kSetMax) {
    report.add("E01", {all, 0, 0}, "all files together are " + std::to_string(total) + " bytes long; 64 MiB are allowed");
    return;
  }
  if (!input.digest) {
    report.add("E01", {all, 0, 0}, "no digest function was given");
    return;
  }

  const bool rules = read_files(draft, input.rules, 0, read_policy_file);
  const bool people = read_files(draft, input.people, static_cast<std::uint32_t>(input.rules.size()), read_people_file);
  if (!rules || !people) return;
  if (!draft.settings_at.contains("covers") && !report.failed()) {
    report.add("E01", {input.rules.empty() ? all : 0, 0, 0},
               input.rules.empty() ? "there is no policy file" : "no file says which doors are in force; write covers = [\"sudo\"] in [settings]");
  }
  resolve(draft);
  if (!report.failed()) check(draft);
  if (!report.failed()) sign(draft);
}

}  // namespace

void read_policy_file(Draft& draft, const Node& root) {
  const auto schema = std::ranges::find(root.entries, "schema", &Entry::key);
  const bool has = schema != root.entries.end();
  if (has && (schema->value.kind != Node::Kind::kInteger || schema->value.integer != 1)) {
    draft.report.add("E01", schema->value.place, "this version reads schema = 1 only");
    return;  // another schema has other keys
  }
  if (!has || schema != root.entries.begin()) {
    draft.report.add("E01", has ? schema->place : Place{root.place.file, 1, 1},
                     "`schema = 1` must be the first key of each file");
  }
  const Fields fields(root, Table::kFile, draft.report);
  for (const Entry& entry : root.entries) {
    if (entry.key == "settings") {
      if (entry.value.kind == Node::Kind::kTable) {
        read_settings(draft, entry.value);
      } else {
        draft.report.add("E01", entry.place, "`settings` must be a table; write [settings]");
      }
    } else if (entry.key == "set") {
      read_sets(draft, entry);
    } else if (entry.key == "net") {
      read_nets(draft, entry);
    } else if (entry.key == "command") {
      read_commands(draft, entry);
    } else if (entry.key == "calendar") {
      read_calendars(draft, entry);
    } else if (entry.key == "window") {
      read_windows(draft, entry);
    } else if (entry.key == "fact") {
      read_facts(draft, entry);
    } else if (entry.key == "approval") {
      read_approvals(draft, entry);
    }
  }
  read_rules(draft, fields);
}

PeopleSet load_people(std::span<const Source> sources, const JudgeKey& judge_key) {
  PeopleSet out;
  Draft draft;
  draft.input.judge_key = judge_key;
  for (const Source& source : sources) draft.report.add_file(source.name);
  try {
    read_files(draft, sources, 0, read_people_file);
    out.findings = draft.report.take();
    out.people = std::move(draft.out->people);
    out.files = std::move(draft.out->people_files);
  } catch (const std::exception& error) {
    out = {};
    out.findings = could_not_load(error).findings;
  }
  return out;
}

Policy::Loaded Policy::load(const Input& input) {
  try {
    Draft draft;
    draft.input = input;
    load_into(draft);
    Loaded out;
    const bool failed = draft.report.failed();
    out.findings = draft.report.take();
    draft.out->files = draft.report.files();
    // Moving keeps the nodes of the maps where they are, so what rules point at stays.
    if (!failed) {
      auto compiled = std::make_unique<Compiled>(Compiled{std::move(*draft.out), {}});
      compiled->index = Index(*compiled);
      out.policy.reset(new Policy(std::move(compiled)));
    }
    return out;
  } catch (const std::exception& error) {
    return could_not_load(error);
  }
}

}  // namespace jit::policy
