// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "broker/config/config.h"
#include "cli/commands.h"
#include "evidence/text.h"

namespace jit::cli {

namespace {

constexpr std::size_t kFileMax = 4 * 1024 * 1024;   // as the broker's own loader
constexpr std::size_t kSetMax = 64 * 1024 * 1024;

Result<std::string> read_file(const std::string& path) {
  const std::string shown = evidence::escape_to(path, 256);
  // O_NONBLOCK: a FIFO must not make us wait for a writer.
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) return Failure{Exit::kUsage, shown + ": cannot be opened: " + std::strerror(errno)};
  struct stat info {};
  std::string text;
  std::string wrong;
  if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    wrong = "is not a regular file";
  } else {
    std::array<char, 65536> chunk{};
    ssize_t got = 0;
    while (text.size() <= kFileMax && (got = read(fd, chunk.data(), chunk.size())) > 0) {
      text.append(chunk.data(), static_cast<std::size_t>(got));
    }
    if (got < 0) wrong = std::string("cannot be read: ") + std::strerror(errno);
    if (text.size() > kFileMax) wrong = "is larger than 4 MiB";
  }
  close(fd);
  if (!wrong.empty()) return Failure{Exit::kUsage, shown + ": " + wrong};
  return text;
}

bool is_people(const std::string& path, const std::string& text) {
  return path.find("people.d/") != std::string::npos || text.starts_with("[[person]]") ||
         text.find("\n[[person]]") != std::string::npos;
}

bool is_folder(const std::string& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

Result<config::Loaded> load(const std::vector<std::string>& paths) {
  config::Roots roots;
  roots.warnings = true;
  if (paths.empty()) return config::load(roots);
  if (paths.size() == 1 && is_folder(paths[0])) {
    roots.etc = paths[0];
    roots.check_owner = false;
    return config::load(roots);
  }
  std::vector<policy::Source> rules;
  std::vector<policy::Source> people;
  std::size_t total = 0;
  for (const std::string& path : paths) {
    auto text = read_file(path);
    if (!text) return text.failure();
    total += text->size();
    if (total > kSetMax) return Failure{Exit::kUsage, "the files are larger than 64 MiB together"};
    auto& to = is_people(path, *text) ? people : rules;
    to.push_back({path, std::move(*text)});
  }
  return config::load_kept({}, std::move(rules), std::move(people));
}

// What a file holds may stand in a finding.
std::string shown(const policy::Finding& finding) {
  std::string out;
  for (const char c : finding.text()) {
    out += c >= ' ' && c <= '~' ? std::string(1, c) : evidence::escape(std::string_view(&c, 1));
  }
  return out;
}

}  // namespace

Exit Verbs::check() {
  const auto loaded = load(args.words);
  if (!loaded) return out.fail(loaded.failure());
  const bool good = loaded->policy != nullptr;
  const std::size_t rules = good ? loaded->policy->rule_count() : 0;
  if (json()) {
    Json findings = Json::array();
    for (const policy::Finding& finding : loaded->findings) {
      findings.push_back({{"code", finding.code},
                          {"file", evidence::escape(finding.file)},
                          {"line", finding.line},
                          {"column", finding.column},
                          {"message", evidence::escape(finding.message)},
                          {"other", evidence::escape(finding.other)}});
    }
    out.line(Json{{"ok", good}, {"rules", rules}, {"findings", std::move(findings)}}.dump());
  } else {
    for (const policy::Finding& finding : loaded->findings) out.line(shown(finding));
    if (good) out.line("ok: " + std::to_string(rules) + (rules == 1 ? " rule" : " rules"));
  }
  return good ? Exit::kDone : Exit::kNo;
}

}  // namespace jit::cli
