// SPDX-License-Identifier: Apache-2.0
// What an end could not reach, for the audit log.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "enforcer/held.h"

namespace jit::enforcer {

struct Left {
  pid_t pid = 0;
  uid_t uid = 0;
  std::string name;
};

struct Report {
  std::string id;
  std::uint32_t number = 0;
  std::string why;
  std::uint32_t ended = 0;
  std::vector<Left> survivors;      // in its own groups, after KILL
  std::vector<Left> beyond;         // of the same audit session, begun since, outside
  std::vector<std::string> later;   // units, at and cron jobs that appeared since
  std::uint32_t left_out = 0;       // of the lists, each of which holds kMost
};
inline constexpr std::size_t kMost = 64;

void add(std::vector<Left>& list, Left left, Report& report);
// What began before the grant was used cannot come from it, and is not named: the person's own shell, say.
void find_beyond(const Held& held, const std::function<bool(const std::string& cgroup)>& is_inside, Report& report);
void find_later(std::int64_t since_wall_s, Report& report);

}  // namespace jit::enforcer
