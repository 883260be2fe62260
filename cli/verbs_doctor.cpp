// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <algorithm>

#include "cli/commands.h"
#include "cli/doctor.h"
#include "cli/policy_files.h"
#include "evidence/text.h"

namespace jit::cli {

using setup::Level;

bool Doctor::is_chosen(policy::Door door) const { return std::ranges::find(chosen, door) != chosen.end(); }
bool Doctor::covers(policy::Door door) const { return policy != nullptr && policy->covers(door); }

const DoorState* Doctor::state_of(policy::Door door) const {
  const auto found = std::ranges::find(doors, door, &DoorState::door);
  return found == doors.end() ? nullptr : &*found;
}

bool Doctor::is_gated(policy::Door door) const {
  const DoorState* const state = state_of(door);
  return state != nullptr && (state->state == "gated" || state->state == "closed");
}

void Doctor::add(Level level, std::string where, std::string what, std::string todo) {
  setup::Finding finding{level, std::move(where), std::move(what), std::move(todo)};
  if (std::ranges::find(findings, finding) == findings.end()) findings.push_back(std::move(finding));
}

void Doctor::look() {
  doors_by_pam();
  sudo_settings();
  sshd_settings();
  if (all) {
    host_itself();
    ungated();
  }
  // What matters most first; within that in the order in which it was found. The same line of a file that two services share: once.
  std::ranges::stable_sort(findings, {}, &setup::Finding::level);
  std::vector<setup::Finding> once;
  for (setup::Finding& finding : findings) {
    if (std::ranges::find(once, finding) == once.end()) once.push_back(std::move(finding));
  }
  findings = std::move(once);
}

Exit Verbs::doctor() {
  Doctor doctor;
  doctor.chosen.assign(setup::kDoors.begin(), setup::kDoors.end());
  if (args.has(Option::kDoor)) {
    const auto door = setup::door_named(args.value(Option::kDoor));
    if (!door) return out.fail({Exit::kUsage, "no door \"" + evidence::escape_to(args.value(Option::kDoor), 64) + "\": give sudo, su, ssh, login or polkit"});
    doctor.chosen = {*door};
    doctor.all = false;
  }
  if (geteuid() != 0) return out.fail({Exit::kNotAllowed, "doctor tries the doors as PAM does, so it is for root: type sudo jitctl doctor"});
  const auto files = load_policy({});
  if (!files) return out.fail(files.failure());
  doctor.policy = files->policy.get();
  if (doctor.policy == nullptr) {
    for (const policy::Finding& finding : files->findings) doctor.add(finding.code == "E03" ? Level::kHole : Level::kFault, "policy", shown(finding), "mend it: jitctl policy check");
    doctor.policy = files->untested != nullptr ? files->untested.get() : files->unrescued.get();
  }
  if (const auto client = Client::connect(std::chrono::seconds(5))) {
    if (auto status = (*client)->status()) doctor.status = std::move(*status);
  }
  doctor.look();

  const auto count = [&](Level level) { return std::ranges::count(doctor.findings, level, &setup::Finding::level); };
  const bool good = count(Level::kHole) == 0 && count(Level::kFault) == 0;
  if (json()) {
    Json doors = Json::array(), findings = Json::array();
    for (const DoorState& door : doctor.doors) doors.push_back({{"door", policy::name_of(door.door)}, {"state", door.state}, {"covered", door.covered}});
    for (const setup::Finding& one : doctor.findings) {
      findings.push_back({{"level", setup::name_of(one.level)}, {"where", evidence::escape(one.where)}, {"what", evidence::escape(one.what)}, {"do", evidence::escape(one.todo)}});
    }
    out.line(Json{{"ok", good}, {"holes", count(Level::kHole)}, {"doors", doors}, {"findings", findings}}.dump());
    return good ? Exit::kDone : Exit::kNo;
  }
  std::vector<std::vector<std::string>> rows = {{"DOOR", "STATE", "POLICY"}};
  for (const DoorState& door : doctor.doors) rows.push_back({std::string(policy::name_of(door.door)), door.state, door.covered ? "covers it" : "leaves it alone"});
  out.table(rows);
  for (const setup::Finding& one : doctor.findings) {
    std::string level(setup::name_of(one.level));
    if (one.level == Level::kHole) level = "HOLE";
    out.line("");
    out.line(level + " " + evidence::escape(one.where) + ": " + evidence::escape(one.what));
    out.line("  do: " + evidence::escape(one.todo));
  }
  out.line("");
  out.line(std::to_string(count(Level::kHole)) + " holes, " + std::to_string(count(Level::kFault)) + " faults, " + std::to_string(count(Level::kOpen)) + " open ways, " +
           std::to_string(count(Level::kNote)) + " notes");
  return good ? Exit::kDone : Exit::kNo;
}

}  // namespace jit::cli
