// SPDX-License-Identifier: Apache-2.0
#include "broker/directory/programs.h"

#include <sys/stat.h>

#include <array>
#include <climits>
#include <cstdlib>
#include <memory>

namespace jit::directory {

namespace {

// Debian's default; a sudoers file may name another one, and then this is a wrong claim that sudo_jit corrects.
constexpr std::array kSecurePath = {"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"};

struct Free {
  void operator()(char* text) const noexcept { std::free(text); }
};

std::string real_folder(const std::string& folder) {
  const std::unique_ptr<char, Free> real(::realpath(folder.empty() ? "/" : folder.c_str(), nullptr));
  return real ? std::string(real.get()) : std::string();
}

std::string in_folder(const std::string& folder, const std::string& name) {
  const std::string real = real_folder(folder);
  if (real.empty()) return {};
  return real == "/" ? real + name : real + "/" + name;
}

bool can_run(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) && (info.st_mode & 0111) != 0;
}

}  // namespace

std::string program_path(const std::string& word) {
  if (word.find('\0') != std::string::npos) return {};
  const std::size_t slash = word.rfind('/');
  if (slash != std::string::npos) {
    const std::string name = word.substr(slash + 1);
    if (word.front() != '/' || name.empty() || name == "." || name == "..") return {};
    return in_folder(word.substr(0, slash), name);
  }
  if (word.empty() || word == "." || word == "..") return {};
  for (const char* folder : kSecurePath) {
    if (can_run(std::string(folder) + "/" + word)) return in_folder(folder, word);
  }
  return {};
}

}  // namespace jit::directory
