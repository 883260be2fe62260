// SPDX-License-Identifier: Apache-2.0
// Everything that is held: adopted into a scope, ended when its time comes or when that is asked, reported on. It ends by the
// kernel alone, so a systemd, logind or bus that does not answer delays no end.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "enforcer/held.h"
#include "enforcer/report.h"
#include "enforcer/units.h"

namespace jit::enforcer {

enum class Result : std::uint8_t { kDone, kNotFound, kFailed };

class Keeper {
 public:
  using Adopted = std::function<void(const std::string& error, const std::string& unit)>;
  struct Summary {
    std::string id;
    std::int64_t end, hard;
    bool ending;
  };

  // folder: of the records, e.g. /run/jit-enforcer. tell: of each report as it is made.
  Keeper(sd_event* loop, std::string folder, std::function<void(const Report&)> tell);
  ~Keeper();
  Keeper(const Keeper&) = delete;
  Keeper& operator=(const Keeper&) = delete;

  bool start();  // takes up what the records say; false: no timer
  void adopt(const std::string& id, Fd process, pid_t pid, std::int64_t end, std::int64_t hard, Adopted done);
  Result set_end(const std::string& id, std::int64_t end);
  Result warn(const std::string& id, std::uint32_t minutes);
  Result end(const std::string& id);
  std::vector<Summary> list() const;
  const std::vector<Report>& reports() const { return reports_; }
  void reported(const std::string& id, std::uint32_t number);
  bool is_idle() const { return entries_.empty() && reports_.empty(); }

 private:
  struct Entry {
    Held held;
    bool ending = false;
    bool replacing = false;      // its scope, by one that ends later
    std::string why;
    std::int64_t moved = 0;      // boot_ms: the end that SetEnd gave last
    std::int64_t kill_at = 0;    // boot_ms
    std::int64_t look_at = 0;
    std::int64_t give_up_at = 0;  // then what is left is a survivor
    std::uint32_t ended = 0;
    bool told = false;            // what its end met with
    std::uint32_t reports = 0;
  };
  Entry* find(const std::string& id);
  std::int64_t around(const Held& held, std::int64_t Held::*which) const;  // the first end of those it was started under
  std::int64_t end_of(const Held& held) const;  // of it and of those
  // What of ours a process is in; no id: nothing.
  struct Place {
    std::string id, unit;
    std::int64_t end = 0, hard = 0;
  };
  Place place_of(const std::string& cgroup) const;
  Place place_above(const Process& process) const;
  std::vector<std::string> places_of(const Entry& entry) const;
  void learn_sessions();
  void look_at_accounts();
  bool save(const Entry& entry);
  void erase(const std::string& id);
  void forget_leader(const std::string& id, pid_t pid, std::uint64_t start);
  bool may_adopt(const std::string& id) const;
  bool keep_out(const std::string& id);  // whoever was bound before it ended, and comes later
  // Those in which something runs, and that systemd would end too early; where their ends differ those that end with the first.
  std::vector<Scope*> short_scopes(Entry& entry) const;
  struct Coming {
    pid_t pid;
    std::uint64_t start;
    std::string slice;
    std::int64_t end, hard;
  };
  void move_inner(const std::string& outer, std::int64_t end);
  void start_scope(const std::string& id, const Coming& coming, Adopted done);
  std::int64_t end_parts(Entry& entry, std::int64_t now);  // those whose time has come; when to look again
  void prolong(const std::string& id);
  void replace(const std::string& id, int tries);
  void begin_end(Entry& entry, const std::string& why);
  void go_on_ending(Entry& entry, std::int64_t now);
  bool is_over(const Entry& entry) const;  // nothing of it is left
  void report(Entry& entry, const std::string& why, const std::vector<std::string>& places);
  void turn();
  void arm(std::int64_t at);
  static int on_time(sd_event_source* source, std::uint64_t usec, void* self);
  static int on_sessions(sd_event_source* source, int fd, std::uint32_t events, void* self);

  sd_event* loop_;
  std::string folder_;
  std::function<void(const Report&)> tell_;
  Units units_;
  SourcePtr timer_, sessions_;
  struct Monitor;
  std::unique_ptr<Monitor> monitor_;
  std::map<std::string, Entry> entries_;
  std::vector<Report> reports_;
  std::int64_t accounts_at_ = 0;  // boot_ms of the next look
};

}  // namespace jit::enforcer
