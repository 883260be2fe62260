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

// Two ends before the rest. Records of before each had ends of its own have neither: 0.
bool take_ends(std::string_view& line, std::int64_t& end, std::int64_t& hard) {
  std::string_view rest = line;
  if (!take_number(rest, end)) return true;
  line = rest;
  return end > 0 && take_number(line, hard);
}

// A path or the name of a unit stands at the end of its line, and systemd lets no line break into either.
bool read_line(std::string_view line, Held& held) {
  const std::string_view key = take_word(line);
  if (key == "id") return is_id(held.id = line);
  if (key == "outer") return is_id(held.outer = line);
  if (key == "around") return take_number(line, held.outer_end) && take_number(line, held.outer_hard);
  if (key == "end") return take_number(line, held.end);
  if (key == "hard") return take_number(line, held.hard);
  if (key == "adopted") return take_number(line, held.adopted) && take_number(line, held.adopted_wall);
  if (key == "audit") return take_number(line, held.audit_session);
  if (key == "made") return take_number(line, held.scopes_made);
  if (key == "leader") {
    Leader leader;
    if (!take_number(line, leader.pid) || !take_number(line, leader.start) || leader.pid <= 0) return false;
    if (!take_ends(line, leader.end, leader.hard)) return false;
    leader.session_before = line;
    held.leaders.push_back(std::move(leader));
    return true;
  }
  if (key == "session") {
    Scope session;
    if (!take_ends(line, session.end, session.hard)) return false;
    session.path = line;
    session.unit = line.substr(line.rfind('/') + 1);
    held.sessions.push_back(std::move(session));
    return line.starts_with("/") && line.find("/session-") != std::string_view::npos && line.ends_with(".scope");
  }
  if (key == "scope") {
    Scope scope;
    if (!take_number(line, scope.started) || !take_ends(line, scope.end, scope.hard)) return false;
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
  const auto ends_of = [](const auto& one) { return std::to_string(one.end) + " " + std::to_string(one.hard) + " "; };
  std::string out = "id " + held.id + "\n";
  if (!held.outer.empty()) out += "outer " + held.outer + "\naround " + std::to_string(held.outer_end) + " " + std::to_string(held.outer_hard) + "\n";
  out += "end " + std::to_string(held.end) + "\nhard " + std::to_string(held.hard) + "\nadopted " +
         std::to_string(held.adopted) + " " + std::to_string(held.adopted_wall) + "\naudit " +
         std::to_string(held.audit_session) + "\nmade " + std::to_string(held.scopes_made) + "\n";
  for (const Leader& leader : held.leaders) {
    out += "leader " + std::to_string(leader.pid) + " " + std::to_string(leader.start) + " " + ends_of(leader) + leader.session_before + "\n";
  }
  for (const Scope& scope : held.scopes) {
    out += "scope " + std::to_string(scope.started) + " " + ends_of(scope) + scope.unit + " " + scope.path + "\n";
  }
  for (const Scope& session : held.sessions) out += "session " + ends_of(session) + session.path + "\n";
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
      const auto fill = [&held](auto& list) {
        for (auto& one : list) {
          if (one.end == 0) std::tie(one.end, one.hard) = std::pair(held.end, held.hard);
        }
      };
      fill(held.scopes);
      fill(held.sessions);
      fill(held.leaders);
      return text.empty() && !held.id.empty() && held.end > 0 ? std::optional(std::move(held)) : std::nullopt;
    }
    if (!read_line(line, held)) return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace jit::enforcer
