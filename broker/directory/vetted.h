// SPDX-License-Identifier: Apache-2.0
// Believes a source of names as far as it does not contradict this machine's own files or itself (threat G9; Himmelblau
// CVE-2025-49012: a name of the directory became a local, privileged group).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/directory/resolver.h"

namespace jit::directory {

// What NSS says, as it says it. Called by several threads at once.
class Source {
 public:
  struct Entry {
    Status status = Status::kUnknown;
    std::string name;
    std::uint32_t id = 4294967295U;       // uid or gid
    std::uint32_t primary = 4294967295U;  // of a user: his gid
  };
  virtual ~Source() = default;
  virtual Entry user(const std::string& name) = 0;
  virtual Entry user(std::uint32_t uid) = 0;
  virtual Entry group(const std::string& name) = 0;
  virtual Entry group(std::uint32_t gid) = 0;
  virtual std::optional<std::vector<std::uint32_t>> gids_of(const std::string& user, std::uint32_t primary) = 0;
};

// - A name or uid that the file passwd holds means what that file says; another answer gives nothing (kUnknown).
// - Any other user counts where name and uid lead to each other; uid 0 never.
// - A gid that the file group holds has its name there; a name of that file is never another gid's; any other counts
//   where gid and name lead to each other. What does not count has no name, only its number.
// - Somebody is in a group of the file where the file says so; what the source says besides is only `groups_claimed`.
std::shared_ptr<Resolver> vetted(std::shared_ptr<Source> source, std::string passwd, std::string group);

}  // namespace jit::directory
