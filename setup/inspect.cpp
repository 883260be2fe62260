// SPDX-License-Identifier: Apache-2.0
#include "setup/inspect.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <map>

#include "host/pam_text.h"

namespace jit::setup {
namespace {

using host::PamLine;
using Lines = std::vector<const PamLine*>;

std::string place(const PamLine& line) { return line.file + ':' + std::to_string(line.line); }
bool is_ours(const PamLine& line) { return line.module == kModule; }
bool says_observe(const PamLine& line) { return std::ranges::find(line.arguments, "observe") != line.arguments.end(); }

// "value=action" of a control; the four words as libpam takes them, and what it does not take is bad.
std::map<std::string, std::string> actions_of(const std::string& control) {
  if (control == "required") return {{"success", "ok"}, {"new_authtok_reqd", "ok"}, {"ignore", "ignore"}, {"default", "bad"}};
  if (control == "requisite") return {{"success", "ok"}, {"new_authtok_reqd", "ok"}, {"ignore", "ignore"}, {"default", "die"}};
  if (control == "sufficient") return {{"success", "done"}, {"new_authtok_reqd", "done"}, {"default", "ignore"}};
  if (control == "optional") return {{"success", "ok"}, {"new_authtok_reqd", "ok"}, {"default", "ignore"}};
  const auto actions = control.starts_with('[') ? host::read_pam_actions(std::string_view(control).substr(1, control.size() - 2)) : std::nullopt;
  std::map<std::string, std::string> out;
  for (const auto& [value, action] : actions.value_or(host::PamActions{})) {
    if (value == "default") out.emplace(value, action);  // the first: it leaves nothing to another
    else out[value] = action;
  }
  out.emplace("default", "bad");
  return out;
}

std::size_t jump(const std::string& action) {
  std::size_t out = 0;
  const auto [end, error] = std::from_chars(action.data(), action.data() + action.size(), out);
  if (error == std::errc::result_out_of_range) return std::numeric_limits<std::size_t>::max();  // libpam's number wraps round, to anything
  return error == std::errc() && end == action.data() + action.size() ? out : 0;
}

bool denies(const std::string& action) { return action == "die" || action == "bad"; }
std::string should_be(const PamLine& line) { return "make it: " + line.type + ' ' + std::string(kGates) + ' ' + std::string(kModule); }

// Of the control of one line of ours.
void check_control(const PamLine& line, std::vector<Finding>& out) {
  const auto actions = actions_of(line.control);
  const auto fallback = actions.find("default");
  if (line.control == "optional" && says_observe(line)) {
    out.push_back({Level::kOpen, place(line), "THIS DOOR ONLY OBSERVES in " + line.type + ": nobody is stopped", "to gate it: jitctl setup without --observe"});
    return;
  }
  if (fallback == actions.end() || !denies(fallback->second)) {
    const std::string why = line.control == "optional" ? "optional without the option observe" : line.control;
    out.push_back({Level::kHole, place(line), "a no of ours is ignored (" + why + ")", should_be(line)});
    return;
  }
  for (const auto& [value, action] : actions) {
    if (value == "success" || value == "default" || denies(action)) continue;
    if (value == "ignore" && action == "ignore") continue;         // as required has it; the module never says so
    if (value == "new_authtok_reqd" && action == "ok") continue;
    out.push_back({Level::kHole, place(line), "a no of ours may be ignored (" + value + '=' + action + ")", should_be(line)});
  }
  const auto success = actions.find("success");
  if (success == actions.end() || success->second != "ok") {
    out.push_back({Level::kFault, place(line), "a yes of ours does not lead to the lines after it (" + line.control + ")", should_be(line)});
  }
  if (says_observe(line)) out.push_back({Level::kFault, place(line), "observe stands on a line that is not optional", "take observe out, or: jitctl setup DOOR --observe"});
}

bool is_rescue(const PamLine& line) {
  static const std::vector<std::string> arguments = {"quiet", "user", "=", "root", "tty", "=~", "*tty[0-9]*"};
  return line.control == "[success=1 default=ignore]" && line.module == "pam_succeed_if.so" && line.arguments == arguments;
}

// May this line, which comes before ours, end the stack with a yes or jump over ours? `between`: lines of its own stack between.
bool passes_by(const PamLine& line, std::size_t between, std::string& how) {
  for (const auto& [value, action] : actions_of(line.control)) {
    if (action == "done" || jump(action) > between) {
      how = value + '=' + action;
      if (line.control == "sufficient") how = "sufficient";
      return true;
    }
  }
  return false;
}

void check_before(const Service& service, const Lines& stack, std::size_t at, std::vector<Finding>& out) {
  const PamLine& ours = *stack[at];
  for (std::size_t i = 0; i < at; ++i) {
    const PamLine& line = *stack[i];
    if (is_ours(line) || (line.module == kRootOk && service.root_is_who_asks())) continue;  // root asks us nothing: he is root already
    // Out of a substack nothing jumps, and its end is not ours; a jump in ours counts the lines of ours.
    if (line.stack != ours.stack && line.stack != 0) continue;
    const auto between = static_cast<std::size_t>(std::count_if(stack.begin() + static_cast<std::ptrdiff_t>(i) + 1, stack.begin() + static_cast<std::ptrdiff_t>(at),
                                                                [&](const PamLine* other) { return other->stack == line.stack; }));
    std::string how;
    if (!passes_by(line, between, how)) continue;
    const bool next = i + 1 == at || (i + 2 == at && is_rescue(*stack[i + 1]));
    if (service.rescue && next && is_rescue(line)) continue;
    const bool rescuing = service.rescue && line.module == "pam_succeed_if.so";
    out.push_back({Level::kHole, place(line), rescuing ? "this is not the rescue line, and lets others pass by ours" : line.module + " may let people pass before ours is asked (" + how + ")",
                   rescuing ? "make it: " + line.type + ' ' + std::string(kRescue) : "put our line, " + place(ours) + ", before it"});
  }
}

void check_session_order(const Service& service, const Lines& stack, std::size_t at, std::vector<Finding>& out) {
  const auto find = [&](std::string_view module) { return std::ranges::find_if(stack, [&](const PamLine* line) { return line->module == module; }); };
  const auto systemd = find("pam_systemd.so"), loginuid = find("pam_loginuid.so");
  if (service.session == Place::kAfterLoginuid && loginuid != stack.end() && static_cast<std::size_t>(loginuid - stack.begin()) > at) {
    out.push_back({Level::kFault, place(*stack[at]), "pam_loginuid comes after ours, so ours does not learn which session the login becomes",
                   systemd < loginuid ? "put pam_loginuid before pam_systemd, and our session line between them"
                                      : "put our session line directly after pam_loginuid, or, where setup wrote it: jitctl setup " + std::string(policy::name_of(service.door))});
  }
  if (systemd == stack.end()) return;
  const bool before = static_cast<std::size_t>(systemd - stack.begin()) > at;
  if (service.session == Place::kLast && before) {
    out.push_back({Level::kFault, place(*stack[at]), "pam_systemd comes after ours, and takes what runs out of its timed scope", "put our session line last"});
  }
  if (service.session != Place::kLast && service.session != Place::kNone && !before) {
    out.push_back({Level::kFault, place(*stack[at]), "pam_systemd comes before ours, and does not learn when the session ends", "put our session line before it"});
  }
}

}  // namespace

std::string_view name_of(Level level) {
  switch (level) {
    case Level::kHole: return "hole";
    case Level::kFault: return "fault";
    case Level::kOpen: return "open";
    case Level::kNote: break;
  }
  return "note";
}

bool lets_nobody_through(const host::PamService& read) {
  bool denied = false;
  for (const PamLine& line : read.lines) {
    if (line.type != "account") continue;
    const auto actions = actions_of(line.control);
    const auto some = [&](auto is) { return std::ranges::any_of(actions, [&](const auto& one) { return is(one.first, one.second); }); };
    // What was said before is forgotten by a reset, and what comes later is not asked after a done.
    if (some([](const auto&, const auto& action) { return action == "reset"; })) return false;
    if (denied) continue;
    if (some([](const auto&, const auto& action) { return action == "done" || jump(action) > 0; })) return false;
    denied = line.module == "pam_deny.so" && line.stack == 0 &&
             !some([](const auto& value, const auto& action) { return value != "success" && value != "new_authtok_reqd" && value != "ignore" && !denies(action); });
  }
  return denied;
}

Inspected inspect(const Service& service, const host::PamService& read) {
  Inspected out;
  const std::string name(service.name);
  if (read.state == host::PamService::State::kUnknown) {
    out.stands = Stands::kUnknown;
    out.findings.push_back({Level::kFault, "/etc/pam.d/" + name, "it cannot be read as PAM reads it: a line is not whole, or an include is not there", "mend it; keep a root shell open meanwhile"});
    return out;
  }
  std::map<std::string_view, bool> has;
  bool gates = false;
  for (const std::string_view type : {"auth", "account", "session", "password"}) {
    Lines stack;
    for (const PamLine& line : read.lines) {
      if (line.type == type) stack.push_back(&line);
    }
    for (std::size_t at = 0; at < stack.size(); ++at) {
      const PamLine& line = *stack[at];
      if (!is_ours(line)) continue;
      if (type == "password") {
        out.findings.push_back({Level::kFault, place(line), "a line of ours in password keeps everybody from changing his password", "take it out"});
        continue;
      }
      has[type] = true;
      const bool observes = line.control == "optional" && says_observe(line);
      gates = gates || !observes;
      check_control(line, out.findings);
      if (!observes) check_before(service, stack, at, out.findings);
      if (type == "session") check_session_order(service, stack, at, out.findings);
    }
  }
  if (has.empty()) return out;
  const std::string file = "/etc/pam.d/" + name;
  if (!gates) return out.stands = Stands::kObserves, out;
  out.stands = has["account"] ? Stands::kAccount : has["auth"] ? Stands::kAuthOnly : Stands::kNone;
  if (out.stands == Stands::kNone) {
    out.findings.push_back({Level::kFault, file, "ours stands in session alone, so every session is refused", "type: jitctl setup " + std::string(policy::name_of(service.door))});
    out.stands = Stands::kAccount;
    return out;
  }
  if (out.stands == Stands::kAuthOnly) {
    const std::string what = service.door == policy::Door::kSsh    ? "key logins bypass us: ours stands in auth alone, which sshd calls for passwords and keyboard-interactive only"
                             : service.door == policy::Door::kSudo ? "ours stands in auth alone: NOPASSWD, a valid ticket and exempt_group bypass us"
                                                                   : "ours stands in auth alone: a program that does not authenticate bypasses us";
    out.findings.push_back({Level::kHole, file, what, "put a line into account: jitctl setup " + std::string(policy::name_of(service.door))});
  }
  if (service.session != Place::kNone && !has["session"]) {
    out.findings.push_back({Level::kFault, file, "no session line of ours: nothing ends a session in time", "type: jitctl setup " + std::string(policy::name_of(service.door))});
  }
  return out;
}

}  // namespace jit::setup
