// SPDX-License-Identifier: Apache-2.0
// What /etc/passwd and /etc/group say, read by ourselves: NSS may be told to ask another source first.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

namespace jit::directory {

class LocalFiles {
 public:
  struct User {
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;  // primary
  };

  // Nothing: one of them cannot be read, or is past 64 MiB. Lines that are not an entry say nothing.
  static std::optional<LocalFiles> read(const std::string& passwd, const std::string& group);

  const User* user(const std::string& name) const;  // null: no such line; of several the first
  bool holds_uid(std::uint32_t uid) const { return uids_.contains(uid); }
  bool holds_group(const std::string& name) const { return gids_.contains(name); }
  bool holds_gid(std::uint32_t gid) const { return groups_.contains(gid); }
  // The name of a gid that the file holds; empty where that name means another gid.
  std::string group(std::uint32_t gid) const;
  // Does the file itself put him there: by a list of members, or as the primary group of his line?
  bool is_member(const std::string& user, std::uint32_t gid) const;

 private:
  struct Group {
    std::string name;  // of the first line with this gid
    std::set<std::string> members;
  };
  std::map<std::string, User> users_;
  std::set<std::uint32_t> uids_;
  std::map<std::string, std::uint32_t> gids_;
  std::map<std::uint32_t, Group> groups_;
};

}  // namespace jit::directory
