// SPDX-License-Identifier: Apache-2.0
#include "broker/directory/programs.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
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

bool writable(const Requester& asker, const struct stat& info) {
  if (info.st_uid == asker.uid) return true;  // he may give himself the right to write
  if ((info.st_mode & S_IWOTH) != 0) return true;
  if ((info.st_mode & S_IWGRP) == 0) return false;
  return !asker.gids || std::ranges::find(*asker.gids, info.st_gid) != asker.gids->end();
}

// Of a path and of each folder above it. In a sticky folder only owners replace what is there.
bool changeable(const Requester& asker, std::string path) {
  bool there = true;
  for (bool leaf = true;; leaf = false) {
    struct stat info {};
    if (::lstat(path.c_str(), &info) != 0) {
      if (errno != ENOENT && errno != ENOTDIR) return true;
      there = false;
    } else {
      const bool sticky = S_ISDIR(info.st_mode) && (info.st_mode & S_ISVTX) != 0 && info.st_uid != asker.uid && there && !leaf;
      if (!S_ISLNK(info.st_mode) || info.st_uid == asker.uid) {
        if (!sticky && writable(asker, info)) return true;
      }
      there = true;
    }
    const std::size_t slash = path.rfind('/');
    if (path == "/" || slash == std::string::npos) return false;
    path.resize(std::max<std::size_t>(slash, 1));
  }
}

bool can_change_file(const Requester& asker, const std::string& path) {
  if (changeable(asker, path)) return true;
  const std::unique_ptr<char, Free> real(::realpath(path.c_str(), nullptr));
  return real && changeable(asker, real.get());
}

}  // namespace

bool can_change(const Requester& asker, const std::string& program, const std::string& cwd, const std::vector<std::string>& words) {
  constexpr std::size_t kWords = 64;  // looked at; more are seldom files, and each costs a few system calls
  if (!program.empty() && can_change_file(asker, program)) return true;
  for (std::size_t i = 0; i < std::min(words.size(), kWords); ++i) {
    const std::string& word = words[i];
    if (word.empty() || word.front() == '-' || word.find('\0') != std::string::npos) continue;
    const bool path = word.find('/') != std::string::npos;
    if (word.front() != '/' && !cwd.starts_with('/')) continue;
    const std::string file = word.front() == '/' ? word : cwd + "/" + word;
    struct stat info {};
    if (::stat(file.c_str(), &info) == 0) {
      if (S_ISREG(info.st_mode) && can_change_file(asker, file)) return true;
    } else if (errno == EACCES && path) {
      return true;
    }
  }
  return false;
}

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
