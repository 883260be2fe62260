// SPDX-License-Identifier: Apache-2.0
#include "sudo_jit/program.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

namespace jit::sudo {
namespace {

using pam::Fd;
using Path = std::array<char, PATH_MAX>;

bool copy(std::string_view text, Path& out) {
  if (text.size() >= out.size()) return false;
  std::copy(text.begin(), text.end(), out.begin());
  out[text.size()] = '\0';
  return true;
}

Fd open_folder(int from, const char* path) { return pam::above_stdio(openat(from, path, O_PATH | O_DIRECTORY | O_CLOEXEC)); }

}  // namespace

// The folder is opened once: its name and the program in it belong together, whatever is renamed meanwhile.
Program find_program(std::string_view command, std::string_view folder) {
  Program out;
  const std::size_t slash = command.rfind('/');
  if (slash == std::string_view::npos || slash + 1 == command.size()) return out;
  const std::string_view name(command.data() + slash + 1, command.size() - slash - 1);
  Path text;
  Path base;
  if (name == "." || name == ".." || !copy({command.data(), slash == 0 ? 1 : slash}, text)) return out;
  Fd from;
  if (command.front() != '/' && !folder.empty()) {
    if (!copy(folder, base)) return out;
    from = open_folder(AT_FDCWD, base.data());
    if (!from) return out;
  }
  const Fd place = open_folder(from ? from.get() : AT_FDCWD, text.data());
  std::array<char, 32> link{};
  snprintf(link.data(), link.size(), "/proc/self/fd/%d", place.get());
  const ssize_t length = place ? readlink(link.data(), text.data(), text.size()) : -1;
  if (length <= 0 || static_cast<std::size_t>(length) + name.size() + 2 > text.size()) return out;
  struct stat there {};
  if (fstat(place.get(), &there) != 0 || there.st_nlink == 0) return out;  // removed: its name says "(deleted)"
  auto at = static_cast<std::size_t>(length);
  if (text[at - 1] != '/') text[at++] = '/';
  std::copy(name.begin(), name.end(), text.begin() + static_cast<std::ptrdiff_t>(at));
  text[at + name.size()] = '\0';
  // Not to hang on a FIFO, and no terminal of ours.
  Fd file = pam::above_stdio(openat(place.get(), text.data() + at, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  struct stat status {};
  if (file && fstat(file.get(), &status) == 0 && S_ISREG(status.st_mode)) out.file = std::move(file);
  out.path = text;
  return out;
}

}  // namespace jit::sudo
