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

// Sorted, without a version. What GTFOBins lists for sudo and people really have, but for what only reads: whoever may run one
// of these may run anything. Shells, what takes a program as its text, and what becomes another user.
constexpr auto kShells = std::to_array<std::string_view>({
    "ash", "awk", "bash", "busybox", "capsh", "chroot", "cpan", "csh", "dash", "doas", "elvish", "env", "expect", "fish", "gawk", "gdb",
    "guile", "irb", "jjs", "jrunscript", "julia", "ksh", "ksu", "lua", "machinectl", "mawk", "mksh", "nawk", "node", "nodejs", "nsenter",
    "octave", "perl", "php", "pkexec", "posh", "pry", "pwsh", "python", "rbash", "ruby", "runuser", "sash", "screen", "script", "setpriv",
    "sg", "sh", "su", "sudo", "tclsh", "tcsh", "tmate", "tmux", "unshare", "wish", "xargs", "yash", "zsh",
});
static_assert(std::ranges::is_sorted(kShells));
// What a person works in or reads with, and what starts an editor or a pager by itself.
constexpr auto kEscapes = std::to_array<std::string_view>({
    "batcat", "busctl", "crontab", "dmesg", "ed", "editor", "emacs", "ex", "info", "joe", "journalctl", "less", "loginctl", "man", "mcedit",
    "more", "most", "nano", "nvim", "pager", "pg", "pico", "rview", "rvim", "sensible-editor", "sensible-pager", "sudoedit", "systemctl",
    "timedatectl", "vi", "view", "vigr", "vim", "vimdiff", "vipw", "visudo",
});
static_assert(std::ranges::is_sorted(kEscapes));
constexpr auto kOthers = std::to_array<std::string_view>({
    "aa-exec", "ansible", "ansible-playbook", "ansible-test", "apache2ctl", "apt", "apt-get", "aptitude", "ar", "aria2c", "at", "batch",
    "bconsole", "bpftrace", "bundle", "cabal", "certbot", "chattr", "chmod", "choom", "chown", "chpasswd", "cmake", "composer", "cp",
    "cpio", "cpulimit", "crash", "csplit", "curl", "dc", "dd", "debugfs", "distcc", "dmsetup", "dnf", "docker", "dotnet", "dpkg",
    "easy_install", "facter", "find", "flatpak", "flock", "ftp", "fzf", "g++", "gcc", "gcore", "gem", "ghc", "ghci", "gimp", "git",
    "gtester", "insmod", "install", "ionice", "ip", "java", "jq", "knife", "kubectl", "latex", "ldconfig", "lftp", "ln", "logrotate",
    "logsave", "ltrace", "lxc", "mail", "make", "minicom", "modprobe", "mount", "msfconsole", "msgfilter", "multitime", "mv", "mysql", "nc",
    "ncat", "ncftp", "netcat", "newgrp", "nft", "nice", "nmap", "nohup", "npm", "openssl", "openvpn", "openvt", "pacman", "parallel",
    "passwd", "patch", "pdb", "pexec", "pip", "pipx", "podman", "psftp", "psql", "puppet", "rake", "restic", "rlwrap", "rpm", "rsync",
    "run-parts", "scanmem", "scp", "sed", "service", "setarch", "setcap", "setfacl", "setlock", "setsid", "sftp", "slsh", "smbclient",
    "snap", "socat", "softlimit", "sort", "split", "sqlite", "sqlmap", "ssh", "ssh-agent", "ssh-copy-id", "ssh-keygen", "sshpass",
    "start-stop-daemon", "stdbuf", "strace", "sysctl", "systemd-nspawn", "systemd-run", "tar", "task", "taskset", "tasksh", "tcpdump",
    "tdbtool", "tee", "telnet", "terraform", "tftp", "time", "timeout", "top", "torify", "torsocks", "truncate", "unsquashfs", "unzip",
    "update-alternatives", "useradd", "usermod", "uudecode", "vagrant", "valgrind", "virsh", "watch", "wget", "wireshark", "xdotool",
    "xelatex", "xetex", "yarn", "yum", "zathura", "zip", "zypper",
});
static_assert(std::ranges::is_sorted(kOthers));

std::string_view name_in(std::string_view path) { return path.substr(path.rfind('/') + 1); }

Reach reach_of_name(std::string_view name) {
  if (std::ranges::binary_search(kShells, name)) return Reach::kShell;
  if (std::ranges::binary_search(kEscapes, name)) return Reach::kEscape;
  return std::ranges::binary_search(kOthers, name) ? Reach::kOther : Reach::kNone;
}

Reach reach_of_program(std::string_view name) {
  if (const Reach reach = reach_of_name(name); reach != Reach::kNone) return reach;
  // python3.11, perl5.36, vim.basic: the name up to its version or its variant.
  const auto end = name.find_first_of("0123456789.");
  return end != std::string_view::npos && end > 0 ? reach_of_name(name.substr(0, end)) : Reach::kNone;
}

}  // namespace

std::int64_t risk_of(const Signs& signs) {
  std::int64_t points = std::min(kDenialsMost, kEachDenial * static_cast<std::int64_t>(signs.denials));
  for (const Weight& weight : kWeights) {
    if (signs.*weight.sign) points += weight.points;
  }
  return std::min(points, kMost);
}

bool far_reaching_program(std::string_view name) { return reach_of_program(name) != Reach::kNone; }

Reach reach_of(const policy::Command& command) {
  if (!command.known) return Reach::kNone;
  for (const std::string& option : command.options) {
    if (option == "-s" || option == "-i") return Reach::kShell;
    if (option == "-e") return Reach::kEscape;
  }
  return reach_of_program(name_in(command.path));
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
    case Reach::kEscape: out.emplace_back("opens an editor or pager: a shell can be started in it"); break;
    case Reach::kOther: out.emplace_back("can start other programs or write any file"); break;
    case Reach::kNone: break;
  }
  if (signs.unknown_command) out.emplace_back("nobody can tell what will run");
  if (signs.denials > 0) out.push_back("denied " + (signs.denials == 1 ? std::string("once") : std::to_string(signs.denials) + " times") + " within an hour");
  return out;
}

bool far_reaching(const policy::Command& command) { return reach_of(command) != Reach::kNone; }

}  // namespace jit::core
