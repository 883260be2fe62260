// SPDX-License-Identifier: Apache-2.0
#include "cli/sshd_facts.h"

#include <glob.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "cli/run_tool.h"
#include "evidence/text.h"

namespace jit::cli {

namespace {

constexpr const char* kSshd = "/usr/sbin/sshd";
constexpr const char* kConfig = "/etc/ssh/sshd_config";
constexpr std::string_view kServiceName = "pamservicename";  // since OpenSSH 9.8; before it the service is the name of the program
constexpr int kIncludesDeep = 16;  // as sshd

enum class Talks { kNever, kAfterKey, kWithoutKey };

// Lists of methods, each "publickey,keyboard-interactive:pam"; "any" allows each alone.
Talks talks(std::string_view lists) {
  Talks out = Talks::kNever;
  while (!lists.empty()) {
    std::string_view list = lists.substr(0, lists.find(' '));
    lists.remove_prefix(std::min(list.size() + 1, lists.size()));
    bool key = false;
    while (!list.empty()) {
      const std::string_view method = list.substr(0, list.find(','));
      list.remove_prefix(std::min(method.size() + 1, list.size()));
      if (method == "any" || method == "password") return Talks::kWithoutKey;
      if (method.starts_with("keyboard-interactive")) {
        if (!key) return Talks::kWithoutKey;
        out = Talks::kAfterKey;
      }
      key = key || method == "publickey" || method == "hostbased";
    }
  }
  return out;
}

// A line's words as sshd takes them: a keyword may end in "=", any word may be quoted, and a # begins a comment.
std::vector<std::string> words_of(std::string_view line) {
  constexpr std::string_view kBlanks = " \t\r";
  std::vector<std::string> out;
  while (true) {
    line.remove_prefix(std::min(line.find_first_not_of(kBlanks), line.size()));
    if (out.size() == 1 && line.starts_with('=')) {
      line.remove_prefix(1);
      line.remove_prefix(std::min(line.find_first_not_of(kBlanks), line.size()));
    }
    if (line.empty() || line.starts_with('#')) return out;
    const bool quoted = line.starts_with('"');
    if (quoted) line.remove_prefix(1);
    const std::size_t end = std::min(quoted ? line.find('"') : line.find_first_of(out.empty() ? " \t\r=" : kBlanks), line.size());
    out.emplace_back(line.substr(0, end));
    line.remove_prefix(std::min(end + (quoted ? 1 : 0), line.size()));
  }
}

std::string lower(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}

// `in_match`: what includes it stands in one. One that begins in this file ends with it.
void add_matches(const std::string& path, bool in_match, int depth, std::vector<SshdMatch>& out) {
  std::ifstream file(path);
  std::size_t number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    const std::vector<std::string> words = words_of(line);
    if (words.size() < 2) continue;
    const std::string name = lower(words[0]);
    if (name == "match") in_match = true;
    if (name == "include" && depth < kIncludesDeep) {
      for (std::size_t i = 1; i < words.size(); ++i) {
        const std::string pattern = words[i].starts_with('/') ? words[i] : "/etc/ssh/" + words[i];
        glob_t found{};
        if (glob(pattern.c_str(), 0, nullptr, &found) == 0) {
          for (std::size_t k = 0; k < found.gl_pathc; ++k) add_matches(found.gl_pathv[k], in_match, depth + 1, out);
        }
        globfree(&found);
      }
    }
    if (!in_match || (name != "permitrootlogin" && name != "authenticationmethods" && name != kServiceName)) continue;
    std::string value = words[1];
    for (std::size_t i = 2; i < words.size(); ++i) value += ' ' + words[i];
    out.push_back({path + ':' + std::to_string(number), name, value});
  }
}

}  // namespace

std::vector<SshdMatch> read_matches(const std::string& path) {
  std::vector<SshdMatch> out;
  add_matches(path, false, 0, out);
  return out;
}

std::vector<SshdMatch> SshdFacts::other_services() const {
  std::vector<SshdMatch> out;
  if (const auto found = settings.find(kServiceName); found != settings.end()) out.push_back({"sshd", found->first, found->second});
  out.insert(out.end(), matches.begin(), matches.end());
  std::erase_if(out, [](const SshdMatch& one) { return one.name != kServiceName || one.value == "sshd"; });
  return out;
}

const SshdMatch* SshdFacts::talks_without_key() const {
  const auto found = std::ranges::find_if(matches, [](const SshdMatch& one) { return one.name == "authenticationmethods" && talks(one.value) == Talks::kWithoutKey; });
  return found == matches.end() ? nullptr : &*found;
}

std::string SshdFacts::get(std::string_view name) const {
  const auto found = settings.find(name);
  return found == settings.end() ? "" : found->second;
}

SshdFacts read_sshd(std::string_view printed) {
  SshdFacts out;
  while (!printed.empty()) {
    const std::string_view line = printed.substr(0, printed.find('\n'));
    printed.remove_prefix(std::min(line.size() + 1, printed.size()));
    const std::size_t blank = line.find(' ');
    if (blank != std::string_view::npos) out.settings.emplace(std::string(line.substr(0, blank)), std::string(line.substr(blank + 1)));
  }
  out.there = !out.settings.empty();
  out.asks_after_key = talks(out.get("authenticationmethods")) == Talks::kAfterKey && out.get("kbdinteractiveauthentication") == "yes";
  return out;
}

SshdFacts sshd_facts() {
  SshdFacts out;
  if (access(kSshd, X_OK) != 0) return out;
  const auto done = run_tool({kSshd, "-T"});
  if (!done || done->code != 0) {
    out.problem = "sshd -T does not tell its settings (" + (done ? evidence::escape_to(done->error, 200) : std::string("no answer")) + ")";
    return out;
  }
  out = read_sshd(done->out);
  out.matches = read_matches(kConfig);
  return out;
}

}  // namespace jit::cli
