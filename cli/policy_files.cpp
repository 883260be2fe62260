// SPDX-License-Identifier: Apache-2.0
#include "cli/policy_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <set>

#include "cli/host_facts.h"
#include "evidence/text.h"
#include "policy/analysis/mixtures.h"

namespace jit::cli {

namespace {

constexpr std::size_t kMiB = 1024 * 1024;
constexpr std::size_t kSetMax = 64 * 1024 * 1024;

// What is wrong, or empty.
std::string read_all(int fd, std::string& text, std::size_t most) {
  std::array<char, 65536> chunk{};
  ssize_t got = 0;
  while (text.size() <= most && (got = read(fd, chunk.data(), chunk.size())) > 0) {
    text.append(chunk.data(), static_cast<std::size_t>(got));
  }
  if (got < 0) return std::string("cannot be read: ") + std::strerror(errno);
  return text.size() > most ? "is larger than " + std::to_string(most / kMiB) + " MiB" : "";
}

// Does a line begin so?
bool has_line(const std::string& text, const std::string& begin) { return text.starts_with(begin) || text.find('\n' + begin) != std::string::npos; }

bool is_people(const std::string& path, const std::string& text) { return path.find("people.d/") != std::string::npos || has_line(text, "[[person]]"); }
bool is_tests(const std::string& text) { return has_line(text, "[[test]]") || has_line(text, "[[invariant]]"); }

std::string base_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

// Where what a file holds belongs; a policy names calendars and rosters by the name of their file alone.
void put(std::string path, std::string text, config::Sources& sources, std::vector<policy::Source>& tests) {
  if (path.ends_with(".ics")) return sources.calendars.push_back({base_of(path), std::move(text)});
  if (has_line(text, "[[shift]]")) return sources.rosters.push_back({base_of(path), std::move(text)});
  auto& to = is_people(path, text) ? sources.people : is_tests(text) ? tests : sources.rules;
  to.push_back({std::move(path), std::move(text)});
}

// What the broker reads is held to what the broker holds it to.
bool is_live(const std::string& folder) {
  std::error_code error;
  return std::filesystem::weakly_canonical(folder, error) == "/etc/jit";
}

bool is_folder(const std::string& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

}  // namespace

Result<std::string> read_policy_file(const std::string& path, std::size_t most) {
  const std::string shown = path == "-" ? "standard input" : evidence::escape_to(path, 256);
  // O_NONBLOCK: a FIFO must not make us wait for a writer.
  const int fd = path == "-" ? STDIN_FILENO : open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) return Failure{Exit::kUsage, shown + ": cannot be opened: " + std::strerror(errno)};
  struct stat info {};
  std::string text;
  std::string wrong;
  if (path != "-" && (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode))) {
    wrong = "is not a regular file";
  } else {
    wrong = read_all(fd, text, most);
  }
  if (fd != STDIN_FILENO) close(fd);
  if (!wrong.empty()) return Failure{Exit::kUsage, shown + ": " + wrong};
  return text;
}

Result<config::Loaded> load_policy(const std::vector<std::string>& paths, Check check, const HostTags& tags) {
  config::Roots roots;
  roots.tags = tags;
  roots.warnings = check == Check::kAll;
  if (roots.warnings) roots.facts = [](const policy::Policy& policy) { return host_facts(policy); };
  if (paths.empty()) return config::load(roots);
  if (paths.size() == 1 && is_folder(paths[0])) {
    roots.etc = paths[0];
    roots.check_owner = is_live(paths[0]);
    return config::load(roots);
  }
  config::Sources sources;
  std::vector<policy::Source> tests;
  std::size_t total = 0;
  for (const std::string& path : paths) {
    auto text = read_policy_file(path);
    if (!text) return text.failure();
    total += text->size();
    if (total > kSetMax) return Failure{Exit::kUsage, "the files are larger than 64 MiB together"};
    put(path, std::move(*text), sources, tests);
  }
  config::Broker broker;
  if (tags) broker.tags = *tags;
  config::Loaded out = config::load_kept(broker, std::move(sources));
  out.tests = std::move(tests);
  if (check != Check::kNone) config::examine(out, roots);
  return out;
}

std::string tags_note(const config::Loaded& loaded, const HostTags& tags) {
  constexpr std::size_t kMostNamed = 8;
  const auto& policy = loaded.policy ? loaded.policy : loaded.untested;
  if (tags || loaded.broker_file || !policy) return {};
  std::vector<const policy::TagTest*> tests;
  for (const auto* list : {&policy->rules().permits, &policy->rules().guards}) {
    for (const policy::Rule& rule : *list) policy::analysis::add_tag_tests(rule, tests);
  }
  std::set<std::string> named;
  for (const policy::TagTest* test : tests) {
    for (const policy::Principal& tag : test->tags) named.insert(tag.name + (tag.prefix ? "*" : ""));
  }
  if (named.empty()) return {};
  std::string list;
  std::size_t count = 0;
  for (const std::string& tag : named) {
    if (++count <= kMostNamed) list += (list.empty() ? "" : ", ") + evidence::escape(tag);
  }
  if (count > kMostNamed) list += " and " + std::to_string(count - kMostNamed) + " more";
  return "there is no broker.toml here, so this is for a host without tags; rules name " + list + ": give those of the host with --host-tag TAG";
}

// What a file holds may stand in a finding.
std::string shown(const policy::Finding& finding) {
  std::string out;
  for (const char c : finding.text()) {
    out += c >= ' ' && c <= '~' ? std::string(1, c) : evidence::escape(std::string_view(&c, 1));
  }
  return out;
}

}  // namespace jit::cli
