// SPDX-License-Identifier: Apache-2.0
#include "enforcer/keeper.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>
#include <systemd/sd-login.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>

#include "enforcer/cgroup.h"
#include "enforcer/terminals.h"

namespace jit::enforcer {
namespace {

constexpr std::size_t kLeadersMost = 1024;
constexpr std::int64_t kComingMs = 3'600'000;  // what systemd has not made by then it does not make

bool write_whole(const std::string& path, const std::string& text) {
  const std::string fresh = path + ".new";
  {
    const Fd fd(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd || ::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) return false;
  }
  return ::rename(fresh.c_str(), path.c_str()) == 0;
}

// Who has exited, and where nobody can come back: each use would add to the record else.
void drop_gone(Held& held) {
  std::erase_if(held.leaders, [](const Leader& leader) { return !is_alive(leader.process.get()); });
  const auto may_come = [now = boot_ms()](const Scope& scope) { return scope.coming && now < scope.started + kComingMs; };
  std::erase_if(held.scopes, [&](const Scope& scope) { return !may_come(scope) && is_gone(scope.path); });
  std::erase_if(held.sessions, [](const Scope& session) { return is_gone(session.path); });
}

// The path of a unit in the same slice.
std::string beside(const std::string& path, const std::string& unit) { return path.substr(0, path.size() - unit_in(path).size()) + unit; }

bool holds_nothing(const Held& held) { return held.leaders.empty() && held.scopes.empty() && held.sessions.empty(); }

}  // namespace

struct Keeper::Monitor {
  sd_login_monitor* monitor = nullptr;
  Monitor() = default;
  Monitor(const Monitor&) = delete;
  Monitor& operator=(const Monitor&) = delete;
  ~Monitor() { sd_login_monitor_unref(monitor); }
};

Keeper::Keeper(sd_event* loop, std::string folder, std::function<void(const Report&)> tell)
    : loop_(loop), folder_(std::move(folder)), tell_(std::move(tell)), units_(loop) {}

Keeper::~Keeper() = default;

bool Keeper::start() {
  sd_event_source* timer = nullptr;
  if (sd_event_add_time(loop_, &timer, CLOCK_BOOTTIME, 0, 1000, on_time, this) < 0) return false;
  timer_.reset(timer);
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir(folder_.c_str()), ::closedir);
  if (!folder) return false;
  while (const dirent* entry = ::readdir(folder.get())) {
    const std::string name = entry->d_name;
    if (!is_id(name)) continue;
    const auto text = read_file(folder_ + "/" + name, std::size_t{16} << 20);
    auto held = text ? read_held(*text) : std::nullopt;
    if (!held || held->id != name) {
      sd_journal_print(LOG_CRIT, "%s/%s is damaged: what runs under this grant ends when systemd says so", folder_.c_str(), name.c_str());
      continue;
    }
    std::erase_if(held->leaders, [](Leader& leader) {
      leader.process = pidfd_of(leader.pid);
      const auto process = leader.process ? process_of(leader.pid) : std::nullopt;
      return !process || process->start != leader.start || !is_alive(leader.process.get());
    });
    entries_[name].held = std::move(*held);
  }
  // Records of before the place was kept name the grant alone.
  for (auto& [id, entry] : entries_) {
    if (entry.held.outer.empty() || entry.held.outer_end != 0) continue;
    const Entry* outer = find(entry.held.outer);
    entry.held.outer_end = outer != nullptr ? outer->held.end : entry.held.end;
    entry.held.outer_hard = outer != nullptr ? outer->held.hard : entry.held.hard;
  }
  turn();
  return true;
}

Keeper::Entry* Keeper::find(const std::string& id) {
  const auto it = entries_.find(id);
  return it == entries_.end() ? nullptr : &it->second;
}

bool Keeper::save(const Entry& entry) {
  if (write_whole(folder_ + "/" + entry.held.id, write_held(entry.held))) return true;
  sd_journal_print(LOG_ERR, "%s/%s cannot be written: %s", folder_.c_str(), entry.held.id.c_str(), std::strerror(errno));
  return false;
}

void Keeper::erase(const std::string& id) {
  ::unlink((folder_ + "/" + id).c_str());
  entries_.erase(id);
}

// A process that was stopped between the broker's yes and ours would open a session of what was ended meanwhile. Nothing but the boot
// removes these files: who is stopped may be so for long.
bool Keeper::keep_out(const std::string& id) {
  const Fd fd(::open((folder_ + "/" + id + ".ended").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) sd_journal_print(LOG_ERR, "%s/%s.ended cannot be written: %s", folder_.c_str(), id.c_str(), std::strerror(errno));
  return static_cast<bool>(fd);
}

bool Keeper::may_adopt(const std::string& id) const {
  return id.empty() || (::access((folder_ + "/" + id + ".ended").c_str(), F_OK) != 0 && errno == ENOENT);
}

std::vector<Scope*> Keeper::short_scopes(Entry& entry) const {
  std::vector<Scope*> out;
  const std::int64_t most = around(entry.held, &Held::outer_end);
  for (Scope& scope : entry.held.scopes) {
    if (std::min(scope.end, most) <= scope.hard || !is_populated(scope.path)) continue;
    if (out.empty() || out.front()->end == scope.end) out.push_back(&scope);
  }
  return out;
}

void Keeper::forget_leader(const std::string& id, pid_t pid, std::uint64_t start) {
  Entry* entry = find(id);
  if (entry == nullptr) return;
  std::erase_if(entry->held.leaders, [&](const Leader& leader) { return leader.pid == pid && leader.start == start; });
  if (holds_nothing(entry->held)) return erase(id);
  save(*entry);
}

void Keeper::adopt(const std::string& id, Fd process, pid_t pid, std::int64_t end, std::int64_t hard, Adopted done) {
  if (!monitor_) {
    auto monitor = std::make_unique<Monitor>();
    sd_event_source* source = nullptr;
    if (sd_login_monitor_new("session", &monitor->monitor) >= 0 &&
        sd_event_add_io(loop_, &source, sd_login_monitor_get_fd(monitor->monitor), EPOLLIN, on_sessions, this) >= 0) {
      sessions_.reset(source);
      monitor_ = std::move(monitor);
    }
  }
  learn_sessions();
  const auto who = process_of(pid);
  const std::string before = cgroup_of(pid);
  if (!who || before.empty() || !is_alive(process.get())) return done("the process is gone, or its control group is not known", "");
  Place from = place_of(before);
  if (from.id.empty()) from = place_above(*who);
  if (id.empty() && from.id.empty()) return done("", "");
  if (!may_adopt(id)) return done("the grant has ended", "");
  const bool own = !id.empty();
  Entry* entry = find(own ? id : from.id);
  if (entry == nullptr) {
    Entry fresh;
    fresh.held.id = id;
    fresh.held.adopted = boot_ms();
    fresh.held.adopted_wall = ::time(nullptr);
    fresh.held.audit_session = who->audit_session;
    fresh.held.outer = from.id;
    fresh.held.outer_end = from.end;
    fresh.held.outer_hard = from.hard;
    entry = &(entries_[id] = std::move(fresh));
  }
  if (own) {
    entry->held.end = std::max(entry->held.end, end);
    entry->held.hard = std::max(entry->held.hard, hard);
  }
  drop_gone(entry->held);
  const bool late = entry->ending || (own ? end : from.end) <= boot_ms() || end_of(entry->held) <= boot_ms();
  // Who is root already is let in whatever is said here: he is held, and ends with what he comes from.
  if ((late && own) || entry->held.leaders.size() >= kLeadersMost) {
    if (holds_nothing(entry->held) && !entry->ending) erase(entry->held.id);
    return done(late ? "the grant has ended" : "too many processes under one grant", "");
  }
  if (own) {
    entry->held.leaders.push_back({pid, who->start, unit_in(before), std::max(end, entry->moved), hard, std::move(process)});
  } else {
    entry->held.leaders.push_back({pid, who->start, from.unit, from.end, 0, std::move(process)});
  }
  if (!save(*entry)) {
    forget_leader(entry->held.id, pid, who->start);
    return done("the record cannot be written", "");
  }
  turn();  // its end may be the next one
  if (!own) {
    learn_sessions();
    return done(late ? "the grant has ended" : "", unit_in(before));
  }
  // One that ends when it does takes it in, unless that has just become empty.
  for (const Scope& scope : entry->held.scopes) {
    if (scope.end != end || scope.kill_at != 0) continue;
    if (before == scope.path || (is_populated(scope.path) && move_to(pid, scope.path) && cgroup_of(pid) == scope.path)) return done("", scope.unit);
  }
  start_scope(id, {pid, who->start, slice_in(before), end, hard}, std::move(done));
}

void Keeper::start_scope(const std::string& id, const Coming& coming, Adopted done) {
  Entry* const found = find(id);
  if (found == nullptr) return done("the grant has ended", "");
  Entry& entry = *found;
  const std::uint32_t number = ++entry.held.scopes_made;
  const std::string unit = "jit-" + id + (number == 1 ? "" : "-" + std::to_string(number)) + ".scope";
  const std::int64_t hard = std::min(coming.hard, around(entry.held, &Held::outer_hard));
  const std::int64_t left = std::max<std::int64_t>(1, hard - boot_ms());
  units_.start(unit, coming.slice, {coming.pid}, static_cast<std::uint64_t>(left), [this, id, coming, unit, hard, done = std::move(done)](const std::string& error) {
    Entry* held = find(id);
    std::string why = error;
    const std::string path = cgroup_of(coming.pid);
    if (why.empty() && (held == nullptr || held->ending)) why = "the grant has ended";
    if (why.empty() && unit_in(path) != unit) why = "the process is not in its scope";
    if (held != nullptr && why.empty()) {
      held->held.scopes.push_back({unit, path, boot_ms(), std::max(coming.end, held->moved), hard});
      if (!save(*held)) why = "the record cannot be written";
    }
    if (!why.empty()) {
      sd_journal_print(LOG_ERR, "%s: %s", unit.c_str(), why.c_str());
      if (held != nullptr && !held->ending) forget_leader(id, coming.pid, coming.start);
    } else {
      prolong(id);  // where it was moved while systemd made it
      turn();
    }
    done(why, why.empty() ? unit : "");
  });
}

Result Keeper::set_end(const std::string& id, std::int64_t end) {
  Entry* entry = find(id);
  if (entry == nullptr || entry->ending) return Result::kNotFound;
  learn_sessions();
  drop_gone(entry->held);
  std::int64_t moved = end;
  // Of a login systemd holds the end, and it cannot be moved.
  for (const Scope& session : entry->held.sessions) {
    if (session.hard != 0) moved = std::min(moved, session.hard);
  }
  // Never nearer: what may finish has an end of its own.
  const auto move = [moved](std::int64_t& one) { one = std::max(one, moved); };
  move(entry->held.end);
  move(entry->moved);
  for (Leader& leader : entry->held.leaders) move(leader.end);
  for (Scope& scope : entry->held.scopes) move(scope.end);
  for (Scope& session : entry->held.sessions) move(session.end);
  const bool good = save(*entry);
  prolong(id);
  move_inner(id, moved);
  turn();
  return good ? Result::kDone : Result::kFailed;
}

// What was started under it ends with it, at whatever depth.
void Keeper::move_inner(const std::string& outer, std::int64_t end) {
  std::vector<std::string> inner;
  for (auto& [id, entry] : entries_) {
    if (entry.held.outer.empty()) continue;
    inner.push_back(id);
    if (entry.held.outer != outer) continue;
    entry.held.outer_end = std::max(entry.held.outer_end, end);
    entry.held.outer_hard = std::max(entry.held.outer_hard, end);
    save(entry);
  }
  for (const std::string& id : inner) prolong(id);
}

// Where this systemd cannot move the end of a scope, or there are several, their processes go into one that ends later: what runs
// notices nothing.
void Keeper::prolong(const std::string& id) {
  Entry* const entry = find(id);
  if (entry == nullptr || entry->replacing) return;
  const auto living = short_scopes(*entry);
  if (living.empty()) return;
  entry->replacing = true;
  if (living.size() > 1) return replace(id, 5);
  const Scope scope = *living.front();
  const std::int64_t end = std::min(scope.end, around(entry->held, &Held::outer_end));
  units_.set_max(scope.unit, static_cast<std::uint64_t>(std::max<std::int64_t>(1, end - scope.started)), [this, id, unit = scope.unit, end](const std::string& error) {
    Entry* held = find(id);
    if (held == nullptr) return;
    if (!error.empty()) return replace(id, 5);
    held->replacing = false;
    held->held.hard = std::max(held->held.hard, end);
    for (Scope& one : held->held.scopes) {
      if (one.unit == unit) one.hard = std::max(one.hard, end);
    }
    save(*held);
    prolong(id);  // moved again meanwhile
  });
}

void Keeper::replace(const std::string& id, int tries) {
  Entry* entry = find(id);
  if (entry == nullptr) return;
  std::vector<std::string> old;
  std::int64_t end = 0;  // of all of them
  for (const Scope* scope : short_scopes(*entry)) {
    old.push_back(scope->path);
    end = scope->end;
  }
  const std::int64_t hard = std::min(end, around(entry->held, &Held::outer_end));
  const auto pids_left = [old] {
    std::vector<pid_t> out;
    for (const std::string& path : old) std::ranges::copy(pids_in(path), std::back_inserter(out));
    return out;
  };
  const std::vector<pid_t> pids = pids_left();
  if (pids.empty() || entry->ending || tries == 0) {
    entry->replacing = false;
    if (tries == 0) sd_journal_print(LOG_ERR, "grant %.8s: its end cannot be moved: systemd will end it earlier", id.c_str());
    return;
  }
  const std::string unit = "jit-" + id + "-" + std::to_string(++entry->held.scopes_made) + ".scope";
  const pid_t first = pids[static_cast<std::size_t>(tries) % pids.size()];  // another one each time: it may exit meanwhile
  const auto left = static_cast<std::uint64_t>(std::max<std::int64_t>(1, hard - boot_ms()));
  // It is ours before systemd hears of it: where the answer is lost, or we die first, what was moved ends with the rest.
  entry->held.scopes.push_back({.unit = unit, .path = beside(old.front(), unit), .started = boot_ms(), .end = end, .hard = hard, .coming = true});
  save(*entry);
  units_.start(unit, slice_in(old.front()), {first}, left, [this, id, tries, unit, pids_left, first, end, hard](const std::string& error) {
    Entry* held = find(id);
    if (held == nullptr) return;
    const std::string path = unit_path(cgroup_of(first));
    if (!error.empty() || unit_in(path) != unit) return replace(id, tries - 1);
    std::erase_if(held->held.scopes, [&](const Scope& scope) { return scope.unit == unit; });
    held->held.scopes.push_back({unit, path, boot_ms(), std::max(end, held->moved), hard});
    save(*held);
    // A process that forks while it is moved leaves a child behind: again, until none is left.
    for (int round = 0; round < 1000; ++round) {
      const std::vector<pid_t> left_behind = pids_left();
      if (left_behind.empty()) break;
      for (const pid_t pid : left_behind) move_to(pid, path);
    }
    held->replacing = false;
    held->held.hard = std::max(held->held.hard, hard);
    save(*held);
    prolong(id);  // moved again meanwhile
  });
}

Result Keeper::warn(const std::string& id, std::uint32_t minutes) {
  const Entry* entry = find(id);
  if (entry == nullptr || entry->ending) return Result::kNotFound;
  learn_sessions();
  std::vector<pid_t> leaders;
  for (const Leader& leader : entry->held.leaders) {
    if (is_alive(leader.process.get())) leaders.push_back(leader.pid);
  }
  jit::enforcer::warn(leaders, places_of(*entry), warning(id, minutes));
  return Result::kDone;
}

std::vector<Keeper::Summary> Keeper::list() const {
  std::vector<Summary> out;
  for (const auto& [id, entry] : entries_) {
    // The nearest, by which the broker sees whether more time was lost on the way.
    std::int64_t end = entry.held.end;
    for (const Scope& scope : entry.held.scopes) end = std::min(end, scope.end);
    for (const Scope& session : entry.held.sessions) end = std::min(end, session.end);
    out.push_back({id, end, entry.held.hard, entry.ending});
  }
  return out;
}

void Keeper::reported(const std::string& id, std::uint32_t number) {
  std::erase_if(reports_, [&](const Report& report) { return report.id == id && report.number == number; });
}

int Keeper::on_time(sd_event_source*, std::uint64_t, void* self) {
  static_cast<Keeper*>(self)->turn();
  return 0;
}

int Keeper::on_sessions(sd_event_source*, int, std::uint32_t, void* self) {
  auto& keeper = *static_cast<Keeper*>(self);
  sd_login_monitor_flush(keeper.monitor_->monitor);
  keeper.learn_sessions();
  return 0;
}

void Keeper::arm(std::int64_t at) {
  sd_event_source_set_time(timer_.get(), static_cast<std::uint64_t>(at) * 1000);
  sd_event_source_set_enabled(timer_.get(), SD_EVENT_ONESHOT);
}

}  // namespace jit::enforcer
