// SPDX-License-Identifier: Apache-2.0
#include "cli/setup_plan.h"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include "cli/client.h"
#include "cli/documents.h"
#include "cli/replace_file.h"
#include "cli/sshd_facts.h"
#include "cli/take_back.h"
#include "evidence/text.h"
#include "host/pam_files.h"
#include "setup/probe/probe.h"

namespace jit::cli {

namespace {

using setup::Mode;
namespace probe = setup::probe;

constexpr const char* kPolicies = "/usr/share/jit/policies";
constexpr const char* kPolicyFolder = "/etc/jit/policy.d";

// Are there lines of this type in what a file includes?
bool included_holds(std::string_view included, std::string_view type) {
  const host::PamService read = host::read_service({}, included);
  return std::ranges::any_of(read.lines, [&](const host::PamLine& line) { return line.type == type; });
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

// Of a try that proves nothing.
std::string why_not(const Change& change, const probe::Result& tried) {
  const std::string service(change.service->name);
  if (tried.passed) return "PAM let through who asked at " + service + ", so it would not be gated: something in the file comes before our line";
  if (tried.asked && !tried.covered) {
    return "the policy in force does not cover " + std::string(policy::name_of(change.service->door)) + ": see jitctl status, then jitctl policy reload";
  }
  const std::string said = tried.said.empty() ? tried.error : first_line(tried.said);
  return "at " + service + " PAM did not come to the broker (" + evidence::escape_to(said, 200) + "): is jit-broker running? systemctl status jit-broker";
}

// Empty: good.
std::string try_change(const Change& change, Mode mode, const probe::Result& before) {
  const auto tried = probe::try_door(std::string(change.service->name));
  if (mode == Mode::kGate) return tried.asked && tried.covered ? "" : why_not(change, tried);
  // It changes nothing of what PAM answers, but where a gate stood, which now stops nobody.
  if ((tried.code == before.code && tried.code >= 0) || (before.asked && tried.passed)) return {};
  return "at " + std::string(change.service->name) + " PAM answers \"" + evidence::escape_to(tried.error, 200) + "\" where it answered \"" + evidence::escape_to(before.error, 200) + "\"";
}

bool holds_one(const std::optional<Unconfirmed>& waiting, const setup::Service& service) {
  return waiting && std::ranges::find(waiting->services, service.name) != waiting->services.end();
}

// As it was before this change. What waited already waits on, with what was before it.
Result<Nothing> put_back(SetupFiles& files, const Change& change, bool waited) {
  if (waited && change.file.there) {
    const auto now = SetupFiles::read(*change.service);
    if (now && now->there && now->text == change.file.text) return Nothing{};
    return SetupFiles::replace(change.file, change.file.text);
  }
  const auto back = files.restore(*change.service, true);
  if (!back) return back.failure();
  return Nothing{};
}

// What waited before waits as it did; where nothing waits any more, nothing is left to take back.
void keep_waiting(SetupFiles& files, const std::optional<Unconfirmed>& before) {
  const auto now = files.unconfirmed();
  if (now && !now->services.empty()) {
    if (before) (void)files.note_unconfirmed(*before);
    return;
  }
  files.confirm();
  disarm();
}

bool has_policy() {
  bool found = false;
  for (const char* const path : {kPolicyFolder, "/run/jit/policy.d", "/usr/lib/jit/policy.d"}) {
    DIR* const folder = opendir(path);
    if (folder == nullptr) continue;
    while (const dirent* const entry = readdir(folder)) {
      const std::string_view name = entry->d_name;
      found = found || (name.ends_with(".toml") && !name.starts_with('.'));
    }
    closedir(folder);
  }
  return found;
}

}  // namespace

std::string evidence_text(std::string_view lines) {
  std::string out;
  while (!lines.empty()) {
    const std::size_t end = std::min(lines.find('\n'), lines.size());
    std::string line;
    for (const char c : lines.substr(0, end)) line += c == '\t' ? std::string("\t") : evidence::escape(std::string(1, c));
    out += line + '\n';
    lines.remove_prefix(std::min(end + 1, lines.size()));
  }
  return out;
}

Result<std::vector<Change>> plan_setup(const std::vector<policy::Door>& doors, Mode mode, Output& out) {
  std::vector<Change> changes;
  std::string main_path;  // of the door at hand: it comes first
  for (const setup::Service& service : setup::services()) {
    if (std::ranges::find(doors, service.door) == doors.end()) continue;
    auto file = SetupFiles::read(service);
    if (!file) return file.failure();
    if (service.main) main_path = file->path;
    // Without a file PAM takes that for all others: where it lets people through they come by the door's main file instead.
    if (!file->there && file->other.empty() && !service.main) {
      if (mode == Mode::kObserve || !is_asked_for(service) || !probe::try_door(std::string(service.name)).passed) continue;
      file->other = main_path;
    }
    if (file->there && !setup::has_lines(file->text) && needs_no_line(service, host::read_service({}, service.name))) continue;
    if (!file->there && file->other.empty()) {
      return Failure{Exit::kNotAllowed, "there is no " + file->path + ", so " + std::string(policy::name_of(service.door)) + " is not a door of this host: where it is installed, put the file back as its package has it"};
    }
    Change change;
    change.service = &service;
    change.file = *file;
    setup::Wanted wanted{mode, false};
    if (service.door == policy::Door::kSsh) {
      const SshdFacts sshd = sshd_facts();
      if (const auto others = sshd.other_services(); !others.empty()) {
        return Failure{Exit::kNo, evidence::escape_to(others[0].where, 160) + ": PAMServiceName is " + evidence::escape_to(others[0].value, 64) +
                                      ", so sshd does not go by /etc/pam.d/sshd: take it out, reload sshd, then type it again; nothing was changed"};
      }
      const SshdMatch* const without = sshd.talks_without_key();
      wanted.auth = sshd.asks_after_key && without == nullptr;
      if (sshd.asks_after_key && without != nullptr) {
        out.note("sshd: " + without->where + ": AuthenticationMethods of a Match block let people talk without a key, so no line is written into auth: who waits is refused, and comes again");
      }
      if (!sshd.problem.empty()) out.note("sshd: " + sshd.problem);
    }
    const setup::Left left = setup::without_lines(file->text);
    change.original = left.text;
    // Lines of ours that are right may have been given options by hand, and be moved to where they work as well: they stay.
    if (file->there && setup::has_all_lines(service, file->text, wanted, included_holds)) continue;
    const setup::Edited edited = file->there ? setup::with_lines(service, file->text, wanted, included_holds)
                                             : setup::new_file(service, file->other, wanted, included_holds);
    if (!edited.problem.empty()) {
      const std::string place = file->path + (edited.line == 0 ? "" : ':' + std::to_string(edited.line));
      return Failure{Exit::kNo, place + ": " + edited.problem + ": mend it by hand, then type it again; nothing was changed"};
    }
    change.text = edited.text;
    if (change.text == file->text) continue;
    change.diff = setup::unified_diff(file->text, change.text, file->there ? file->path : "/dev/null", file->path);
    changes.push_back(std::move(change));
  }
  return changes;
}

Result<Nothing> make_changes(SetupFiles& files, const std::vector<Change>& changes, Mode mode, bool take_back) {
  std::vector<probe::Result> before(changes.size());
  for (std::size_t i = 0; mode == Mode::kObserve && i < changes.size(); ++i) before[i] = probe::try_door(std::string(changes[i].service->name));
  const auto pending = files.unconfirmed();
  Unconfirmed waits = pending.value_or(Unconfirmed{});
  waits.boot = boot_id();
  if (!pending) files.confirm();  // of one that was killed before it changed anything
  for (const Change& change : changes) {
    auto kept = files.keep(*change.service, change.file, change.original);
    if (kept) continue;
    for (const Change& one : changes) {
      if (!holds_one(pending, *one.service)) SetupFiles::settle(*one.service);
    }
    return kept;
  }
  // From here on, whatever happens to this program, the timer and the next boot take it back; where they do not run, undo does.
  waits.since_ms = boottime_ms();
  auto ready = files.note_unconfirmed(waits);
  if (ready && take_back) ready = arm();
  std::string wrong = ready ? "" : ready.failure().message;
  for (std::size_t i = 0; wrong.empty() && i < changes.size(); ++i) {
    if (const auto wrote = SetupFiles::replace(changes[i].file, changes[i].text); !wrote) wrong = wrote.failure().message;
  }
  for (std::size_t i = 0; wrong.empty() && i < changes.size(); ++i) wrong = try_change(changes[i], mode, before[i]);
  if (wrong.empty()) {
    if (take_back) return Nothing{};
    // Of these nothing is to be confirmed, as who observes is not kept out by it.
    for (const Change& change : changes) SetupFiles::settle(*change.service);
    keep_waiting(files, pending);
    return Nothing{};
  }
  std::string stays;
  for (const Change& change : changes) {
    const auto back = put_back(files, change, holds_one(pending, *change.service));
    if (!back) stays += "; " + back.failure().message;
  }
  keep_waiting(files, pending);
  return Failure{Exit::kNo, wrong + (stays.empty() ? "; nothing stays changed" : stays + "; type jitctl setup --undo")};
}

Result<std::string> place_policy(const std::string& name) {
  if (name != "laptop" && name != "server" && name != "bastion") {
    return Failure{Exit::kUsage, "no starter policy \"" + evidence::escape_to(name, 64) + "\": give laptop, server or bastion"};
  }
  if (has_policy()) return "a policy is there already, and stays: " + std::string(kPolicyFolder);
  const std::string from = std::string(kPolicies) + '/' + name + ".toml";
  const std::string to = std::string(kPolicyFolder) + '/' + name + ".toml";
  std::ifstream file(from, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!file || text.empty()) return Failure{Exit::kNotAllowed, from + " cannot be read: is jit-broker installed whole?"};
  const group* const owner = getgrnam("_jit");
  if (owner == nullptr) return Failure{Exit::kNotAllowed, "there is no group _jit: is jit-broker installed whole?"};
  const std::string fresh = to + ".jit-new";
  unlink(fresh.c_str());
  const int fd = open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  int error = fd < 0 ? errno : 0;
  if (fd >= 0) {
    const bool wrote = write_all(fd, text) && fchown(fd, 0, owner->gr_gid) == 0 && fchmod(fd, 0640) == 0 && fsync(fd) == 0;
    if (!wrote) error = errno;
    close(fd);
    if (wrote && std::rename(fresh.c_str(), to.c_str()) != 0) error = errno;
    if (error != 0) unlink(fresh.c_str());
  }
  if (error != 0) return Failure{Exit::kNo, to + ": " + std::strerror(error) + ": nothing was changed"};
  const auto client = Client::connect();
  if (!client) return client.failure();
  const auto status = (*client)->reload();
  if (!status) return status.failure();
  if (const Json& errors = member(*status, "policy.errors"); errors.is_array() && !errors.empty()) {
    const std::string why = errors[0].is_string() ? errors[0].get<std::string>() : "see jitctl policy check";
    unlink(to.c_str());  // nothing was in force before, and nothing is
    return Failure{Exit::kNo, why + "; " + to + " is removed again: mend that first (keys: jitctl people add-key), then type it again"};
  }
  return to + ": the starter policy " + name + " is in force; read it, and make it yours";
}

}  // namespace jit::cli
