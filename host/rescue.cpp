// SPDX-License-Identifier: Apache-2.0
#include "host/rescue.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>
#include <vector>

#include "host/glob.h"

namespace jit::host {
namespace {

constexpr std::string_view kModule = "pam_jit.so", kRescuer = "pam_succeed_if.so";
constexpr std::array<std::pair<std::string_view, policy::Door>, 8> kServices{{{"sudo", policy::Door::kSudo},
                                                                            {"sudo-i", policy::Door::kSudo},
                                                                            {"su", policy::Door::kSu},
                                                                            {"su-l", policy::Door::kSu},
                                                                            {"sshd", policy::Door::kSsh},
                                                                            {"login", policy::Door::kLogin},
                                                                            {"remote", policy::Door::kLogin},
                                                                            {"polkit-1", policy::Door::kPolkit}}};

using State = PamService::State;

bool has(const std::vector<std::string>& list, std::string_view what) { return std::ranges::find(list, what) != list.end(); }

bool observes(const PamLine& line) { return line.control == "optional" && has(line.arguments, "observe"); }

// [success=N default=ignore], in any order and spacing; what else stands in it must be ignored too.
bool jumps_over(const std::string& control, std::size_t lines) {
  if (!control.starts_with('[')) return false;
  bool success = false, others = false;
  std::string_view rest = std::string_view(control).substr(1, control.size() - 2);
  while (true) {
    const std::size_t begin = rest.find_first_not_of(" \t");
    if (begin == std::string_view::npos) return success && others;
    rest.remove_prefix(begin);
    const std::size_t end = std::min(rest.find_first_of(" \t"), rest.size());
    const std::string_view word = rest.substr(0, end);
    rest.remove_prefix(end);
    if (word.starts_with("success=")) {
      if (word.substr(8) != std::to_string(lines)) return false;
      success = true;
    } else if (word == "default=ignore") {
      others = true;
    } else if (!word.ends_with("=ignore")) {
      return false;
    }
  }
}

// The terminals at which this line lets root pass, as a pattern; nothing: it is no rescue line.
std::optional<std::string> terminals(const PamLine& line) {
  if (line.module != kRescuer) return std::nullopt;
  std::string pattern = "*";
  bool root = false;
  for (std::size_t i = 0; i < line.arguments.size();) {
    const std::string& word = line.arguments[i];
    if (word == "quiet" || word == "quiet_success" || word == "quiet_fail" || word == "debug" || word == "audit") {
      ++i;
      continue;
    }
    if (line.arguments.size() - i < 3) return std::nullopt;
    const std::string& is = line.arguments[i + 1];
    const std::string& value = line.arguments[i + 2];
    if ((word == "user" && is == "=" && value == "root") || (word == "uid" && (is == "=" || is == "eq") && value == "0")) {
      root = true;
    } else if (word == "tty" && pattern == "*" && is == "=~") {
      pattern = value;
    } else if (word == "tty" && pattern == "*" && is == "=") {
      pattern.clear();
      for (const char c : value) pattern += (std::string_view("*?[\\").find(c) == std::string_view::npos ? "" : "\\") + std::string(1, c);
    } else {
      return std::nullopt;  // a condition that root may not meet
    }
    i += 3;
  }
  return root ? std::optional(pattern) : std::nullopt;
}

enum class Covered : std::uint8_t { kYes, kNo, kCannotTell };

Covered covered(const std::vector<std::string>& patterns, const std::string& terminal) {
  Covered out = Covered::kNo;
  for (const std::string& pattern : patterns) {
    const auto all = covers(pattern, terminal);
    if (!all) out = Covered::kCannotTell;
    if (all.value_or(false)) return Covered::kYes;
  }
  return out;
}

// Of one line of ours, the lines of its type before it.
Rescue rescue_before(const std::vector<const PamLine*>& stack, std::size_t at, std::span<const std::string> declared) {
  const PamLine& ours = *stack[at];
  const std::string place = ours.file + ':' + std::to_string(ours.line) + ": ";
  std::vector<std::string> patterns;
  for (std::size_t back = 1; back <= at; ++back) {
    const PamLine& line = *stack[at - back];
    const auto pattern = terminals(line);
    if (!pattern || line.stack != ours.stack || !jumps_over(line.control, back)) break;
    patterns.push_back(*pattern);
  }
  if (patterns.empty()) return {false, place + "no rescue line stands directly before this " + ours.type + " line"};
  Rescue out{true, {}};
  for (const std::string& each : declared) {
    const std::string terminal = each.starts_with('/') ? each : "/dev/" + each;
    switch (covered(patterns, terminal)) {
      case Covered::kYes: break;
      case Covered::kCannotTell: out = {}; break;
      case Covered::kNo:
        return {false, place + "the rescue line before this " + ours.type + " line does not let root in at " + terminal};
    }
  }
  return out;
}

}  // namespace

Rescue rescue_of(const PamFolders& folders, std::span<const std::string> declared) {
  const PamService login = read_service(folders, "login");
  if (login.state != State::kRead) return {};
  Rescue out;
  bool all_told = true;
  for (const std::string_view type : {"auth", "account", "session"}) {
    std::vector<const PamLine*> stack;
    for (const PamLine& line : login.lines) {
      if (line.type == type) stack.push_back(&line);
    }
    for (std::size_t i = 0; i < stack.size(); ++i) {
      if (stack[i]->module != kModule || stack[i]->control == "optional") continue;
      Rescue found = rescue_before(stack, i, declared);
      if (found.lines == false) return found;
      all_told = all_told && found.lines.has_value();
      out.lines = true;
    }
  }
  return all_told ? out : Rescue{};
}

std::map<policy::Door, std::int64_t> observing(const PamFolders& folders) {
  std::map<policy::Door, std::int64_t> out;
  std::vector<policy::Door> not_only;
  for (const auto& [name, door] : kServices) {
    const PamService service = read_service(folders, name);
    if (service.state == State::kUnknown) not_only.push_back(door);
    for (const PamLine& line : service.lines) {
      if (line.module != kModule) continue;
      if (!observes(line)) not_only.push_back(door);
      std::int64_t& since = out.try_emplace(door, line.changed).first->second;
      since = std::max(since, line.changed);
    }
  }
  for (const policy::Door door : not_only) out.erase(door);
  return out;
}

}  // namespace jit::host
