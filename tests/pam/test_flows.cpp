// SPDX-License-Identifier: Apache-2.0
// What the module sends, says and returns where nothing is broken, door by door.
#include <fcntl.h>
#include <poll.h>
#include <security/pam_appl.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include "tests/catch.h"

#include "tests/pam/bed.h"
#include "tests/pam/fake_gate.h"

using namespace jit::pam_test;

namespace {

struct Flow {
  const char* name;
  Script script;
  Attempt attempt;
  std::vector<int> codes;
  std::string said;                    // all of it
  std::vector<std::string> events;     // in this order; each the start of one, others may stand between
  std::string options = "";
};

constexpr char kSlow[] = "took more than 2 s";
constexpr char kLine[] = "jit: a line of the broker\n";
const std::string kInfo = std::string("I:") + kLine;
const std::string kError = std::string("E:") + kLine;

Script pending(Then then, Say resume = Say::kDeny) { return {.submit = Say::kPending, .then = then, .resume = resume}; }
Script at_code(Then then, Say renew = Say::kAllow) {  // the same, and a vote code is asked for
  return {.submit = Say::kPending, .then = then, .renew = renew, .takes_code = true};
}
Script early(Script script) {
  script.early = true;
  return script;
}
Script with_vote(Script script, Say vote, Then voted = Then::kNothing) {
  script.vote = vote;
  script.voted = voted;
  return script;
}
Script resumed(Script script, Say resume) {
  script.resume = resume;
  return script;
}
Attempt at(const char* service, Call call = Call::kAccount) { return {.dir = "/run/flow", .service = service, .calls = {call}}; }
Attempt no_terminal(Attempt a) {
  a.terminal = false;
  return a;
}
Attempt answering(Attempt a, Answers answers) {
  a.answers = answers;
  return a;
}
Attempt typing(Attempt a, std::vector<std::string> texts) {
  a.texts = std::move(texts);
  return a;
}
Attempt monitor(Attempt a) {  // sshd where nothing can be asked
  a.ssh_prompts = false;
  return a;
}
Attempt calls(Attempt a, std::vector<Call> all) {
  a.calls = std::move(all);
  return a;
}
Attempt unproven(Attempt a) {
  a.ssh_proven = false;
  return a;
}

std::vector<Flow> all_flows() {
  const std::string enter = "P:Press Enter to wait for approval (max 100 s): \n";
  const std::string asked = kInfo + "I:  1) admin-root: 1 of group:wheel, for 15m\nI:  type: glass   (break-glass: nobody is asked, for 10m)\n"
                                    "I:  2) night: 1 of group:night, for 5m\nP:Number, or the whole name: \n";
  const std::string code = "P:Vote code, or Enter to wait for approval (max 600 s): \n";
  const std::string more = "E:jit: denied: more is needed than can be asked here\n";
  const std::string none = "E:jit: denied: that is none of them; break-glass is typed in full\n";
  const std::string six_more = kInfo + kInfo + kInfo + kInfo + kInfo;
  return {
      {"allowed at once", {}, at("sudo"), {PAM_SUCCESS}, kInfo, {"submit service=sudo phase=account user=alice ruser=alice tty=/dev/pts/"}},
      {"allowed at once, auth", {}, at("su", Call::kAuth), {PAM_SUCCESS}, kInfo, {"submit service=su phase=auth"}},
      {"bound", {}, at("sudo", Call::kSession), {PAM_SUCCESS}, "", {"bind service=sudo user=alice pidfd"}},
      {"bound at ssh", {}, at("sshd", Call::kSession), {PAM_SUCCESS}, "", {"bind service=sshd user=alice ssh-auth=publickey ssh-ed25519 AAAA pidfd"}},
      {"bound with another ssh key", {.bind = Say::kOtherKey}, at("sshd", Call::kSession), {PAM_PERM_DENIED},
       "E:jit: denied: this login was approved for another ssh key; use that key, or ask with this one\n", {"bind service=sshd"}},
      {"the phases without a decision", {}, calls(at("sudo"), {Call::kAccount, Call::kSession, Call::kClose, Call::kChauthtok}),
       {PAM_SUCCESS, PAM_SUCCESS, PAM_SUCCESS, PAM_PERM_DENIED}, kInfo, {"submit", "bind"}},
      {"setcred after auth", {}, calls(at("su"), {Call::kAuth, Call::kSetcred}), {PAM_SUCCESS, PAM_SUCCESS}, kInfo, {}},
      {"waits, approved", pending(Then::kAllow), at("sudo"), {PAM_SUCCESS}, kInfo + kInfo, {"submit"}},
      {"waits, six lines at most, then the outcome", pending(Then::kProgressAllow), at("sudo"), {PAM_SUCCESS}, kInfo + six_more + kInfo, {}},
      {"waits, denied", pending(Then::kDeny), at("sudo"), {PAM_PERM_DENIED}, kInfo + kError, {}},
      {"budget over, detached", pending(Then::kNothing), at("sudo"), {PAM_PERM_DENIED},
       kInfo + "E:jit: still waiting for approval: request 01234567; run the same command again once it is approved\n",
       {"submit", "detach"}, "budget=1"},
      {"the gate hangs up, resumed, approved meanwhile", pending(Then::kHangUp, Say::kAllow), at("sudo"), {PAM_SUCCESS}, kInfo + kInfo,
       {"submit", "resume"}},
      {"the gate hangs up, resumed, denied meanwhile", pending(Then::kHangUp), at("su"), {PAM_PERM_DENIED}, kInfo + kError, {"submit", "resume"}},
      {"reason and ticket asked", {.submit = Say::kNeeds}, at("sudo"), {PAM_SUCCESS}, "P:Reason: \nP:Ticket: \n" + kInfo,
       {"submit", "submit service=sudo"}},
      {"nothing entered", {.submit = Say::kNeeds}, answering(at("sudo"), Answers::kEmpty), {PAM_PERM_DENIED},
       "P:Reason: \n" + kError + "E:jit: denied: nothing was entered\n", {"submit"}},
      {"a permit is chosen by its number", {.submit = Say::kChoice}, typing(at("sudo"), {"1"}), {PAM_SUCCESS}, asked + kInfo,
       {"submit", "submit service=sudo phase=account user=alice ruser=alice tty=/dev/pts/"}},
      {"break-glass is chosen by its name, with a reason", {.submit = Say::kChoice}, typing(at("sudo"), {"glass", "the database is on fire"}),
       {PAM_SUCCESS}, asked + "P:Reason (at least 20 characters): \n" + kInfo, {"submit", "submit"}},
      {"the second number, with a ticket", {.submit = Say::kChoice, .again = Say::kDeny}, typing(at("sudo"), {"2", "OPS-1"}), {PAM_SUCCESS},
       asked + "P:Ticket: \n" + kInfo, {"submit", "submit"}},
      {"what was chosen wants more", {.submit = Say::kChoice, .again = Say::kNeeds}, typing(at("sudo"), {"1"}), {PAM_SUCCESS},
       asked + "P:Reason: \nP:Ticket: \n" + kInfo, {"submit", "submit", "submit"}},
      {"what was chosen wants more and more", {.submit = Say::kChoice, .again = Say::kNeeds, .third = Say::kNeeds}, typing(at("sudo"), {"1"}),
       {PAM_PERM_DENIED}, asked + "P:Reason: \nP:Ticket: \n" + kError + more, {}},
      {"a choice is asked once", {.submit = Say::kChoice, .again = Say::kChoice}, typing(at("sudo"), {"1", "1"}), {PAM_PERM_DENIED},
       asked + kError + more, {}},
      {"texts, then a choice", {.submit = Say::kNeeds, .again = Say::kChoice}, at("sudo"), {PAM_PERM_DENIED},
       "P:Reason: \nP:Ticket: \n" + kError + more, {}},
      {"break-glass by a number", {.submit = Say::kChoice}, typing(at("sudo"), {"3"}), {PAM_PERM_DENIED}, asked + none, {"submit"}},
      {"break-glass by a part of its name", {.submit = Say::kChoice}, typing(at("sudo"), {"glas"}), {PAM_PERM_DENIED}, asked + none, {"submit"}},
      {"break-glass with a blank", {.submit = Say::kChoice}, typing(at("sudo"), {"glass "}), {PAM_PERM_DENIED}, asked + none, {"submit"}},
      {"a permit by its name", {.submit = Say::kChoice}, typing(at("sudo"), {"admin-root"}), {PAM_PERM_DENIED}, asked + none, {"submit"}},
      {"number 0", {.submit = Say::kChoice}, typing(at("sudo"), {"0"}), {PAM_PERM_DENIED}, asked + none, {}},
      {"a number and more", {.submit = Say::kChoice}, typing(at("sudo"), {"1 "}), {PAM_PERM_DENIED}, asked + none, {}},
      {"a long answer", {.submit = Say::kChoice}, typing(at("sudo"), {std::string(500, '1')}), {PAM_PERM_DENIED},
       asked + "E:jit: denied: that text is too long\n", {}},
      {"nothing chosen", {.submit = Say::kChoice}, answering(at("sudo"), Answers::kEmpty), {PAM_PERM_DENIED},
       asked + "E:jit: denied: nothing was entered\n", {"submit"}},
      {"nobody chooses", {.submit = Say::kChoice}, answering(at("sudo"), Answers::kError), {PAM_PERM_DENIED},
       asked + "E:jit: denied: nobody answered the question, or the answer was too long\n", {"submit"}},
      {"break-glass, and no reason", {.submit = Say::kChoice}, typing(at("sudo"), {"glass", ""}), {PAM_PERM_DENIED},
       asked + "P:Reason (at least 20 characters): \nE:jit: denied: nothing was entered\n", {"submit"}},
      {"a choice where nobody can be asked", {.submit = Say::kChoice}, no_terminal(at("sudo")), {PAM_PERM_DENIED}, kError + more, {"submit"}},
      {"no terminal: no prompt, errors only", {.submit = Say::kDeny}, no_terminal(at("sudo")), {PAM_PERM_DENIED}, kError,
       {"submit service=sudo phase=account user=alice ruser=alice cwd=/run argv can-ask=0 budget-s=0"}},
      {"no terminal: pending is not waited for", pending(Then::kNothing), no_terminal(at("su")), {PAM_PERM_DENIED},
       kError + "E:jit: still waiting for approval: request 01234567; run the same command again once it is approved\n", {"submit", "detach"}},
      {"login waits 50 s at most", {}, at("login"), {PAM_SUCCESS}, kInfo, {"submit service=login phase=account user=alice ruser=alice tty="}},
      {"observe: no wait, no word, the true answer", {.submit = Say::kDeny}, at("sudo"), {PAM_PERM_DENIED}, "", {"submit"}, "observe"},
      {"observe: the true answer is yes", {}, at("sudo"), {PAM_SUCCESS}, "", {"submit"}, "observe debug"},
      {"another service: the broker decides", {.submit = Say::kDeny}, at("cron"), {PAM_PERM_DENIED}, kError, {"submit service=cron"}},
      {"ssh auth, nothing proven: nobody is asked", {}, unproven(at("sshd", Call::kAuth)), {PAM_MAXTRIES}, "", {}},
      {"ssh auth, granted", {}, at("sshd", Call::kAuth), {PAM_SUCCESS}, kInfo,
       {"submit service=sshd phase=auth user=alice rhost=192.0.2.7 tty=ssh ssh-auth=publickey ssh-ed25519 AAAA can-ask=1 budget-s=100"}},
      {"ssh auth, reason, wait, approved", {.submit = Say::kNeeds, .again = Say::kPending, .then = Then::kAllow, .renew = Say::kAllow}, at("sshd", Call::kAuth),
       {PAM_SUCCESS}, "P:Reason: \nP:Ticket: \n" + kInfo + enter + kInfo, {"submit", "submit", "resume"}},
      {"ssh auth, an emergency that waits for its channel: nothing to press", {.submit = Say::kPending, .then = Then::kAllow, .cause = "telling"},
       at("sshd", Call::kAuth), {PAM_SUCCESS}, kInfo + kInfo, {"submit"}},
      {"ssh auth, the request ends before the wait would", {.submit = Say::kPending, .then = Then::kDeny, .deadline_s = 40}, at("sshd", Call::kAuth),
       {PAM_MAXTRIES}, kInfo + "P:Press Enter to wait for approval (max 40 s): \n" + kError + "P:Press Enter. \n", {}},
      {"ssh auth, wait, denied", pending(Then::kDeny), at("sshd", Call::kAuth), {PAM_MAXTRIES}, kInfo + enter + kError + "P:Press Enter. \n", {}},
      {"ssh auth, denied at once", {.submit = Say::kDeny}, at("sshd", Call::kAuth), {PAM_MAXTRIES}, kError + "P:Press Enter. \n", {}},
      {"ssh auth, budget over", pending(Then::kNothing), at("sshd", Call::kAuth), {PAM_MAXTRIES},
       kInfo + "P:Press Enter to wait for approval (max 1 s): \nE:jit: still waiting for approval: request 01234567; log in again once it is approved\n" +
           "P:Press Enter. \n", {"submit", "detach"}, "budget=1"},
      {"a yes that came at the question for a code is asked for anew", at_code(Then::kAllow), answering(at("sudo"), Answers::kEmpty), {PAM_SUCCESS},
       kInfo + code + kInfo, {"submit", "resume"}},
      {"the same, and the gate has closed the connection meanwhile", at_code(Then::kAllowHangUp), answering(at("su"), Answers::kEmpty), {PAM_SUCCESS},
       kInfo + code + kInfo, {"submit", "resume"}},
      {"the same, and it has ended meanwhile", at_code(Then::kAllow, Say::kDeny), answering(at("sudo"), Answers::kEmpty), {PAM_PERM_DENIED},
       kInfo + code + kError, {"submit", "resume"}},
      {"sudo ends the question, and the yes was there", early(at_code(Then::kAllow)), answering(at("sudo"), Answers::kError), {PAM_SUCCESS},
       kInfo + code + kInfo, {"submit", "resume"}},
      {"sudo ends the question, and a no was there", early(at_code(Then::kDeny)), answering(at("sudo"), Answers::kError), {PAM_PERM_DENIED},
       kInfo + code + kError, {"submit"}},
      {"the question is ended, and nothing was there", at_code(Then::kNothing), answering(at("sudo"), Answers::kError), {PAM_PERM_DENIED},
       kInfo + code + "E:jit: cancelled: the question was not answered\n", {"submit", "withdraw"}},
      {"only sudo's question has a time", early(at_code(Then::kAllow)), answering(at("su"), Answers::kError), {PAM_PERM_DENIED},
       kInfo + code + "E:jit: cancelled: the question was not answered\n", {"submit", "withdraw"}},
      {"a code at ssh, where a wait is cut short", with_vote(at_code(Then::kNothing), Say::kAllow, Then::kAllow), typing(at("sshd", Call::kAuth), {"jc1abc"}),
       {PAM_SUCCESS}, kInfo + "P:Vote code, or Enter to wait for approval (max 100 s): \n" + kInfo + kInfo, {"submit", "vote jc1abc"}},
      {"a code at login, below its own limit", with_vote(at_code(Then::kNothing), Say::kAllow, Then::kAllow), typing(at("login"), {"jc1abc"}), {PAM_SUCCESS},
       kInfo + "P:Vote code, or Enter to wait for approval (max 50 s): \n" + kInfo + kInfo, {"submit", "vote jc1abc"}},
      {"a code behind a restart of the broker is carried then", resumed(with_vote(at_code(Then::kHangUp), Say::kAllow, Then::kAllow), Say::kPending),
       typing(at("sudo"), {"jc1abc"}), {PAM_SUCCESS}, kInfo + code + kInfo + kInfo, {"submit", "resume", "vote jc1abc", "resume"}},
      {"a code behind a restart, and it was decided before", resumed(at_code(Then::kHangUp), Say::kAllow), typing(at("sudo"), {"jc1abc"}),
       {PAM_SUCCESS}, kInfo + code + kInfo, {"submit", "resume"}},
      {"a code behind a restart, and the request is gone", at_code(Then::kHangUp), typing(at("sudo"), {"jc1abc"}), {PAM_PERM_DENIED},
       kInfo + code + kError, {"submit", "resume"}},
      {"a code that does not arrive", with_vote(at_code(Then::kAllow), Say::kError), typing(at("sudo"), {"jc1abc", ""}), {PAM_SUCCESS},
       kInfo + code + "I:jit: the vote code did not arrive; enter it again, or press Enter and hand it in with: jitctl vote --paste\n" + code + kInfo,
       {"submit", "vote jc1abc", "resume"}},
      {"a code that comes after the yes: nothing more is asked", with_vote(at_code(Then::kAllow), Say::kDeny), typing(at("sudo"), {"jc1abc"}),
       {PAM_SUCCESS}, kInfo + code + kInfo + kInfo, {"submit", "vote jc1abc", "resume"}},
      {"ssh account of a public key: no prompt, no wait", {.submit = Say::kDeny}, monitor(at("sshd")), {PAM_PERM_DENIED}, kError,
       {"submit service=sshd phase=account user=alice rhost=192.0.2.7 tty=ssh ssh-auth=publickey ssh-ed25519 AAAA can-ask=0 budget-s=0"}},
      {"a text that is not plain is not shown", {.submit = Say::kDeny, .lines = {"ok", "\x1b[2Jx", "caf\xc3\xa9"}}, at("sudo"), {PAM_PERM_DENIED},
       "E:ok\nE:(the broker sent a text that cannot be shown)\nE:(the broker sent a text that cannot be shown)\n", {}},
      {"a text that is too long is not shown", {.submit = Say::kDeny, .lines = {std::string(481, 'x')}}, at("sudo"), {PAM_PERM_DENIED},
       "E:(the broker sent a text that cannot be shown)\n", {}},
      {"what is wrong with the request is said", {.submit = Say::kBadContext}, at("sudo"), {PAM_PERM_DENIED},
       "E:jit: denied: reason is not UTF-8\n", {"submit"}},
      {"a format is only a text", {.submit = Say::kDeny, .lines = {"%s%n 100%"}}, at("sudo"), {PAM_PERM_DENIED}, "E:%s%n 100%\n", {}},
  };
}

std::string run_flow(const Flow& flow) {
  if (chdir("/run") != 0) return "no /run";
  write_stacks("/run/flow", flow.options, false);
  FakeGate gate(flow.script);
  const Outcome outcome = run(flow.attempt);
  std::string wrong;
  if (outcome.codes != flow.codes) {
    wrong += "codes:";
    for (const int code : outcome.codes) wrong += " " + std::to_string(code);
    wrong += "\n";
  }
  if (outcome.said != flow.said) wrong += "said:\n" + outcome.said;
  for (const std::string& event : flow.events) {
    if (!gate.saw(event)) wrong += "not seen: " + event + "\n";
  }
  return wrong;
}

// Sends a signal once the module waits: it has told so then, and holds all signals but for the wait itself.
enum class Host { kHandles, kDies, kIgnores };

std::string interrupt_wait(int signal, const char* service, Host host, int code) {
  write_stacks("/run/flow", "", false);
  FakeGate gate({.submit = Say::kPending});
  std::array<int, 2> told{};
  if (pipe2(told.data(), O_CLOEXEC) != 0) return "no pipe";
  Attempt attempt = at(service);
  attempt.told = [=] {
    if (write(told[1], "x", 1) != 1) _exit(70);
  };
  attempt.before = [=] {
    if (host == Host::kHandles) ::signal(signal, [](int) {});
    if (host == Host::kIgnores) ::signal(signal, SIG_IGN);
    sigset_t blocked;  // as sudo does in auth
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGINT);
    sigprocmask(SIG_BLOCK, &blocked, nullptr);
  };
  Running running(attempt);
  close(told[1]);
  char line = 0;
  if (read(told[0], &line, 1) != 1) return "it does not wait";
  close(told[0]);
  if (kill(running.pid(), signal) != 0) return "no process";
  if (!gate.saw(host == Host::kDies ? "hangup" : "withdraw")) return "not withdrawn";
  const Outcome outcome = running.finish();
  if (host != Host::kDies && outcome.codes != std::vector<int>{code}) return "another code";
  if (outcome.ms > 2'000) return kSlow;
  return "";
}

// A machine that is busy may be slow once; the module would be so each time.
std::string interrupted(int signal, const char* service, Host host, int code) {
  std::string wrong = kSlow;
  for (int tries = 0; wrong == kSlow && tries < 3; ++tries) {
    wrong = in_bed([=] { return interrupt_wait(signal, service, host, code); });
  }
  return wrong;
}

}  // namespace

TEST_CASE("flows") {
  for (const Flow& flow : all_flows()) {
    INFO(flow.name);
    CHECK(in_bed([&] { return run_flow(flow); }) == "");
  }
}

TEST_CASE("a signal that cancels withdraws the request at once") {
  for (const int signal : {SIGINT, SIGQUIT, SIGTERM, SIGHUP}) {
    INFO(signal);
    CHECK(interrupted(signal, "sudo", Host::kHandles, PAM_PERM_DENIED) == "");
    CHECK(interrupted(signal, "su", Host::kDies, 0) == "");
  }
}

TEST_CASE("the keys of a console withdraw the request, whether login ignores their signals or not") {
  for (const int signal : {SIGINT, SIGQUIT}) {
    INFO(signal);
    CHECK(interrupted(signal, "login", Host::kIgnores, PAM_PERM_DENIED) == "");
    CHECK(interrupted(signal, "login", Host::kHandles, PAM_PERM_DENIED) == "");
    CHECK(interrupted(signal, "login", Host::kDies, 0) == "");
  }
}

TEST_CASE("what a program ignores does not end its wait") {
  const std::string wrong = in_bed([] {
    write_stacks("/run/flow", "budget=1", false);
    FakeGate gate({.submit = Say::kPending});
    Attempt attempt = at("sudo");
    attempt.before = [] { ::signal(SIGHUP, SIG_IGN); };  // nohup sudo
    Running running(attempt);
    if (!gate.saw("submit")) return std::string("no submit");
    kill(running.pid(), SIGHUP);
    const bool detached = gate.saw("detach");
    running.finish();
    return std::string(detached ? "" : "the wait ended");
  });
  CHECK(wrong == "");
}

TEST_CASE("signals that mean nothing to us do not end the wait") {
  const std::string wrong = in_bed([] {
    write_stacks("/run/flow", "budget=1", false);
    FakeGate gate({.submit = Say::kPending});
    Attempt attempt = at("sudo");
    attempt.before = [] {
      for (const int s : {SIGTSTP, SIGCHLD, SIGUSR1, SIGUSR2, SIGWINCH, SIGALRM, SIGPIPE}) ::signal(s, [](int) {});
    };
    Running running(attempt);
    if (!gate.saw("submit")) return std::string("no submit");
    for (const int s : {SIGTSTP, SIGCHLD, SIGUSR1, SIGUSR2, SIGWINCH, SIGALRM, SIGPIPE}) kill(running.pid(), s);
    const bool detached = gate.saw("detach");
    running.finish();
    return std::string(detached ? "" : "the wait ended");
  });
  CHECK(wrong == "");
}

TEST_CASE("B15: what is typed before a denial does not reach the shell") {
  const Script scripts[] = {pending(Then::kNothing), pending(Then::kDeny), {.submit = Say::kDeny}, {.submit = Say::kNothing}, {.bind = Say::kNothing}};
  for (const Script& script : scripts) {
    const std::string wrong = in_bed([=] {
      write_stacks("/run/flow", "budget=1", false);
      FakeGate gate(script);
      Attempt attempt = at("sudo", script.bind == Say::kNothing ? Call::kSession : Call::kAccount);
      attempt.typed = "rm -rf /\n";
      const Outcome outcome = run(attempt);
      return outcome.left_typed == "0" ? std::string() : "left: " + outcome.left_typed;
    });
    CHECK(wrong == "");
  }
}
