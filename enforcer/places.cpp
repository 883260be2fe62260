// SPDX-License-Identifier: Apache-2.0
// Where what is held runs, and until when: scopes, the login sessions that come of them, and the grants around them.
#include <algorithm>

#include "enforcer/cgroup.h"
#include "enforcer/keeper.h"

namespace jit::enforcer {
namespace {

bool is_session(const std::string& unit) { return unit.starts_with("session-") && unit.ends_with(".scope"); }

}  // namespace

std::int64_t Keeper::around(const Held& held, std::int64_t Held::*which) const {
  std::int64_t end = INT64_MAX;
  const Held* at = &held;
  // A chain of su and sudo is short; a circle cannot come about, for the outer one is there first.
  for (int depth = 0; depth < 16 && !at->outer.empty(); ++depth) {
    end = std::min(end, at->*which);
    const auto it = entries_.find(at->outer);
    if (it == entries_.end()) break;
    at = &it->second.held;
  }
  return end;
}

std::int64_t Keeper::end_of(const Held& held) const { return std::min(held.end, around(held, &Held::outer_end)); }

Keeper::Place Keeper::place_of(const std::string& cgroup) const {
  const std::string path = unit_path(cgroup), unit = unit_in(cgroup);
  const auto found = [&](const std::string& id, const Scope& one) { return Place{id, unit, one.end, one.hard != 0 ? one.hard : one.end}; };
  for (const auto& [id, entry] : entries_) {
    for (const auto* list : {&entry.held.scopes, &entry.held.sessions}) {
      const auto it = std::ranges::find(*list, path, &Scope::path);
      if (it != list->end()) return found(id, *it);
    }
  }
  // systemd is still making it: no later than what else runs.
  const auto it = entries_.find(id_of_unit(unit));
  if (it == entries_.end()) return {};
  std::int64_t end = it->second.held.end;
  for (const Scope& scope : it->second.held.scopes) {
    if (scope.end > boot_ms()) end = std::min(end, scope.end);
  }
  return {it->first, unit, end, end};
}

// Of systemd 257 pam_systemd gives an su inside a scope a session of its own before our line runs: who started it tells then.
Keeper::Place Keeper::place_above(const Process& process) const {
  pid_t parent = process.parent;
  for (int depth = 0; depth < 32 && parent > 1; ++depth) {
    if (Place place = place_of(cgroup_of(parent)); !place.id.empty()) return place;
    const auto above = process_of(parent);
    parent = above ? above->parent : 0;
  }
  return {};
}

std::vector<std::string> Keeper::places_of(const Entry& entry) const {
  std::vector<std::string> out;
  for (const Scope& scope : entry.held.scopes) out.push_back(scope.path);
  for (const Scope& session : entry.held.sessions) out.push_back(session.path);
  return out;
}

// pam_systemd runs after our line, and takes the leader into a session of its own; pam_loginuid may run after it too.
void Keeper::learn_sessions() {
  for (auto& [id, entry] : entries_) {
    bool more = false;
    for (const Leader& leader : entry.held.leaders) {
      if (!is_alive(leader.process.get())) continue;
      const std::string path = unit_path(cgroup_of(leader.pid));
      const std::string unit = unit_in(path);
      const bool fresh = is_session(unit) && unit != leader.session_before && std::ranges::count(entry.held.sessions, path, &Scope::path) == 0;
      if (fresh || entry.held.audit_session == kNoNumber) {
        const auto login = process_of(leader.pid);
        if (login && login->audit_session != kNoNumber && login->audit_session != entry.held.audit_session) {
          entry.held.audit_session = login->audit_session;
          more = true;
        }
      }
      if (!fresh) continue;
      entry.held.sessions.push_back({unit, path, boot_ms(), leader.end, leader.hard});
      more = true;
    }
    if (more) save(entry);
  }
}

}  // namespace jit::enforcer
