// SPDX-License-Identifier: Apache-2.0
#include "host/pam_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace jit::host {
namespace {

constexpr std::size_t kFileMax = 1024UL * 1024;
constexpr std::size_t kLinesMax = 4096;
constexpr unsigned kLevelsMax = 16;
constexpr std::string_view kBlank = " \t\r";

using State = PamService::State;

struct Text {
  State state = State::kUnknown;
  std::string path, text;
  std::int64_t changed = 0;
};

Text read_file(const std::string& path) {
  Text out;
  out.path = path;
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) {
    if (errno == ENOENT || errno == ENOTDIR) out.state = State::kAbsent;
    return out;
  }
  struct stat st {};
  bool good = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
  std::array<char, 16384> chunk{};
  ssize_t got = 0;
  while (good && (got = read(fd, chunk.data(), chunk.size())) > 0) {
    out.text.append(chunk.data(), static_cast<std::size_t>(got));
    good = out.text.size() <= kFileMax;
  }
  close(fd);
  if (good && got == 0) out.state = State::kRead;
  out.changed = st.st_mtim.tv_sec;
  return out;
}

Text find_file(const PamFolders& folders, std::string_view name) {
  if (name.starts_with('/')) return read_file(std::string(name));
  Text out;
  out.state = State::kAbsent;
  for (const std::string& folder : folders.paths) {
    out = read_file(folder + '/' + std::string(name));
    if (out.state != State::kAbsent) break;
  }
  return out;
}

struct Joined {
  std::string text;
  std::uint32_t line = 0;
};

// What stands before a #; a line that ends in a backslash goes on.
std::vector<Joined> joined_lines(std::string_view text) {
  std::vector<Joined> out;
  bool goes_on = false;
  std::uint32_t number = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    line = line.substr(0, line.find('#'));
    while (!line.empty() && kBlank.find(line.back()) != std::string_view::npos) line.remove_suffix(1);
    const bool more = line.ends_with('\\');
    if (more) line.remove_suffix(1);
    if (!goes_on) out.push_back({{}, number});
    out.back().text += std::string(line) + ' ';
    goes_on = more;
  }
  return out;
}

// The next word; one in brackets is one word, in which \] stands for ]. `in_brackets`: as which it stood.
bool next_word(std::string_view& line, std::string& word, bool& in_brackets) {
  word.clear();
  const std::size_t begin = line.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return false;
  line.remove_prefix(begin);
  in_brackets = line.front() == '[';
  if (!in_brackets) {
    const std::size_t end = std::min(line.find_first_of(kBlank), line.size());
    word = line.substr(0, end);
    line.remove_prefix(end);
    return true;
  }
  for (std::size_t i = 1; i < line.size(); ++i) {
    if (line[i] == ']') {
      line.remove_prefix(i + 1);
      return true;
    }
    if (line[i] == '\\' && i + 1 < line.size() && line[i + 1] == ']') ++i;
    word += line[i];
  }
  line = {};
  return true;
}

bool is_type(std::string_view word) { return word == "auth" || word == "account" || word == "password" || word == "session"; }

class Reader {
 public:
  explicit Reader(const PamFolders& folders) : folders_(folders) {}

  // `only`: lines of this type; empty: of all.
  State file(std::string_view name, const std::string& only, std::uint32_t stack, unsigned level) {
    if (level > kLevelsMax) return State::kUnknown;
    const Text text = find_file(folders_, name);
    if (text.state != State::kRead) return text.state;
    for (const Joined& line : joined_lines(text.text)) {
      if (!take(text, line, only, stack, level)) return State::kUnknown;
    }
    return State::kRead;
  }

  std::vector<PamLine> lines;

 private:
  bool take(const Text& text, const Joined& joined, const std::string& only, std::uint32_t stack, unsigned level) {
    std::string_view rest = joined.text;
    PamLine out;
    std::string word;
    bool in_brackets = false;
    if (!next_word(rest, out.type, in_brackets)) return true;
    if (out.type == "@include") return next_word(rest, word, in_brackets) && file(word, only, stack, level + 1) == State::kRead;
    if (out.type.starts_with('-')) out.type.erase(0, 1);
    std::ranges::transform(out.type, out.type.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    if (!is_type(out.type) || !next_word(rest, word, in_brackets)) return false;
    out.control = in_brackets ? '[' + word + ']' : word;
    if (!next_word(rest, word, in_brackets)) return false;
    if (!only.empty() && out.type != only) return true;
    if (out.control == "include") return file(word, out.type, stack, level + 1) == State::kRead;
    if (out.control == "substack") return file(word, out.type, ++stacks_, level + 1) == State::kRead;
    out.module = word.substr(word.rfind('/') + 1);
    while (next_word(rest, word, in_brackets)) out.arguments.push_back(word);
    out.file = text.path;
    out.line = joined.line;
    out.changed = text.changed;
    out.stack = stack;
    lines.push_back(std::move(out));
    return lines.size() <= kLinesMax;
  }

  const PamFolders& folders_;
  std::uint32_t stacks_ = 0;
};

}  // namespace

PamService read_service(const PamFolders& folders, std::string_view service) {
  PamService out;
  Reader reader(folders);
  out.state = reader.file(service, {}, 0, 0);
  if (out.state == State::kRead) out.lines = std::move(reader.lines);
  return out;
}

}  // namespace jit::host
