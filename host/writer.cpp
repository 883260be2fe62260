// SPDX-License-Identifier: Apache-2.0
#include "host/writer.h"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <cerrno>
#include <deque>
#include <vector>

#include "host/access_list.h"
#include "host/names.h"

namespace jit::host {
namespace {

constexpr int kMostLinks = 40;  // as the kernel

using Words = std::deque<std::string>;

void put_in_front(Words& words, const std::string& path) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; at < path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    if (end > at) parts.push_back(path.substr(at, end - at));
    at = end + 1;
  }
  words.insert(words.begin(), parts.begin(), parts.end());
}

class Walk {
 public:
  explicit Walk(const Tree& tree) : tree_(tree) {}

  std::optional<std::string> along(const std::string& path) {
    if (!path.starts_with('/')) return std::nullopt;
    Words left;
    put_in_front(left, path);
    struct stat st {};
    if (lstat((tree_.root + '/').c_str(), &st) != 0) return std::nullopt;
    std::vector<struct stat> folders{st};  // those that we are in, from the root down
    std::vector<std::string> names;
    if (auto who = who_writes(st, tree_.root + '/')) return who;
    for (int links = 0; !left.empty();) {
      const std::string word = left.front();
      left.pop_front();
      if (word == ".") continue;
      if (word == "..") {
        if (!names.empty()) names.pop_back(), folders.pop_back();
        continue;
      }
      const std::string here = joined(names) + '/' + word;
      if (lstat(here.c_str(), &st) != 0) return errno == ENOENT ? who_makes(folders.back(), joined(names)) : std::nullopt;
      if (auto who = who_replaces(st, folders.back())) return who;
      if (S_ISLNK(st.st_mode)) {
        std::array<char, PATH_MAX> target{};
        const ssize_t size = readlink(here.c_str(), target.data(), target.size());
        if (size <= 0 || ++links > kMostLinks) return std::nullopt;
        const std::string to(target.data(), static_cast<std::size_t>(size));
        if (to.starts_with('/')) names.clear(), folders.resize(1);
        put_in_front(left, to);
        continue;
      }
      if (auto who = who_writes(st, here)) return who;
      if (!S_ISDIR(st.st_mode)) return std::nullopt;
      names.push_back(word);
      folders.push_back(st);
    }
    return std::nullopt;
  }

 private:
  std::string joined(const std::vector<std::string>& names) const {
    std::string out = tree_.root;
    for (const std::string& name : names) out += '/' + name;
    return out;
  }

  std::optional<std::string> foreign_user(std::uint32_t uid) const {
    return uid == tree_.owner ? std::nullopt : std::optional(user_text(uid));
  }

  // Into a file or a folder. What a sticky folder allows is the business of the names in it.
  std::optional<std::string> who_writes(const struct stat& st, const std::string& path) const {
    if (auto who = foreign_user(st.st_uid)) return who;
    const bool sticky = S_ISDIR(st.st_mode) && (st.st_mode & S_ISVTX) != 0;
    return sticky ? std::nullopt : who_else(st, path);
  }

  // Whom the mode and the access list let write, the owner apart.
  std::optional<std::string> who_else(const struct stat& st, const std::string& path) const {
    if ((st.st_mode & S_IWOTH) != 0) return "everybody";
    if ((st.st_mode & S_IWGRP) == 0) return std::nullopt;
    const auto list = access_list_of(path);
    if ((!list || list->owning_group_writes) && st.st_gid != tree_.group) return group_text(st.st_gid);
    if (!list) return std::nullopt;
    for (const std::uint32_t uid : list->writing_users) {
      if (auto who = foreign_user(uid)) return who;
    }
    for (const std::uint32_t gid : list->writing_groups) {
      if (gid != tree_.group) return group_text(gid);
    }
    return std::nullopt;
  }

  // In a sticky folder that others write, the owner of an entry may put another in its place.
  std::optional<std::string> who_replaces(const struct stat& st, const struct stat& folder) const {
    const bool shared = (folder.st_mode & S_ISVTX) != 0 && (folder.st_mode & (S_IWGRP | S_IWOTH)) != 0;
    return shared ? foreign_user(st.st_uid) : std::nullopt;
  }

  // A name that is not there: sticky does not keep anybody from making it.
  std::optional<std::string> who_makes(const struct stat& folder, const std::string& path) const {
    return who_else(folder, path.empty() ? "/" : path);
  }

  const Tree& tree_;
};

}  // namespace

std::optional<std::string> writer_of(const std::string& path, const Tree& tree) { return Walk(tree).along(path); }

}  // namespace jit::host
