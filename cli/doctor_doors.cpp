// SPDX-License-Identifier: Apache-2.0
// Each door by its PAM files, and by a real try.
#include <unistd.h>

#include <algorithm>

#include "cli/doctor.h"
#include "cli/setup_files.h"
#include "evidence/text.h"
#include "host/pam_files.h"
#include "host/rescue.h"
#include "setup/edit.h"
#include "setup/probe/probe.h"

namespace jit::cli {

namespace {

using setup::Finding;
using setup::Level;
using setup::Stands;

std::string file_of(const setup::Service& service) { return "/etc/pam.d/" + std::string(service.name); }

// The state that is worse for who thinks the door is gated.
std::string worse(const std::string& a, const std::string& b) {
  static const std::vector<std::string> order = {"absent", "gated", "closed", "observes", "open", "hole"};
  return std::ranges::find(order, a) > std::ranges::find(order, b) ? a : b;
}

// Is there what asks PAM at this door?
bool is_installed(policy::Door door) {
  const char* program = "/usr/bin/sudo";
  if (door == policy::Door::kSu) program = "/bin/su";
  if (door == policy::Door::kSsh) program = "/usr/sbin/sshd";
  if (door == policy::Door::kLogin) program = "/bin/login";
  if (door == policy::Door::kPolkit) program = "/usr/lib/polkit-1/polkit-agent-helper-1";
  return access(program, X_OK) == 0;
}

std::string said_by(const setup::probe::Result& tried) {
  const std::string first = tried.said.substr(0, tried.said.find('\n'));
  return evidence::escape_to(first.empty() ? tried.error : first, 160);
}

}  // namespace

void Doctor::doors_by_pam() {
  for (const policy::Door door : setup::kDoors) {
    if (!is_chosen(door)) continue;
    DoorState state{door, "absent", covers(door)};
    const std::string name(policy::name_of(door));
    for (const setup::Service& service : setup::services()) {
      if (service.door != door) continue;
      const host::PamService read = host::read_service({}, service.name);
      if (read.state == host::PamService::State::kAbsent) {
        // PAM takes the file for all others then, which may deny everybody.
        if (state.covered && is_installed(door) && is_asked_for(service) && setup::probe::try_door(std::string(service.name)).passed) {
          state.state = worse(state.state, "hole");
          add(Level::kHole, file_of(service), "it is not there, so PAM takes /etc/pam.d/other for it, which lets people through unasked",
              (service.main ? "put it back as its package has it, then: jitctl setup " : "type: jitctl setup ") + name);
        }
        continue;
      }
      if (needs_no_line(service, read)) continue;
      const setup::Inspected seen = setup::inspect(service, read);
      const bool hole = std::ranges::any_of(seen.findings, [](const Finding& one) { return one.level == Level::kHole; });
      findings.insert(findings.end(), seen.findings.begin(), seen.findings.end());
      std::string here;
      if (seen.stands == Stands::kNone) {
        here = state.covered ? "hole" : "open";
        if (state.covered) add(Level::kHole, file_of(service), "the policy covers " + name + ", and no line of ours stands here", "type: jitctl setup " + name);
      } else if (seen.stands == Stands::kUnknown) {
        here = "closed";
      } else if (seen.stands == Stands::kObserves) {
        here = "observes";
      } else {
        // An auth line alone is tried as it stands; the finding says what it does not see.
        const auto phase = seen.stands == Stands::kAuthOnly ? setup::probe::Phase::kAuth : setup::probe::Phase::kAccount;
        const auto tried = setup::probe::try_door(std::string(service.name), phase);
        here = hole ? "hole" : "gated";
        if (tried.passed) {
          here = "hole";
          add(Level::kHole, file_of(service), "a try went through: PAM says yes and the broker was not asked", "see the other findings; else type: jitctl setup " + name);
        } else if (tried.asked && !tried.covered) {
          here = worse(here, "closed");
          add(Level::kFault, file_of(service), "it asks the broker, whose policy does not cover " + name + ": nobody gets through", "add \"" + name + "\" to covers under [settings], then: jitctl policy reload");
        } else if (!tried.asked) {
          here = worse(here, "closed");
          add(Level::kFault, file_of(service), "nobody gets through, and the broker was not asked (" + said_by(tried) + ")", "is it running? systemctl status jit-broker.socket jit-broker");
        }
      }
      state.state = worse(state.state, here);
    }
    if (door == policy::Door::kLogin && state.state != "absent" && state.state != "open" && policy != nullptr) {
      const host::Rescue rescue = host::rescue_of({}, policy->settings().rescue);
      if (rescue.lines == false) add(Level::kFault, "login", rescue.why, "type: jitctl setup login; without it nobody gets in when the broker is dead");
    }
    doors.push_back(std::move(state));
  }
  const bool any = std::ranges::any_of(doors, [](const DoorState& one) { return one.state == "gated"; });
  if (any) add(Level::kNote, "PAM", "a program that only authenticates (pam_authenticate) and never asks account is not stopped by account lines", "such a program wants our line in its auth, too");
}

}  // namespace jit::cli
