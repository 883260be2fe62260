// SPDX-License-Identifier: Apache-2.0
#include "broker/core/risk.h"

#include <algorithm>
#include <array>

namespace jit::core {

namespace {

// One strong sign alone stays below 30; a guard at 60 needs three of them, or two and repeated denials.
struct Weight {
  bool Signs::*sign;
  std::int64_t points;
};
constexpr std::array<Weight, 5> kWeights{{
    {&Signs::first_target, 25},
    {&Signs::odd_hour, 20},
    {&Signs::far_reaching, 20},
    {&Signs::unknown_command, 20},
    {&Signs::first_seen, 25},
}};
constexpr std::int64_t kEachDenial = 10;
constexpr std::int64_t kDenialsMost = 30;
constexpr std::int64_t kMost = 100;

// Sorted. What GTFOBins lists for sudo and people really have: whoever may run one of these may run anything.
constexpr std::array kPrograms = std::to_array<std::string_view>({
    "apt",     "apt-get", "ash",    "awk",     "bash",   "busybox", "chmod",  "chown", "chroot",   "cp",
    "csh",     "dash",    "dd",     "docker",  "dpkg",   "ed",      "emacs",  "env",   "ex",       "find",
    "fish",    "gawk",    "gdb",    "git",     "install", "ksh",    "less",   "ln",    "lua",      "man",
    "mawk",    "mksh",    "more",   "most",    "mount",  "mv",      "nano",   "nawk",  "nice",     "node",
    "nsenter", "perl",    "php",    "pip",     "podman", "python",  "rbash",  "rsync", "ruby",     "rvim",
    "scp",     "screen",  "script", "sed",     "sh",     "socat",   "ssh",    "strace", "su",      "sudo",
    "sudoedit", "systemd-run", "tar", "tcsh",  "tee",    "timeout", "tmux",   "unshare", "vi",     "view",
    "vim",     "vimdiff", "visudo", "watch",   "xargs",  "zsh",
});
static_assert(std::ranges::is_sorted(kPrograms));

}  // namespace

std::int64_t risk_of(const Signs& signs) {
  std::int64_t points = std::min(kDenialsMost, kEachDenial * static_cast<std::int64_t>(signs.denials));
  for (const Weight& weight : kWeights) {
    if (signs.*weight.sign) points += weight.points;
  }
  return std::min(points, kMost);
}

bool far_reaching_program(std::string_view name) {
  if (std::ranges::binary_search(kPrograms, name)) return true;
  // python3.11, perl5.36, vim.basic: the name up to its version or its variant.
  const auto end = name.find_first_of("0123456789.");
  return end != std::string_view::npos && end > 0 && std::ranges::binary_search(kPrograms, name.substr(0, end));
}

bool far_reaching(const policy::Command& command) {
  if (!command.known) return false;
  for (const std::string& option : command.options) {
    if (option == "-s" || option == "-i" || option == "-e") return true;
  }
  const auto slash = command.path.rfind('/');
  return far_reaching_program(slash == std::string_view::npos ? command.path : command.path.substr(slash + 1));
}

}  // namespace jit::core
