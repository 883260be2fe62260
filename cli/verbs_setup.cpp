// SPDX-License-Identifier: Apache-2.0
// jitctl setup: our lines into the PAM files of some doors, tried before they stay, and taken back where nobody confirms them.
#include <unistd.h>

#include <algorithm>
#include <set>

#include "cli/commands.h"
#include "cli/policy_files.h"
#include "cli/setup_files.h"
#include "cli/setup_plan.h"
#include "cli/take_back.h"
#include "evidence/text.h"
#include "setup/edit.h"

namespace jit::cli {

namespace {

using setup::Mode;

constexpr std::string_view kTakenBack = "jit-setup-revert.timer takes it back";

Failure usage(std::string message) { return {Exit::kUsage, std::move(message)}; }

std::string names_of(const std::vector<policy::Door>& doors, const char* between = ", ") {
  std::string out;
  for (const policy::Door door : doors) out += (out.empty() ? "" : between) + std::string(policy::name_of(door));
  return out;
}

Json array_of(const std::vector<policy::Door>& doors) {
  Json out = Json::array();
  for (const policy::Door door : doors) out.push_back(policy::name_of(door));
  return out;
}

bool waits_for(const SetupFiles& files, const std::vector<policy::Door>& doors) {
  const auto pending = files.unconfirmed();
  return pending && std::ranges::any_of(pending->services, [&](const std::string& name) {
    const setup::Service* const service = setup::service_named(name);
    return service != nullptr && std::ranges::find(doors, service->door) != doors.end();
  });
}

// How one of them came back, as lines for people.
void tell(const Restored& back, Output& out) {
  using How = Restored::How;
  if (back.how == How::kAsItWas) out.line(back.path + ": as it was before");
  if (back.how == How::kRemoved) out.line(back.path + ": removed, as before");
  if (back.how == How::kLinesTaken) {
    const std::string place = back.by_hand == 0 ? back.path : back.path + ':' + std::to_string(back.by_hand);
    out.line(place + ": edited by hand since; that stays, only the lines of jitctl setup are taken out");
  }
  for (const std::string& line : back.changed) out.line(back.path + ": this line was changed by hand, and is taken out too: " + evidence::escape(line));
  for (const std::uint32_t line : back.left) {
    out.line(back.path + ':' + std::to_string(line) + ": this line of pam_jit.so is none of jitctl setup's: it stays; take it out by hand");
  }
}

}  // namespace

Result<std::vector<policy::Door>> Verbs::setup_doors() const {
  std::vector<policy::Door> chosen;
  for (const std::string& word : args.words) {
    const auto door = setup::door_named(word);
    if (!door) return usage("no door \"" + evidence::escape_to(word, 64) + "\": give sudo, su, ssh, login or polkit");
    if (std::ranges::find(chosen, *door) == chosen.end()) chosen.push_back(*door);
  }
  return chosen;
}

Exit Verbs::setup() {
  const auto doors = setup_doors();
  if (!doors) return out.fail(doors.failure());
  const int ways = (args.has(Option::kUndo) ? 1 : 0) + (args.has(Option::kConfirm) ? 1 : 0) + (args.has(Option::kObserve) ? 1 : 0);
  if (ways > 1) return out.fail(usage("--observe, --confirm and --undo are three things: give one"));
  if (args.has(Option::kConfirm) && (!doors->empty() || args.has(Option::kPolicy) || args.has(Option::kKeep))) return out.fail(usage("--confirm stands alone: it is about all that waits"));
  if (args.has(Option::kUndo) && (args.has(Option::kPolicy) || args.has(Option::kKeep))) return out.fail(usage("--undo takes doors, and no other option"));
  if (args.has(Option::kUnconfirmed) && (!args.has(Option::kUndo) || !doors->empty())) return out.fail(usage("--unconfirmed goes with --undo alone"));
  if (ways == 0 && doors->empty() && !args.has(Option::kPolicy)) return out.fail(usage("which door? " + usage_of(*verb_named("setup"))));
  if (args.has(Option::kObserve) && doors->empty()) return out.fail(usage("which door? " + usage_of(*verb_named("setup"))));
  if (geteuid() != 0) return out.fail({Exit::kNotAllowed, "setup edits PAM files, so it is for root: type sudo jitctl setup ..."});
  if (args.has(Option::kUndo)) return undo_setup(*doors);
  if (args.has(Option::kConfirm)) return confirm_setup();
  return set_up(*doors, args.has(Option::kObserve) ? Mode::kObserve : Mode::kGate);
}

Exit Verbs::undo_setup(const std::vector<policy::Door>& doors) {
  auto files = SetupFiles::open(false);
  if (!files) return out.fail(files.failure());
  const bool only = args.has(Option::kUnconfirmed);
  const auto pending = files->unconfirmed();
  Json told = Json::array();
  bool whole = true, failed = false, still = false;
  for (const setup::Service& service : setup::services()) {
    const bool waits = pending && std::ranges::find(pending->services, service.name) != pending->services.end();
    const bool chosen = only ? waits : doors.empty() || std::ranges::find(doors, service.door) != doors.end();
    if (!chosen) {
      still = still || waits;
      continue;
    }
    const auto back = files->restore(service, only);
    if (!back) {
      failed = true;
      still = still || waits;
      out.fail(back.failure());
      continue;
    }
    whole = whole && back->left.empty();
    const bool nothing = back->how == Restored::How::kNothing;
    if (!json()) tell(*back, out);
    if (!nothing || !back->left.empty()) {
      told.push_back({{"file", back->path}, {"restored", back->how == Restored::How::kAsItWas || back->how == Restored::How::kRemoved},
                      {"edited_line", back->by_hand}, {"left_lines", back->left}});
    }
  }
  // What could not be taken back is tried again: the timer and the next boot still have it.
  if (pending && !still) {
    files->confirm();
    disarm();
  }
  if (json()) out.line(Json{{"ok", whole && !failed}, {"files", told}}.dump());
  if (!json() && told.empty() && !failed) out.line(only ? "nothing waits for a confirmation" : "no PAM file holds a line of jitctl setup");
  return whole && !failed ? Exit::kDone : Exit::kNo;
}

Exit Verbs::confirm_setup() {
  auto files = SetupFiles::open(false);
  if (!files) return out.fail(files.failure());
  const auto pending = files->unconfirmed();
  if (!pending || pending->services.empty()) {
    if (pending) {
      files->confirm();
      disarm();
    }
    if (json()) return print(Json{{"ok", true}, {"confirmed", Json::array()}}, {});
    out.line("nothing waits for a confirmation");
    return Exit::kDone;
  }
  std::vector<policy::Door> doors;
  for (const std::string& name : pending->services) {
    const setup::Service* const service = setup::service_named(name);
    if (service != nullptr && std::ranges::find(doors, service->door) == doors.end()) doors.push_back(service->door);
  }
  auto passed = doors_passed(*pending);
  if (!passed) return out.fail(passed.failure());
  const auto is_polkit = [](policy::Door door) { return door == policy::Door::kPolkit; };
  if (std::ranges::any_of(doors, is_polkit)) {
    const auto answered = answered_at_polkit(*pending);
    if (!answered) return out.fail(answered.failure());
    if (*answered) passed->push_back(policy::Door::kPolkit);
  }
  const auto is_passed = [&](policy::Door door) { return std::ranges::find(*passed, door) != passed->end(); };
  const auto is_way_in = [](policy::Door door) { return door == policy::Door::kSsh || door == policy::Door::kLogin; };
  std::vector<policy::Door> wanted;  // one of these: who comes from elsewhere must have come in anew
  std::ranges::copy_if(doors, std::back_inserter(wanted), is_way_in);
  // A prompt of polkit's says nothing of the others.
  if (wanted.empty()) std::ranges::remove_copy_if(doors, std::back_inserter(wanted), is_polkit);
  if (wanted.empty()) wanted = doors;
  if (std::ranges::none_of(wanted, is_passed)) {
    if (is_polkit(wanted.front())) return out.fail({Exit::kNo, "nobody came through polkit since the setup: answer a prompt of it (as of pkexec, or of systemctl restart as yourself), and type it again"});
    return out.fail({Exit::kNo, "this session did not come through " + names_of(wanted, " or ") + " since the setup, so it proves nothing: " +
                                    (is_way_in(wanted.front()) ? "log in anew" : "open a new terminal") + ", get to root there, and type it again"});
  }
  files->confirm();
  disarm();
  std::vector<policy::Door> untried;
  std::ranges::copy_if(doors, std::back_inserter(untried), [&](policy::Door door) { return !is_passed(door); });
  if (json()) return print(Json{{"ok", true}, {"confirmed", array_of(doors)}, {"not_tried", array_of(untried)}}, {});
  out.line("confirmed: " + names_of(doors) + (doors.size() == 1 ? " stays gated" : " stay gated"));
  if (!untried.empty()) out.line("nobody came through " + names_of(untried, " or ") + " yet: try it before you log out");
  return Exit::kDone;
}

Exit Verbs::set_up(const std::vector<policy::Door>& doors, Mode mode) {
  if (args.has(Option::kPolicy)) {
    const auto placed = place_policy(args.value(Option::kPolicy));
    if (!placed) return out.fail(placed.failure());
    if (!json()) out.line(*placed);
    if (doors.empty()) return Exit::kDone;
  }
  const auto client = Client::connect();
  if (!client) return out.fail(client.failure());
  if (const auto status = (*client)->status(); !status) return out.fail(status.failure());
  const auto in_force = loaded({}, true);
  if (!in_force) return out.fail(in_force.failure());
  for (const policy::Door door : doors) {
    if (in_force->policy->covers(door)) continue;
    const std::string name(policy::name_of(door));
    return out.fail({Exit::kNo, "the policy does not cover " + name + ", so nobody would get through: add \"" + name + "\" to covers under [settings] in /etc/jit/policy.d, then jitctl policy reload"});
  }
  const bool take_back = mode == Mode::kGate && !args.has(Option::kKeep);
  if (take_back && !systemd_runs()) {
    return out.fail({Exit::kNo, "systemd does not run here, so nothing would take this back if nobody can get in: keep a root shell open and type it with --no-take-back"});
  }
  auto files = SetupFiles::open(true);
  if (!files) return out.fail(files.failure());
  auto changes = plan_setup(doors, mode, out);
  if (!changes) return out.fail(changes.failure());
  if (!json()) {
    for (const Change& change : *changes) out.text(evidence_text(change.diff));
  }
  if (changes->empty()) {
    if (json()) return print(Json{{"ok", true}, {"changed", Json::array()}, {"confirm_within_s", nullptr}}, {});
    out.line("already so: " + names_of(doors) + (mode == Mode::kGate ? (doors.size() == 1 ? " asks the broker" : " ask the broker") : (doors.size() == 1 ? " observes" : " observe")));
    if (files->unconfirmed()) out.line("not confirmed yet: type sudo jitctl setup --confirm in a new session");
    return Exit::kDone;
  }
  const auto made = make_changes(*files, *changes, mode, take_back);
  if (!made) return out.fail(made.failure());
  if (json()) {
    Json changed = Json::array();
    for (const Change& change : *changes) changed.push_back({{"file", change.file.path}, {"diff", evidence_text(change.diff)}});
    return print(Json{{"ok", true}, {"changed", changed}, {"confirm_within_s", take_back ? Json(kTakeBackMinutes * 60) : Json(nullptr)}}, {});
  }
  if (mode == Mode::kObserve) {
    out.line("observing: " + names_of(doors) + ": nobody is stopped; see jitctl policy observed");
    return Exit::kDone;
  }
  out.line("gated: " + names_of(doors));
  if (take_back) {
    out.line("In " + std::to_string(kTakeBackMinutes) + " minutes, and at the next boot, " + std::string(kTakenBack) + " unless you confirm it.");
    out.line("Leave this session open. In a new one, come through the gate and type: sudo jitctl setup --confirm");
  } else if (waits_for(*files, doors)) {
    out.line("A part of it was set up before and is not confirmed yet: type sudo jitctl setup --confirm in a new session");
  } else {
    out.line("Nothing takes it back by itself: jitctl setup --undo does.");
  }
  return Exit::kDone;
}

}  // namespace jit::cli
