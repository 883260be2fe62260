// SPDX-License-Identifier: Apache-2.0
#include "broker/directory/programs.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <memory>
#include <vector>

#include "evidence/sha256.h"

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
  if (asker.anybody) return info.st_uid != 0 || (info.st_mode & (S_IWGRP | S_IWOTH)) != 0;
  if (info.st_uid == asker.uid) return true;  // he may give himself the right to write
  if ((info.st_mode & S_IWOTH) != 0) return true;
  if ((info.st_mode & S_IWGRP) == 0) return false;
  return !asker.gids || std::ranges::find(*asker.gids, info.st_gid) != asker.gids->end();
}

// In a sticky folder only owners replace what is there.
bool can_replace_in(const Requester& asker, const struct stat& folder) {
  if (asker.anybody) return writable(asker, folder);
  return writable(asker, folder) && (folder.st_uid == asker.uid || (folder.st_mode & S_ISVTX) == 0);
}

// Goes the way of the kernel to a file, link by link. True wherever nobody can tell.
class Way {
 public:
  explicit Way(const Requester& asker) : asker_(asker) {}

  bool changeable(const std::string& path) {
    Place at;
    if (!look("/", at.back())) return true;
    std::vector<std::string> ahead;  // the next one last
    push(ahead, path);
    for (int links = 0; !ahead.empty();) {
      const std::string name = std::move(ahead.back());
      ahead.pop_back();
      if (!S_ISDIR(at.back().st_mode)) return false;
      if (name == "..") {
        at.up();
        continue;
      }
      const std::string next = at.name + "/" + name;
      if (can_replace_in(asker_, at.back())) return true;
      if (name.size() > NAME_MAX) return false;  // a text, and no file
      struct stat info {};
      if (!look(next, info)) return errno != ENOENT || writable(asker_, at.back());
      if (S_ISLNK(info.st_mode)) {
        const bool his = asker_.anybody ? info.st_uid != 0 : info.st_uid == asker_.uid;
        if (his || ++links > kLinks) return true;
        std::array<char, PATH_MAX> text{};
        const ssize_t length = ::readlink(next.c_str(), text.data(), text.size());
        if (length <= 0) return true;
        const std::string to(text.data(), static_cast<std::size_t>(length));
        if (to.front() == '/') at.to_root();
        push(ahead, to);
        continue;
      }
      at.down(next, info);
    }
    // What is written to a device (/dev/null) is not what is read from it.
    return !S_ISCHR(at.back().st_mode) && writable(asker_, at.back());
  }

 private:
  static constexpr int kLinks = 40;     // as the kernel
  static constexpr int kLooks = 4096;   // for all words; who needs more gets no more of this thread

  // A folder or file, resolved, with all the folders above it.
  struct Place {
    std::string name;  // "" is the root
    std::vector<struct stat> infos = std::vector<struct stat>(1);
    struct stat& back() { return infos.back(); }
    void up() {
      if (infos.size() == 1) return;
      infos.pop_back();
      name.resize(name.rfind('/'));
    }
    void to_root() {
      infos.resize(1);
      name.clear();
    }
    void down(const std::string& next, const struct stat& info) {
      name = next;
      infos.push_back(info);
    }
  };

  static void push(std::vector<std::string>& ahead, const std::string& path) {
    for (std::size_t end = path.size();;) {
      const std::size_t slash = end == 0 ? std::string::npos : path.rfind('/', end - 1);
      const std::size_t begin = slash == std::string::npos ? 0 : slash + 1;
      std::string name = path.substr(begin, end - begin);
      if (!name.empty() && name != ".") ahead.push_back(std::move(name));
      if (slash == std::string::npos) return;
      end = slash;
    }
  }

  bool look(const std::string& path, struct stat& info) {
    if (++looks_ > kLooks) {
      errno = EAGAIN;
      return false;
    }
    return ::lstat(path.c_str(), &info) == 0;
  }

  const Requester& asker_;
  int looks_ = 0;
};

// A word, or a part of one, as a file.
bool changeable_file(Way& way, const std::string& cwd, const std::string& text) {
  const bool path = text.find('/') != std::string::npos;
  if (text.starts_with('/')) return way.changeable(text);
  if (text.empty()) return false;
  if (!cwd.starts_with('/')) return path;
  const std::string file = cwd + "/" + text;
  if (path) return way.changeable(file);
  // Most words are no files: a name that could be made counts for nothing.
  struct stat info {};
  return ::stat(file.c_str(), &info) == 0 && S_ISREG(info.st_mode) && way.changeable(file);
}

bool changeable_word(Way& way, const std::string& cwd, const std::string& word) {
  if (word.size() >= PATH_MAX) return true;
  const bool option = word.starts_with('-');
  if (!option && changeable_file(way, cwd, word)) return true;
  const std::size_t slash = word.find('/');
  // -f/home/a/x, -xfdir/x: nobody here knows how many letters are options.
  if (option && slash != std::string::npos && !word.starts_with("--")) {
    for (std::size_t at = 2; at <= slash; ++at) {
      if (changeable_file(way, cwd, word.substr(at))) return true;
    }
  }
  // if=/home/a/x, --file=/home/a/x, --mount=type=bind,source=/home/a
  for (std::size_t at = word.find('='); at != std::string::npos; at = word.find('=', at + 1)) {
    if (changeable_file(way, cwd, word.substr(at + 1))) return true;
  }
  return false;
}

}  // namespace

bool can_change(const Requester& asker, const std::string& program, const std::string& cwd, const std::vector<std::string>& words) {
  if (words.size() > kWordsLookedAt) return true;
  Way way(asker);
  if (!program.empty() && way.changeable(program)) return true;
  return std::ranges::any_of(words, [&](const std::string& word) {
    return word.find('\0') == std::string::npos && changeable_word(way, cwd, word);
  });
}

std::string bound_digest(int program, const std::string& path) {
  constexpr off_t kProgramMax = 512 * 1024 * 1024;
  struct stat file {}, named {}, after {};
  if (!path.starts_with('/') || path.size() >= PATH_MAX || path.find('\0') != std::string::npos) return {};
  if (::fstat(program, &file) != 0 || !S_ISREG(file.st_mode) || file.st_size > kProgramMax) return {};
  Requester everybody;
  everybody.anybody = true;
  Way way(everybody);
  if (way.changeable(path) || writable(everybody, file)) return {};
  // Seen from where the caller stands the path may mean another file (a mount namespace of his).
  if (::stat(path.c_str(), &named) != 0 || named.st_dev != file.st_dev || named.st_ino != file.st_ino) return {};
  evidence::Sha256 sum;
  std::vector<char> block(256 * 1024);
  for (off_t at = 0;;) {
    const ssize_t n = ::pread(program, block.data(), block.size(), at);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 || (at += n) > kProgramMax) return {};
    if (n == 0) break;
    sum.add({block.data(), static_cast<std::size_t>(n)});
  }
  const bool same = ::fstat(program, &after) == 0 && after.st_size == file.st_size && after.st_mtim.tv_sec == file.st_mtim.tv_sec &&
                    after.st_mtim.tv_nsec == file.st_mtim.tv_nsec;
  return same ? sum.hex() : std::string();
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
