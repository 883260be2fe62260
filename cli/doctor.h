// SPDX-License-Identifier: Apache-2.0
// What jitctl doctor finds of this host. Each part alone adds its findings; none changes anything.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "cli/client.h"
#include "policy/policy.h"
#include "setup/inspect.h"

namespace jit::cli {

// "gated": tried, and the broker was asked. "observes". "open": nothing of ours, and the policy does not want it. "hole". "closed": nobody
// gets through, since something is broken. "absent": the host has no such door.
struct DoorState {
  policy::Door door = policy::Door::kSudo;
  std::string state;
  bool covered = false;  // by the policy
};

struct Doctor {
  std::vector<policy::Door> chosen;
  bool all = true;
  const policy::Policy* policy = nullptr;  // of the files; null: it does not load
  Json status;                             // of the broker; null: it does not answer
  std::vector<DoorState> doors;
  std::vector<setup::Finding> findings;

  void look();

  void doors_by_pam();   // doctor_doors.cpp
  void sudo_settings();  // doctor_programs.cpp
  void sudo_rs_gates(const std::string& path, const DoorState& sudo);
  void sshd_settings();
  void host_itself();    // doctor_host.cpp
  void providers();      // of facts
  void bus_policy();     // doctor_bus.cpp
  void ungated();        // doctor_paths.cpp

  bool is_chosen(policy::Door door) const;
  bool covers(policy::Door door) const;
  const DoorState* state_of(policy::Door door) const;
  bool is_gated(policy::Door door) const;
  void add(setup::Level level, std::string where, std::string what, std::string todo);
};

}  // namespace jit::cli
