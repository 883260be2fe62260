// SPDX-License-Identifier: Apache-2.0
// The texts of proc(5) that identity comes from, parsed strictly: what does not have its shape gives nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace jit::gate {

struct Stat {
  std::int32_t parent = 0;
  std::int32_t session = 0;  // pid of the leader; 0: outside our pid namespace
  std::uint32_t tty = 0;     // tty_nr; 0: none
  std::uint64_t start = 0;   // clock ticks since boot
  bool operator==(const Stat&) const = default;
};

struct Credentials {
  std::uint32_t real_uid = 0;
  std::uint32_t effective_uid = 0;
  std::vector<std::uint32_t> gids;  // effective and supplementary
};

inline constexpr std::size_t kKernelGroupsMax = 4096;

// /proc/PID/stat. The name in it may hold anything, so fields count from the last ')'.
std::optional<Stat> parse_stat(std::string_view text);
// /proc/PID/status.
std::optional<Credentials> parse_status(std::string_view text);
// /proc/PID/loginuid and sessionid: one number.
std::optional<std::uint32_t> parse_number(std::string_view text);
// /proc/self/fdinfo/N of a pidfd: the pid, nothing where it is no pidfd, the process has ended, or is not ours to see.
std::optional<std::int32_t> parse_pidfd_info(std::string_view text);

// N of a virtual console ttyN (major 4, 1 to 63), or nothing.
std::optional<std::uint32_t> virtual_console(std::uint32_t tty_nr);

}  // namespace jit::gate
