// SPDX-License-Identifier: Apache-2.0
#include "enforcer/held.h"

#include <algorithm>
#include <charconv>
#include <tuple>
#include <utility>

namespace jit::enforcer {
namespace {

constexpr std::size_t kMostLines = 65536;

std::string_view take_word(std::string_view& line) {
  const std::size_t end = std::min(line.find(' '), line.size());
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(std::min(end + 1, line.size()));
  return word;
}

template <class T>
bool take_number(std::string_view& line, T& out) {
  const std::string_view word = take_word(line);
  const auto read = std::from_chars(word.data(), word.data() + word.size(), out);
  return !word.empty() && read.ec == std::errc() && read.ptr == word.data() + word.size();
}

// A path or the name of a unit stands at the end of its line, and systemd lets no line break into either.
bool read_line(std::string_view line, Held& held) {
  const std::string_view key = take_word(line);
  if (key == "id") return is_id(held.id = line);
  if (key == "outer") return is_id(held.outer = line);
  if (key == "end") return take_number(line, held.end);
  if (key == "hard") return take_number(line, held.hard);
  if (key == "adopted") return take_number(line, held.adopted) && take_number(line, held.adopted_wall);
  if (key == "audit") return take_number(line, held.audit_session);
  if (key == "made") return take_number(line, held.scopes_made);
  if (key == "leader") {
    Leader leader;
    if (!take_number(line, leader.pid) || !take_number(line, leader.start) || leader.pid <= 0) return false;
    leader.session_before = line;
    held.leaders.push_back(std::move(leader));
    return true;
  }
  if (key == "session") {
    held.sessions.emplace_back(line);
    return line.starts_with("/") && line.find("/session-") != std::string_view::npos && line.ends_with(".scope");
  }
  if (key == "scope") {
    Scope scope;
    if (!take_number(line, scope.started)) return false;
    // Records of before there were several ends have one for all.
    std::string_view rest = line;
    if (take_number(rest, scope.end)) {
      if (!take_number(rest, scope.hard)) return false;
      line = rest;
    }
    scope.unit = take_word(line);
    scope.path = line;
    const bool good = id_of_unit(scope.unit) == held.id && scope.path.ends_with("/" + scope.unit);
    held.scopes.push_back(std::move(scope));
    return good;
  }
  return false;
}

}  // namespace

bool is_id(std::string_view text) {
  return text.size() == 32 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::string id_of_unit(std::string_view unit) {
  if (!unit.starts_with("jit-") || !unit.ends_with(".scope")) return {};
  const std::string_view middle = unit.substr(4, unit.size() - 4 - 6);
  const std::string_view id = middle.substr(0, std::min<std::size_t>(32, middle.size()));
  const std::string_view rest = middle.substr(id.size());
  const bool numbered = rest.size() > 1 && rest.size() < 12 && rest.front() == '-' &&
                        rest.substr(1).find_first_not_of("0123456789") == std::string_view::npos;
  return is_id(id) && (rest.empty() || numbered) ? std::string(id) : std::string();
}

std::string write_held(const Held& held) {
  std::string out = "id " + held.id + "\n";
  if (!held.outer.empty()) out += "outer " + held.outer + "\n";
  out += "end " + std::to_string(held.end) + "\nhard " + std::to_string(held.hard) + "\nadopted " +
         std::to_string(held.adopted) + " " + std::to_string(held.adopted_wall) + "\naudit " +
         std::to_string(held.audit_session) + "\nmade " + std::to_string(held.scopes_made) + "\n";
  for (const Leader& leader : held.leaders) {
    out += "leader " + std::to_string(leader.pid) + " " + std::to_string(leader.start) + " " + leader.session_before + "\n";
  }
  for (const Scope& scope : held.scopes) {
    out += "scope " + std::to_string(scope.started) + " " + std::to_string(scope.end) + " " + std::to_string(scope.hard) + " " + scope.unit + " " + scope.path + "\n";
  }
  for (const std::string& session : held.sessions) out += "session " + session + "\n";
  return out + "whole\n";
}

std::optional<Held> read_held(std::string_view text) {
  Held held;
  std::size_t lines = 0;
  while (!text.empty() && ++lines <= kMostLines) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 1);
    if (line == "whole") {
      for (Scope& scope : held.scopes) {
        if (scope.end == 0) std::tie(scope.end, scope.hard) = std::pair(held.end, held.hard);
      }
      return text.empty() && !held.id.empty() && held.end > 0 ? std::optional(std::move(held)) : std::nullopt;
    }
    if (!read_line(line, held)) return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace jit::enforcer
