// SPDX-License-Identifier: Apache-2.0
#include "host/pam_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "host/pam_text.h"

namespace jit::host {
namespace {

constexpr std::size_t kFileMax = 1024UL * 1024;
constexpr std::size_t kLinesMax = 4096;
constexpr unsigned kLevelsMax = 16;

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

class Reader {
 public:
  explicit Reader(const PamFolders& folders) : folders_(folders) {}

  // `only`: lines of this type; empty: of all.
  State file(std::string_view name, const std::string& only, std::uint32_t stack, unsigned level) {
    if (level > kLevelsMax) return State::kUnknown;
    const Text text = find_file(folders_, name);
    if (text.state != State::kRead) return text.state;
    for (PamEntry& entry : read_pam_text(text.text)) {
      if (!take(text, std::move(entry), only, stack, level)) return State::kUnknown;
    }
    return State::kRead;
  }

  std::vector<PamLine> lines;

 private:
  bool take(const Text& text, PamEntry entry, const std::string& only, std::uint32_t stack, unsigned level) {
    if (!entry.whole()) return false;
    if (entry.type == "@include") return file(entry.module, only, stack, level + 1) == State::kRead;
    if (!only.empty() && entry.type != only) return true;
    if (entry.control == "include") return file(entry.module, entry.type, stack, level + 1) == State::kRead;
    if (entry.control == "substack") return file(entry.module, entry.type, ++stacks_, level + 1) == State::kRead;
    PamLine out;
    out.type = std::move(entry.type);
    out.control = std::move(entry.control);
    out.module = entry.module.substr(entry.module.rfind('/') + 1);
    out.arguments = std::move(entry.arguments);
    out.file = text.path;
    out.line = entry.line;
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
