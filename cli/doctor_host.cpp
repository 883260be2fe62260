// SPDX-License-Identifier: Apache-2.0
// The broker, its files, keys, clock and disk.
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <glob.h>
#include <pwd.h>

#include "broker/config/provider_file.h"
#include "cli/doctor.h"
#include "cli/documents.h"
#include "evidence/text.h"
#include "host/names.h"
#include "host/writer.h"
#include "relay/credentials/settings_file.h"

namespace jit::cli {

namespace {

using setup::Level;

constexpr std::uint64_t kRoomWanted = 64UL << 20;  // bytes
constexpr std::int64_t kSoon = 14 * 86'400;        // seconds

struct Wanted {
  const char* path;
  mode_t mode;
  bool jit;  // owned by _jit, not by root
};
constexpr Wanted kModes[] = {{"/run/jit", 0755, false}, {"/run/jit/gate", 0600, false}, {"/var/lib/jit", 0700, true}, {"/etc/jit", 0755, false}};

std::vector<std::string> paths_like(const char* pattern) {
  glob_t found{};
  std::vector<std::string> out;
  if (::glob(pattern, 0, nullptr, &found) == 0) out.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  globfree(&found);
  return out;
}

// proc(5): of the last mount there, "hidepid=2"; empty: it hides nobody.
std::string hidden_by_proc() {
  std::ifstream mounts("/proc/self/mounts");
  std::string out, device, place, kind, options, rest;
  while (mounts >> device >> place >> kind >> options && std::getline(mounts, rest)) {
    if (place != "/proc") continue;
    const std::size_t at = options.find("hidepid=");
    out = at == std::string::npos ? std::string() : options.substr(at, options.find(',', at) - at);
    if (out == "hidepid=0" || out == "hidepid=off") out.clear();
  }
  return out;
}

// A file that is wrong was meant to set one up, too.
bool wants_relay() {
  std::string why;
  const auto text = relay::read_small_file("/etc/jit/relay.toml", why);
  if (!text) return std::filesystem::exists("/etc/jit/relay.toml");
  const auto settings = relay::read_settings(*text, "", why);
  return !settings || !settings->none;
}

std::string octal(mode_t mode) {
  char text[8];
  std::snprintf(text, sizeof text, "%04o", mode & 07777U);
  return text;
}

}  // namespace

void Doctor::providers() {
  for (const std::string& path : paths_like("/etc/jit/facts.d/*.toml")) {
    const std::string name = std::filesystem::path(path).stem().string();
    struct stat st {};
    if (!config::provider_name(name) || stat(path.c_str(), &st) != 0) continue;
    const std::string user = "jit-fact-" + name;
    if ((st.st_mode & S_IROTH) == 0 && host::user_text(st.st_uid) != "user " + user) add(Level::kFault, path, user + ", who runs it, cannot read it", "type: chmod 644 " + path);
    if (getpwnam(user.c_str()) == nullptr) {
      add(Level::kNote, path, "there is no user " + user + ": dbus-daemon turns away whom a unit has only while it runs, and the fact stays unknown",
          "type: systemd-sysusers --inline 'u " + user + " -'");
    }
  }
}

void Doctor::host_itself() {
  // Who could put another program or file in the place of ours.
  std::vector<std::string> ours = paths_like("/usr/lib/*/security/pam_jit.so");
  for (const char* const path : {"/usr/bin/jitctl", "/usr/libexec/jit/jit-broker", "/usr/libexec/jit/jit-enforcer", "/usr/share/dbus-1/system.d/org.pamjit.Broker1.conf", "/etc/pam.d",
                                 "/etc/jit/policy.d", "/etc/jit/people.d", "/etc/sudo.conf"}) {
    ours.emplace_back(path);
  }
  for (const std::string& path : paths_like("/etc/pam.d/*")) ours.push_back(path);
  for (const std::string& path : ours) {
    if (const auto who = host::writer_of(path)) add(Level::kHole, path, *who + " may replace it", "make it and its folders root's, and writable by nobody else");
  }
  for (const Wanted& wanted : kModes) {
    struct stat st {};
    if (lstat(wanted.path, &st) != 0) continue;
    const bool owned = wanted.jit ? host::user_text(st.st_uid) == "user _jit" : st.st_uid == 0;
    // More than it should have is dangerous; less only does not work.
    if (!owned || (st.st_mode & 07777U & ~wanted.mode) != 0) {
      add(Level::kHole, wanted.path, "it is " + host::user_text(st.st_uid) + "'s, mode " + octal(st.st_mode), std::string("type: chown ") + (wanted.jit ? "_jit " : "root ") + wanted.path + " && chmod " + octal(wanted.mode) + " " + wanted.path);
    }
  }
  bus_policy();

  if (status.is_null()) {
    add(Level::kFault, "jit-broker", "it does not answer: doors that are gated let nobody in", "type: systemctl status jit-broker; a console takes root by the rescue line");
  } else {
    if (text_of(status, "policy.in_force") != "the files") add(Level::kFault, "policy", "in force: " + text_of(status, "policy.in_force"), "type: jitctl policy check, then jitctl policy reload");
    if (text_of(status, "store") != "ok") add(Level::kFault, "/var/lib/jit", "the database is " + text_of(status, "store") + ": nothing new is granted", "type: jitctl status");
    if (text_of(status, "host.key").empty()) add(Level::kFault, "/var/lib/jit/host.key", "there is no host key: nothing can be signed", "type: systemctl restart jit-broker, then journalctl -u jit-broker");
    if (const std::string alarm = text_of(status, "alarm"); !alarm.empty()) add(Level::kFault, "jit-broker", alarm, "type: jitctl status");
    if (const Json& notes = member(status, "archive"); notes.is_array()) {
      for (const Json& note : notes) add(Level::kNote, "/var/lib/jit/archive", note.is_string() ? note.get<std::string>() : std::string(), "see FILES in jitctl(1)");
    }
    if (const std::string ends = text_of(status, "ends"); ends.starts_with("only")) add(Level::kNote, "jit-enforcer", "nothing ends what runs: " + ends, "on a host with systemd: systemctl enable --now jit-enforcer.socket");
  }

  bool relay = false;
  if (const Json& couriers = member(status, "couriers"); couriers.is_array()) {
    for (const Json& courier : couriers) {
      const std::string name = text_of(courier, "name");
      relay = relay || name == "relay";
      const Json& reached = member(courier, "reached");
      if (!reached.is_boolean() || reached.get<bool>()) continue;
      add(Level::kFault, "jit-" + name, text_of(courier, "why"), name == "relay" ? "type: systemctl status jit-relay" : "see to the channel, then type: jitctl notify test CHANNEL");
    }
  }

  // A relay that ends at its start never says how it is.
  if (!relay && !status.is_null() && wants_relay()) {
    add(Level::kFault, "jit-relay", "/etc/jit/relay.toml sets one up, and it does not run: people elsewhere are not asked", "type: systemctl status jit-relay");
  }
  providers();
  if (const std::string hides = hidden_by_proc(); !hides.empty()) {
    add(Level::kFault, "/proc", "it hides processes (" + hides + "): the broker cannot see who asks, and nothing is opened", "type: mount -o remount,hidepid=0 /proc, and take it out of /etc/fstab");
  }
  timex clock{};
  const int state = adjtimex(&clock);
  if (state == TIME_ERROR || (clock.status & STA_UNSYNC) != 0) {
    add(Level::kNote, "clock", "the wall clock is not synchronised: windows and calendars of the policy go by it", "type: timedatectl set-ntp true");
  }
  struct statvfs disk {};
  if (statvfs("/var/lib/jit", &disk) == 0) {
    const std::uint64_t room = std::uint64_t{disk.f_bavail} * disk.f_frsize;
    const bool few = disk.f_files != 0 && disk.f_favail < 100;
    if (room < kRoomWanted || few) {
      add(Level::kFault, "/var/lib/jit", few ? "no inodes are left: soon nothing is granted" : std::to_string(room >> 20) + " MiB are left: when it is full nothing is granted", "make room there");
    }
  }
  if (policy == nullptr) return;
  const auto now = static_cast<std::int64_t>(std::time(nullptr));
  std::size_t usable = 0;
  for (const policy::Person& person : policy->people()) {
    for (const policy::Key& key : person.keys) {
      const std::string which = evidence::escape_to(person.name, 64) + "'s key " + evidence::escape_to(key.id, 64);
      usable += key.usable(now) ? 1U : 0U;
      if (key.not_after && *key.not_after <= now) {
        add(Level::kFault, "people.d", which + " has expired: it signs nothing", "type: jitctl people add-key " + evidence::escape_to(person.name, 64) + " FILE");
      } else if (key.not_after && *key.not_after - now < kSoon && key.usable(now)) {
        add(Level::kNote, "people.d", which + " expires within two weeks", "enrol its successor: jitctl people add-key");
      }
    }
  }
  if (usable == 0) add(Level::kNote, "people.d", "nobody has a key: only the word of this host counts as a vote", "type: jitctl people add-key NAME FILE, for each approver");
  if (!relay && !wants_relay()) add(Level::kNote, "relay", "none: people vote here by jitctl, over ssh, or by vote codes", "nothing, where that is meant");
}

}  // namespace jit::cli
