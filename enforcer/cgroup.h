// SPDX-License-Identifier: Apache-2.0
// Control groups, cgroup v2 (cgroups(7)): what a scope or a session is to the kernel. A path is as /proc/PID/cgroup gives it,
// beginning with '/'; one that leads out of its own tree is none.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

namespace jit::enforcer {

std::string cgroup_of(pid_t pid);                    // empty: unknown
std::vector<pid_t> pids_in(const std::string& path);  // with those of the groups inside; none where it is gone
bool is_populated(const std::string& path);          // false where it is gone; what cannot be read is
bool is_gone(const std::string& path);
bool move_to(pid_t pid, const std::string& path);
void signal_all(const std::string& path, std::initializer_list<int> signals);
void kill_all(const std::string& path);              // with SIGKILL, forks under way included

// "/user.slice/user-1000.slice/session-3.scope": of the first part that is no slice the name, here "session-3.scope", and of the
// last slice before it, here "user-1000.slice" ("-.slice" where there is none).
std::string unit_in(std::string_view path);
std::string slice_in(std::string_view path);
// Up to and with that unit; empty: there is none.
std::string unit_path(std::string_view path);

}  // namespace jit::enforcer
