// SPDX-License-Identifier: Apache-2.0
// B1, H7: the n-th use of each call fails, for all n. The gate would say yes each time; the module must not.
#include <security/pam_appl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/catch.h"
#include <iostream>
#include <map>
#include <optional>
#include <sstream>

#include "tests/pam/bed.h"
#include "tests/pam/fake_gate.h"
#include "tests/pam/interpose.h"

using namespace jit::pam_test;

namespace {

constexpr int kNotMade = 72;

struct Way {
  const char* name;
  const char* service;
  Call call;
  Script script;
  int denied;
  std::vector<std::string> texts = {};
  bool held = false;  // systemd runs, and the enforcer takes the session over
  bool ignores_keys = false;

  void prepare() const {
    if (ignores_keys) signal(SIGINT, SIG_IGN);
  }
};

// In the ways that wait, a broken connection is joined again: there the gate then says no, so that a yes would be ours. Behind a prompt
// the yes is asked for anew, once.
std::vector<Way> all_ways() {
  const Script waits{.submit = Say::kPending, .then = Then::kAllow, .resume = Say::kDeny};
  const Script says_again{.submit = Say::kPending, .then = Then::kAllow, .renew = Say::kAllow};
  const Script asks{.submit = Say::kNeeds, .again = Say::kAllow};
  return {
      {"sudo account, allowed", "sudo", Call::kAccount, {}, PAM_PERM_DENIED},
      {"sudo account, waits", "sudo", Call::kAccount, waits, PAM_PERM_DENIED},
      {"su auth, asks", "su", Call::kAuth, asks, PAM_PERM_DENIED},
      {"sudo account, chooses", "sudo", Call::kAccount, {.submit = Say::kChoice}, PAM_PERM_DENIED, {"glass", "the database is on fire"}},
      {"sshd auth, waits", "sshd", Call::kAuth, says_again, PAM_MAXTRIES},
      {"login account, waits, ignores its keys", "login", Call::kAccount, waits, PAM_PERM_DENIED, {}, false, true},
      {"sshd account, allowed", "sshd", Call::kAccount, {}, PAM_PERM_DENIED},
      {"sudo session", "sudo", Call::kSession, {}, PAM_ABORT},
      {"login session", "login", Call::kSession, {}, PAM_PERM_DENIED},
      {"sudo session, handed over", "sudo", Call::kSession, {}, PAM_ABORT, {}, true},
      {"login session, handed over", "login", Call::kSession, {}, PAM_PERM_DENIED, {}, true},
  };
}

// What is counted in a run where nothing fails: name -> uses. The child tells by a file.
std::map<std::string, long> uses(const Way& way) {
  Attempt attempt{.dir = "/run/sweep", .service = way.service, .calls = {way.call}, .texts = way.texts};
  attempt.before = [&way] {
    way.prepare();
    count_calls();
  };
  attempt.after = [] {
    stop_interposing();
    FILE* file = fopen("/run/uses", "w");
    for (const std::string& name : interposed()) fprintf(file, "%s %ld\n", name.c_str(), calls_of(name));
    fclose(file);
  };
  const Outcome outcome = run(attempt);
  std::map<std::string, long> out;
  if (outcome.codes != std::vector<int>{PAM_SUCCESS}) return out;
  FILE* file = fopen("/run/uses", "r");
  char name[64];
  long n = 0;
  while (fscanf(file, "%63s %ld", name, &n) == 2) out[name] = n;
  fclose(file);
  return out;
}

std::string sweep(const Way& way) {
  write_stacks("/run/sweep", "budget=3", true);
  const FakeGate gate(way.script);
  std::optional<FakeGate> enforcer;
  if (way.held) {
    mkdir("/run/systemd", 0755);
    mkdir("/run/systemd/system", 0755);  // sd_booted(3) looks for this folder alone
    enforcer.emplace(Script{.part = Part::kEnforcer});
  }
  const std::map<std::string, long> counted = uses(way);
  if (counted.empty()) return "0\nnot allowed where nothing fails\n";
  std::string wrong;
  long cells = 0;
  for (const auto& [name, count] : counted) {
    for (long nth = 1; nth <= count; ++nth, ++cells) {
      Attempt attempt{.dir = "/run/sweep", .service = way.service, .calls = {way.call}, .texts = way.texts};
      attempt.before = [&way, &which = name, nth] {
        way.prepare();
        fail_call(which, nth);
      };
      attempt.after = [] {
        stop_interposing();
        if (!failed()) _exit(kNotMade);
      };
      const Outcome outcome = run(attempt);
      if (outcome.exit == kNotMade) {  // how often a program waits depends on how fast the other one is
        --cells;
        continue;
      }
      const int code = outcome.codes.empty() ? -1 : outcome.codes[0];
      // Without PAM_SERVICE nobody knows which door it is.
      const int denied = name == "pam_get_item" && nth == 1 ? PAM_PERM_DENIED : way.denied;
      if (code != denied) wrong += name + " " + std::to_string(nth) + " of " + std::to_string(count) + ": " + std::to_string(code) + "\n";
    }
  }
  return std::to_string(cells) + "\n" + wrong;
}

}  // namespace

TEST_CASE("each call of the module fails at each of its uses: deny") {
  long cells = 0;
  for (const Way& way : all_ways()) {
    const std::string report = in_bed([&] { return sweep(way); });
    INFO(way.name << ": " << report);
    const std::size_t end = report.find('\n');
    REQUIRE(end != std::string::npos);
    cells += std::stol(report.substr(0, end));
    CHECK(report.substr(end + 1) == "");
  }
  std::cout << "failing calls: " << cells << " cells" << std::endl;
  CHECK(cells >= 300);
}
