// SPDX-License-Identifier: Apache-2.0
// /etc/jit, read safely: openat2(RESOLVE_NO_SYMLINKS), owner root, not writable by others, one hard link, regular files,
// at most 4 MiB a file and 64 MiB a set. The whole set or nothing.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "evidence/request.h"
#include "host/pam_files.h"
#include "policy/analysis/analyse.h"
#include "policy/policy.h"

namespace jit::config {

struct Broker {  // broker.toml; every key optional
  std::string host_name;            // [host] name; default: the kernel's host name
  std::vector<std::string> tags;    // [host] tags
  std::string log_level = "info";   // [log] level: "error", "warning", "info", "debug"
  std::uint32_t retain_s = 400 * 86'400;  // [audit] retain: older entries of the log go into the archive
  evidence::PrivateFields hide = {};         // [privacy] private: what does not leave the host
  // [limits] pending-per-uid, connections-per-uid, requests-per-hour, pending-per-host; 0 here: the default holds
  std::size_t pending_per_uid = 0, connections_per_uid = 0, requests_per_hour = 0, pending_per_host = 0;
};

// What this machine tells the checks of a policy. None: the broker's own choice, which is what an error needs (the rescue
// lines of the PAM files, for E10; anybody may read them) and nothing else: who is known to NSS, who may write a program and
// what the log says only make warnings, which a load does not ask for, and NSS may hang.
using HostFacts = std::function<policy::analysis::Host(const policy::Policy&)>;

struct Roots {  // defaults are the real ones; jitctl policy check names others
  std::string etc = "/etc/jit";
  std::string usr = "/usr/lib/jit";
  std::string run = "/run/jit";
  bool check_owner = true;  // false: only for files that jitctl checks before they are installed
  bool warnings = false;    // the W checks too, for whoever writes the policy; they never block a load
  host::PamFolders pam = {};
  HostFacts facts = {};
  std::optional<std::vector<std::string>> tags = {};  // instead of those of broker.toml: for a host that is not this one
};

// What a policy is made of.
struct Sources {
  std::vector<policy::Source> rules;
  std::vector<policy::Source> people;
  std::vector<policy::Source> calendars;  // by file name: *.ics of calendars
  std::vector<policy::Source> rosters;    // by file name: *.toml of rosters
  std::string broker_text;                // broker.toml; empty: there was none
};

struct Loaded : Sources {  // what was read, to keep as the last good set
  Broker broker;
  bool broker_file = false;  // there was a broker.toml
  std::shared_ptr<const policy::Policy> policy;  // null when anything is wrong
  // The policy that was refused only because the PAM files do not hold the rescue lines that it declares (E10): for a broker
  // that starts and has kept no other, since with none at all nobody gets in by any door.
  std::shared_ptr<const policy::Policy> unrescued;
  // The policy that was refused only because of tests.d: for questions about it, never for a broker.
  std::shared_ptr<const policy::Policy> untested;
  std::vector<policy::Finding> findings;         // E03 for ownership; every finding names file:line:column
  std::vector<policy::Source> tests;             // *.toml of tests.d, run before a policy is taken
};

// What evidence/ says of a key of people.d.
policy::KeyVerdict judge_key(const policy::Key& key);

// Reads broker.toml, people.d, calendars, rosters, tests.d, and policy.d of the three roots (a base name in etc replaces run replaces usr; an empty
// file or a link to /dev/null masks it), then policy::Policy::load, the static checks that
// are errors, and the tests: one that fails is E09, and refuses the set.
Loaded load(const Roots& roots);

// The same from a set with its broker.toml as it was read, which passed its checks and tests when it was taken.
Loaded load_kept(const Broker& broker, Sources sources);

// What broker.toml of a kept set says; nothing: this broker would not take it.
std::optional<Broker> kept_broker(std::string_view text);

// The static checks and the tests, as load() runs them; what is an error takes the policy away. Of `roots` only warnings, pam
// and facts count. A fact that cannot be had is not known, and its check says nothing.
void examine(Loaded& loaded, const Roots& roots);

// The same policy as a host with other tags compiles it; null where it does not. `loaded` must outlive what is returned.
std::function<std::shared_ptr<const policy::Policy>(std::span<const std::string>)> for_tags(const Loaded& loaded);

// The input of a load, with the time of this machine; views into what is given.
policy::Policy::Input input_of(const Sources& sources, const Broker& broker);

}  // namespace jit::config
