// SPDX-License-Identifier: Apache-2.0
// What sudo and sshd are told, as far as it takes us away.
#include <strings.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

#include "cli/doctor.h"
#include "cli/documents.h"
#include "cli/run_tool.h"
#include "cli/sshd_facts.h"
#include "evidence/text.h"
#include "host/pam_files.h"
#include "host/writer.h"

namespace jit::cli {

namespace {

using policy::Door;
using setup::Level;

constexpr const char* kSudo = "/usr/bin/sudo";
constexpr const char* kSudoers = "/etc/sudoers";
constexpr const char* kCvtsudoers = "/usr/bin/cvtsudoers";
constexpr const char* kSudoConf = "/etc/sudo.conf";
constexpr const char* kPlugin = "/usr/libexec/sudo/sudo_jit.so";
constexpr unsigned kSshWait = 100;  // seconds that the module waits at most behind keyboard-interactive

std::optional<unsigned> number_in(std::string_view text) {
  unsigned out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end != text.data() ? std::optional(out) : std::nullopt;
}

// As sudo reads it: the keyword in any case, and a backslash at its end makes a line go on.
bool loads_plugin() {
  std::ifstream file(kSudoConf);
  std::string line;
  for (std::string part; std::getline(file, part);) {
    line += part;
    if (line.ends_with('\\')) {
      line.pop_back();
      continue;
    }
    std::istringstream words(std::exchange(line, {}));
    std::string plugin, symbol;
    if (words >> plugin >> symbol && strcasecmp(plugin.c_str(), "plugin") == 0 && symbol == "sudo_jit") return true;
  }
  return false;
}

bool is_sudo_rs(const std::string& path) {
  std::error_code error;
  const std::string real = std::filesystem::canonical(path, error).string();
  return !error && (real.ends_with("/sudo-rs") || real.ends_with("/cargo/bin/sudo"));
}

// The path by which sudo-rs is called here: in sudo's place, where a link leads to it, or beside sudo, as Debian has it. Empty: it is not here.
std::string sudo_rs() {
  for (const char* const path : {"/usr/local/bin/sudo", kSudo, "/usr/bin/sudo-rs", "/usr/lib/cargo/bin/sudo"}) {
    if (is_sudo_rs(path)) return path;
  }
  return {};
}

bool has_line(std::string_view service, std::string_view type) {
  const host::PamService read = host::read_service({}, service);
  return std::ranges::any_of(read.lines, [&](const host::PamLine& line) { return line.type == type && line.module == setup::kModule; });
}

}  // namespace

// It asks PAM as sudo and sudo-i, as sudo does, always for account and session.
void Doctor::sudo_rs_gates(const std::string& path, const DoorState& sudo) {
  if (sudo.state == "gated") {
    return add(Level::kNote, path, "this is sudo-rs: it asks PAM as sudo and sudo-i, which are gated; it has no plugins, so commands are shown as not verified",
               "nothing, where that will do");
  }
  if (sudo.state == "closed") return add(Level::kNote, path, "this is sudo-rs: it asks PAM as sudo and sudo-i, by which nobody gets through", "see the other findings");
  const bool observes = sudo.state == "observes";
  const Level level = sudo.covered && !observes ? Level::kHole : Level::kOpen;
  if (sudo.state == "absent") {
    return add(level, path, "this is sudo-rs: it asks PAM as sudo and sudo-i, which have no files here, so others are taken", "put them into /etc/pam.d, then: jitctl setup sudo");
  }
  add(level, path, std::string("this is sudo-rs: it asks PAM as sudo and sudo-i, ") + (observes ? "which only observe" : "which are not gated: who may use it is root without asking"),
      "type: jitctl setup sudo");
}

void Doctor::sudo_settings() {
  const DoorState* const sudo = state_of(Door::kSudo);
  if (sudo == nullptr) return;
  const std::string rs = sudo_rs();
  if (!rs.empty()) sudo_rs_gates(rs, *sudo);
  if (sudo->state == "absent" || sudo->state == "open") return;
  // Where sudo-rs has taken its place, what sudo would be told still counts if its tools are there: it may lie under another name.
  const bool replaced = is_sudo_rs(kSudo);
  if (replaced && access(kCvtsudoers, X_OK) != 0) return;
  const auto done = access(kSudoers, R_OK) == 0 ? run_tool({kCvtsudoers, "-f", "json", kSudoers}) : std::nullopt;
  const Json sudoers = done && done->code == 0 ? Json::parse(done->out, nullptr, false) : Json();
  if (!sudoers.is_object()) {
    add(Level::kFault, "sudoers", "it cannot be read here, so nobody knows what it switches off", "type: visudo -c; and is cvtsudoers there?");
  }
  for (const Json& defaults : member(sudoers, "Defaults")) {
    for (const Json& options : member(defaults, "Options")) {
      if (!options.is_object()) continue;
      for (const auto& item : options.items()) {
        const bool off = item.value().is_boolean() && !item.value().get<bool>();
        const std::string value = item.value().is_string() ? evidence::escape_to(item.value().get<std::string>(), 64) : "";
        if (item.key() == "pam_acct_mgmt" && off) add(Level::kHole, "sudoers", "Defaults !pam_acct_mgmt: sudo does not ask us", "take it out, with visudo");
        if (item.key() == "pam_session" && off) add(Level::kHole, "sudoers", "Defaults !pam_session: nothing ends what sudo runs", "take it out, with visudo");
        if (item.key() == "passprompt_override" && !off && !loads_plugin()) {
          add(Level::kFault, "sudoers", "Defaults passprompt_override: sudo shows its password prompt in place of our questions, and a password would be taken as the reason, shown and logged",
              "take it out, with visudo; or load sudo_jit, whose questions it leaves alone");
        }
        if (item.key() == "exempt_group") {
          add(Level::kNote, "sudoers", "Defaults exempt_group=" + value + ": they give no password; account, where ours stands, is asked all the same", "nothing, while our line is in account");
        }
        if ((item.key() == "pam_service" && value != "sudo") || (item.key() == "pam_login_service" && value != "sudo-i") ||
            (item.key() == "pam_askpass_service" && value != "sudo")) {
          add(Level::kHole, "sudoers", "Defaults " + item.key() + "=" + value + ": sudo goes by a PAM service that is not gated", "take it out, with visudo");
        }
      }
    }
  }
  add(Level::kNote, "sudo", "sudo -k and -K forget a password, and end no grant", "to give one back early: jitctl end GRANT");
  if (!loads_plugin()) {
    if (!replaced) add(Level::kNote, "sudo.conf", "sudo_jit is not loaded: commands are what sudo was told, and shown as not verified", "for exact commands: Plugin sudo_jit sudo_jit.so in /etc/sudo.conf, see sudo_jit(8)");
  } else if (access(kPlugin, R_OK) != 0) {
    add(Level::kFault, kSudoConf, "it loads sudo_jit, which is not there: sudo does not start", "install sudo-jit, or take the line out");
  } else if (const auto who = host::writer_of(kPlugin)) {
    add(Level::kHole, kPlugin, *who + " may replace it", "make it root's, and writable by nobody else");
  }
}

void Doctor::sshd_settings() {
  const DoorState* const ssh = state_of(Door::kSsh);
  if (ssh == nullptr || ssh->state == "absent") return;
  const SshdFacts sshd = sshd_facts();
  if (!sshd.there) {
    if (!sshd.problem.empty() && ssh->state != "open") add(Level::kFault, "sshd", sshd.problem, "type: sshd -t");
    return;
  }
  if (ssh->state == "open") return;
  if (sshd.get("usepam") != "yes") add(Level::kHole, "sshd", "UsePAM is " + sshd.get("usepam") + ": sshd does not ask PAM, nor us", "UsePAM yes in sshd_config, then reload it");
  for (const SshdMatch& one : sshd.other_services()) {
    add(Level::kHole, evidence::escape_to(one.where, 160), "PAMServiceName is " + evidence::escape_to(one.value, 64) + ": sshd goes by a PAM service that is not gated", "take it out, then reload sshd");
  }
  const bool in_auth = has_line("sshd", "auth");
  const std::string methods = sshd.get("authenticationmethods");
  if (in_auth && !sshd.asks_after_key && has_line("sshd", "account")) {
    add(Level::kFault, "sshd", "AuthenticationMethods is " + evidence::escape_to(methods, 80) + ": our auth line refuses who has proven no key before",
        "AuthenticationMethods publickey,keyboard-interactive:pam; or take the auth line out");
  }
  const SshdMatch* const without = sshd.talks_without_key();
  if (in_auth && sshd.asks_after_key && without != nullptr && has_line("sshd", "account")) {
    add(Level::kFault, evidence::escape_to(without->where, 160), "AuthenticationMethods of a Match block are " + evidence::escape_to(without->value, 80) + ": our auth line refuses who has proven no key before",
        "AuthenticationMethods publickey,keyboard-interactive:pam there; or take the auth line out");
  }
  const auto grace = number_in(sshd.get("logingracetime"));
  if (in_auth && grace && *grace != 0 && *grace < kSshWait + 10) {
    add(Level::kFault, "sshd", "LoginGraceTime is " + std::to_string(*grace) + " s: it cuts the wait for an approval, which is up to " + std::to_string(kSshWait) + " s",
        "LoginGraceTime 120 or more; or budget=" + std::to_string(*grace > 20 ? *grace - 10 : 10) + " on our auth line");
  }
  const auto most = number_in(sshd.get("maxstartups"));
  if (in_auth && most && *most < 10) {
    add(Level::kFault, "sshd", "MaxStartups is " + evidence::escape_to(sshd.get("maxstartups"), 40) + ": a few logins that wait keep all others out", "MaxStartups 10:30:100 or more");
  }
  if (!in_auth && sshd.asks_after_key && without == nullptr && ssh->state == "gated") {
    add(Level::kNote, "sshd", "AuthenticationMethods lets people be asked, and no line of ours in auth does: they are refused, and come again", "type: jitctl setup ssh");
  }
}

}  // namespace jit::cli
