// SPDX-License-Identifier: Apache-2.0
// What sudo and sshd are told, as far as it takes us away.
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <sstream>

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

constexpr const char* kSudoers = "/etc/sudoers";
constexpr const char* kSudoConf = "/etc/sudo.conf";
constexpr const char* kPlugin = "/usr/libexec/sudo/sudo_jit.so";
constexpr unsigned kSshWait = 100;  // seconds that the module waits at most behind keyboard-interactive

std::optional<unsigned> number_in(std::string_view text) {
  unsigned out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end != text.data() ? std::optional(out) : std::nullopt;
}

bool loads_plugin() {
  std::ifstream file(kSudoConf);
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string plugin, symbol;
    if (words >> plugin >> symbol && plugin == "Plugin" && symbol == "sudo_jit") return true;
  }
  return false;
}

bool has_line(std::string_view service, std::string_view type) {
  const host::PamService read = host::read_service({}, service);
  return std::ranges::any_of(read.lines, [&](const host::PamLine& line) { return line.type == type && line.module == setup::kModule; });
}

}  // namespace

void Doctor::sudo_settings() {
  const DoorState* const sudo = state_of(Door::kSudo);
  if (sudo == nullptr || sudo->state == "absent" || sudo->state == "open") return;
  const auto done = access(kSudoers, R_OK) == 0 ? run_tool({"/usr/bin/cvtsudoers", "-f", "json", kSudoers}) : std::nullopt;
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
  if (!loads_plugin()) {
    add(Level::kNote, "sudo.conf", "sudo_jit is not loaded: commands are what sudo was told, and shown as not verified", "for exact commands: Plugin sudo_jit sudo_jit.so in /etc/sudo.conf, see sudo_jit(8)");
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
  const bool in_auth = has_line("sshd", "auth");
  const std::string methods = sshd.get("authenticationmethods");
  if (in_auth && !sshd.asks_after_key && has_line("sshd", "account")) {
    add(Level::kFault, "sshd", "AuthenticationMethods is " + evidence::escape_to(methods, 80) + ": our auth line refuses who has proven no key before",
        "AuthenticationMethods publickey,keyboard-interactive:pam; or take the auth line out");
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
  if (!in_auth && sshd.asks_after_key && ssh->state == "gated") {
    add(Level::kNote, "sshd", "AuthenticationMethods lets people be asked, and no line of ours in auth does: they are refused, and come again", "type: jitctl setup --undo ssh, then jitctl setup ssh");
  }
}

}  // namespace jit::cli
