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
constexpr std::array<Weight, 6> kWeights{{
    {&Signs::changeable, 30},
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

// Of those, what is a shell or takes a program as its text; and what a person works in, from which a shell starts.
constexpr auto kShells = std::to_array<std::string_view>({
    "ash", "awk", "bash", "busybox", "chroot", "csh", "dash", "env", "fish", "gawk", "gdb", "ksh", "lua", "mawk", "mksh", "nawk",
    "node", "nsenter", "perl", "php", "python", "rbash", "ruby", "screen", "script", "sh", "su", "sudo", "tcsh", "tmux", "unshare",
    "xargs", "zsh",
});
static_assert(std::ranges::is_sorted(kShells));
constexpr auto kEscapes = std::to_array<std::string_view>({
    "ed", "emacs", "ex", "less", "man", "more", "most", "nano", "rvim", "sudoedit", "vi", "view", "vim", "vimdiff", "visudo",
});
static_assert(std::ranges::is_sorted(kEscapes));

std::string_view name_in(std::string_view path) { return path.substr(path.rfind('/') + 1); }

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

Reach reach_of(const policy::Command& command) {
  if (!far_reaching(command)) return Reach::kNone;
  for (const std::string& option : command.options) {
    if (option == "-s" || option == "-i") return Reach::kShell;
    if (option == "-e") return Reach::kEscape;
  }
  std::string_view name = name_in(command.path);
  const auto end = name.find_first_of("0123456789.");
  if (end != std::string_view::npos && end > 0) name = name.substr(0, end);
  if (std::ranges::binary_search(kShells, name)) return Reach::kShell;
  return std::ranges::binary_search(kEscapes, name) ? Reach::kEscape : Reach::kOther;
}

std::vector<std::string> signs_for_people(const Signs& signs, policy::Door door, const policy::Identity& target,
                                          const policy::Command& command) {
  const bool login = door == policy::Door::kSsh || door == policy::Door::kLogin;
  std::vector<std::string> out;
  if (signs.changeable) out.emplace_back("the requester can change a file that it runs or reads");
  if (signs.first_target && login) out.emplace_back("never logged in here before");
  if (signs.first_target && !login) out.push_back("never was " + (target.user.empty() ? "uid " + std::to_string(target.uid) : target.user) + " here before");
  if (signs.first_seen) out.emplace_back("never came from this network before");
  if (signs.odd_hour) out.emplace_back("outside the usual hours");
  switch (reach_of(command)) {
    case Reach::kShell: out.emplace_back("as good as a root shell: any command can follow"); break;
    case Reach::kEscape: out.emplace_back("an editor or pager: a shell can be started in it"); break;
    case Reach::kOther: out.emplace_back("can start other programs or write any file"); break;
    case Reach::kNone: break;
  }
  if (signs.unknown_command) out.emplace_back("nobody can tell what will run");
  if (signs.denials > 0) out.push_back("denied " + (signs.denials == 1 ? std::string("once") : std::to_string(signs.denials) + " times") + " within an hour");
  return out;
}

bool far_reaching(const policy::Command& command) {
  if (!command.known) return false;
  for (const std::string& option : command.options) {
    if (option == "-s" || option == "-i" || option == "-e") return true;
  }
  return far_reaching_program(name_in(command.path));
}

}  // namespace jit::core
