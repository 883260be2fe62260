// SPDX-License-Identifier: Apache-2.0
// The three roots in a folder that goes away, with a policy that loads.
#pragma once

#include <functional>
#include <string>

#include "broker/config/config.h"

namespace jit::test {

inline constexpr const char* kRules = R"(schema = 1
[settings]
covers = ["sudo"]
[[permit]]
id = "wheel"
who = ["group:wheel"]
door = ["sudo"]
as = ["user:root"]
max = "10m"
)";

class Host {
 public:
  Host();  // etc/policy.d/main.toml holds kRules; people.d is there and empty
  ~Host();
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  std::string etc(const std::string& name) const { return roots.etc + "/" + name; }
  void put(const std::string& path, const std::string& text) const;  // 0640, folders as needed
  config::Loaded load() const { return config::load(roots); }

  config::Roots roots;
  std::string path;
};

std::string text(const std::vector<policy::Finding>& findings);
std::string names(const std::vector<policy::Source>& sources);  // base names, blank between

// Once, after the next read() of a file (see --wrap=read).
void after_next_read(std::function<void()> act);

}  // namespace jit::test
