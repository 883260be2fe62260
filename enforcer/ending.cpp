// SPDX-License-Identifier: Apache-2.0
// How something ends: TERM, a second later KILL, and what is left is reported and tried again.
#include <signal.h>
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include <algorithm>

#include "enforcer/accounts.h"
#include "enforcer/cgroup.h"
#include "enforcer/keeper.h"

namespace jit::enforcer {
namespace {

constexpr std::int64_t kTermMs = 1000;     // from TERM to KILL
constexpr std::int64_t kLookMs = 20;       // while it is ending
constexpr std::int64_t kGiveUpMs = 3000;   // what is there then is a survivor
constexpr std::int64_t kAgainMs = 5000;    // and is killed again
constexpr std::int64_t kSweepMs = 10'000;   // looks for a session that nobody told of, and at accounts

}  // namespace

Result Keeper::end(const std::string& id) {
  if (!is_id(id)) return Result::kNotFound;
  Entry* entry = find(id);
  const bool kept_out = keep_out(id);
  if (entry == nullptr) return kept_out ? Result::kNotFound : Result::kFailed;
  if (!entry->ending) {
    begin_end(*entry, "asked");
    turn();
  }
  return kept_out ? Result::kDone : Result::kFailed;
}

void Keeper::begin_end(Entry& entry, const std::string& why) {
  learn_sessions();
  const std::int64_t now = boot_ms();
  entry.ending = true;
  entry.why = why;
  entry.kill_at = now + kTermMs;
  entry.give_up_at = now + kGiveUpMs;
  entry.look_at = now + kLookMs;
  const std::vector<std::string> places = places_of(entry);
  for (const std::string& place : places) {
    entry.ended += static_cast<std::uint32_t>(pids_in(place).size());
    // HUP: an interactive shell ignores TERM. CONT: what is stopped could handle neither.
    signal_all(place, {SIGTERM, SIGHUP, SIGCONT});
  }
  for (const Leader& leader : entry.held.leaders) {
    if (!is_alive(leader.process.get()) || std::ranges::count(places, unit_path(cgroup_of(leader.pid))) > 0) continue;
    ++entry.ended;
    for (const int signal : {SIGTERM, SIGHUP, SIGCONT}) send(leader.process.get(), signal);
  }
  for (auto& [id, inner] : entries_) {
    if (inner.held.outer == entry.held.id && !inner.ending) begin_end(inner, "outer");
  }
}

bool Keeper::is_over(const Entry& entry) const {
  return std::ranges::none_of(places_of(entry), is_populated) &&
         std::ranges::none_of(entry.held.leaders, [](const Leader& leader) { return is_alive(leader.process.get()); });
}

void Keeper::go_on_ending(Entry& entry, std::int64_t now) {
  if (is_over(entry)) {
    entry.told = true;
    report(entry, entry.why, places_of(entry));
    return;  // the caller erases what has ended
  }
  if (now >= entry.kill_at) {
    for (const std::string& place : places_of(entry)) kill_all(place);
    for (const Leader& leader : entry.held.leaders) send(leader.process.get(), SIGKILL);
    entry.kill_at = now + (now >= entry.give_up_at ? kAgainMs : kTermMs);
  }
  if (now >= entry.give_up_at && !entry.told) {
    entry.told = true;
    report(entry, entry.why, places_of(entry));
  }
  entry.look_at = now + (entry.told ? kTermMs : kLookMs);
}

// Once where all is gone; where something stays, then and when it has gone.
void Keeper::report(Entry& entry, const std::string& why, const std::vector<std::string>& places) {
  Report report;
  report.id = entry.held.id;
  report.number = ++entry.reports;
  report.why = why;
  report.ended = entry.ended;
  for (const std::string& place : places) {
    for (const pid_t pid : pids_in(place)) {
      if (auto process = process_of(pid)) add(report.survivors, {pid, process->uid, std::move(process->name)}, report);
    }
  }
  const auto inside = [this](const std::string& cgroup) { return !place_of(cgroup).id.empty(); };
  find_beyond(entry.held, inside, report);
  find_later(entry.held.adopted_wall, report);
  sd_journal_print(report.survivors.empty() ? LOG_INFO : LOG_ERR, "grant %.8s: ended %u processes, %zu are left, %zu are outside",
                   report.id.c_str(), report.ended, report.survivors.size(), report.beyond.size());
  reports_.push_back(report);
  tell_(report);
}

void Keeper::look_at_accounts() {
  std::vector<Entry*> expired;
  for (auto& [id, entry] : entries_) {
    const bool over = std::ranges::any_of(entry.held.leaders, [](const Leader& leader) {
      return is_alive(leader.process.get()) && account_expired(leader.pid);
    });
    if (over && !entry.ending) expired.push_back(&entry);
  }
  for (Entry* entry : expired) {
    if (!entry->ending) begin_end(*entry, "account");
    entry->why = "account";  // also where it ended with the one around it
  }
}

// A shell ends with its grant, and so does each session that was opened from it, though a program of the same grant may finish.
std::int64_t Keeper::end_parts(Entry& entry, std::int64_t now) {
  std::int64_t next = INT64_MAX;
  std::vector<std::string> survive;
  const auto end_one = [&](Scope& one) {
    if (one.end > now) {
      next = std::min(next, one.end);
      return;
    }
    if (!is_populated(one.path)) return;
    if (one.kill_at == 0) {
      entry.ended += static_cast<std::uint32_t>(pids_in(one.path).size());
      signal_all(one.path, {SIGTERM, SIGHUP, SIGCONT});
      one.kill_at = now + kTermMs;
      one.give_up_at = now + kGiveUpMs;
    } else if (now >= one.kill_at) {
      kill_all(one.path);
      one.kill_at = now + (now >= one.give_up_at ? kAgainMs : kTermMs);
    }
    if (now >= one.give_up_at && !one.told) {
      one.told = true;
      survive.push_back(one.path);
    }
    next = std::min(next, now + (one.told ? kTermMs : kLookMs));
  };
  for (Scope& scope : entry.held.scopes) end_one(scope);
  for (Scope& session : entry.held.sessions) end_one(session);
  const std::vector<std::string> places = places_of(entry);
  for (Leader& leader : entry.held.leaders) {
    if (leader.end > now) {
      next = std::min(next, leader.end);
      continue;
    }
    if (std::ranges::count(places, unit_path(cgroup_of(leader.pid))) > 0) continue;
    if (leader.kill_at == 0) {
      ++entry.ended;
      for (const int signal : {SIGTERM, SIGHUP, SIGCONT}) send(leader.process.get(), signal);
      leader.kill_at = now + kTermMs;
    } else if (now >= leader.kill_at) {
      send(leader.process.get(), SIGKILL);
      leader.kill_at = now + kAgainMs;
    }
    next = std::min(next, leader.kill_at);
  }
  if (!survive.empty()) report(entry, "end", survive);
  return next;
}

void Keeper::turn() {
  const std::int64_t now = boot_ms();
  if (now >= accounts_at_) {
    accounts_at_ = now + kSweepMs;
    look_at_accounts();
  }
  std::int64_t next = now + kSweepMs;
  learn_sessions();
  for (auto& [id, entry] : entries_) {
    std::erase_if(entry.held.leaders, [](const Leader& leader) { return !is_alive(leader.process.get()); });  // and their descriptors
  }
  for (auto& [id, entry] : entries_) {
    if (entry.ending) continue;
    const std::int64_t end = end_of(entry.held);
    if (end <= now) {
      begin_end(entry, entry.held.end <= now ? "end" : "outer");
    } else {
      next = std::min({next, end, end_parts(entry, now)});
    }
  }
  std::vector<std::string> over;
  for (auto& [id, entry] : entries_) {
    if (!entry.ending) continue;
    if (now >= entry.look_at) go_on_ending(entry, now);
    if (entry.told && is_over(entry)) {
      over.push_back(id);
    } else {
      next = std::min(next, std::max(entry.look_at, now + 1));
    }
  }
  for (const std::string& id : over) erase(id);
  if (!entries_.empty()) arm(next);
}

}  // namespace jit::enforcer
