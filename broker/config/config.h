// SPDX-License-Identifier: Apache-2.0
// /etc/jit, read safely: openat2(RESOLVE_NO_SYMLINKS), owner root, not writable by others, one hard link, regular files,
// at most 4 MiB a file and 64 MiB a set. The whole set or nothing.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "policy/policy.h"

namespace jit::config {

struct Broker {  // broker.toml; every key optional
  std::string host_name;            // [host] name; default: the kernel's host name
  std::vector<std::string> tags;    // [host] tags
  std::string log_level = "info";   // [log] level: "error", "warning", "info", "debug"
  // [limits] pending-per-uid, connections-per-uid, requests-per-hour, pending-per-host; 0 here: the default holds
  std::size_t pending_per_uid = 0, connections_per_uid = 0, requests_per_hour = 0, pending_per_host = 0;
};

struct Roots {  // defaults are the real ones; jitctl policy check names others
  std::string etc = "/etc/jit";
  std::string usr = "/usr/lib/jit";
  std::string run = "/run/jit";
  bool check_owner = true;  // false: only for files that jitctl checks before they are installed
  bool warnings = false;    // the W checks too, for whoever writes the policy; they never block a load
};

struct Loaded {
  Broker broker;
  std::shared_ptr<const policy::Policy> policy;  // null when anything is wrong
  std::vector<policy::Finding> findings;         // E03 for ownership; every finding names file:line:column
  std::vector<policy::Source> rules;             // what was read, to keep as the last good set
  std::vector<policy::Source> people;
  std::vector<policy::Source> tests;             // tests.d of etc; a failing one blocks the load (E09)
};

// Reads broker.toml, people.d, and policy.d of the three roots (a base name in etc replaces run replaces usr; an empty
// file or a link to /dev/null masks it), then policy::Policy::load, the static checks that are errors, and tests.d.
Loaded load(const Roots& roots);

// The same from a kept set.
Loaded load_kept(const Broker& broker, std::vector<policy::Source> rules, std::vector<policy::Source> people);

}  // namespace jit::config
