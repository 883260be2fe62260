// SPDX-License-Identifier: Apache-2.0
// The blocking look-up behind the directory. Called on pool threads, by several at once.
#pragma once

#include <memory>
#include <string>

#include "broker/directory/directory.h"

namespace jit::directory {

struct Group {
  Status status = Status::kUnknown;
  std::string name;
};

class Resolver {
 public:
  virtual ~Resolver() = default;
  virtual User by_name(const std::string& name) = 0;
  virtual User by_uid(std::uint32_t uid) = 0;
  virtual Group group(std::uint32_t gid) = 0;
};

std::shared_ptr<Resolver> nss_resolver();

// False: no user can have this name, NSS is not asked.
bool possible_name(const std::string& name);

}  // namespace jit::directory
