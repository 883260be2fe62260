// SPDX-License-Identifier: Apache-2.0
// Every fault x phase x door x stack: the exact return code, never success, and the reason in the log (threats B1, H8, A7). So it is
// with every fault of the enforcer, at the session of a host that runs systemd (threat H13).
#include <security/pam_appl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include "tests/catch.h"
#include <iostream>
#include <iterator>
#include <optional>
#include <utility>

#include "tests/pam/bed.h"
#include "tests/pam/fake_gate.h"

using namespace jit::pam_test;

namespace {

enum class Odd : std::uint8_t { kNone, kNoFiles, kNoMemory, kNotRoot };

struct Fault {
  const char* name;
  Script script;
  const char* options = "budget=1";
  Answers answers = Answers::kText;
  Odd odd = Odd::kNone;
  bool logs = true;
  bool held = false;  // the gate says yes; the script is the enforcer's
};

std::vector<Fault> all_faults() {
  using L = Listen;
  const auto listens = [](L how) { return Script{.listen = how}; };
  const auto says = [](Say say) { return Script{.submit = say, .again = say, .bind = say}; };
  const auto waits = [](Then then, Say resume, Say bind) {
    return Script{.submit = Say::kPending, .then = then, .resume = resume, .bind = bind};
  };
  std::vector<Fault> out = {
      // The slow ones first: they run while the others do.
      {"listens, never accepts", listens(L::kSilent)},
      {"never answers", says(Say::kNothing)},
      {"stopped at the call", says(Say::kStop)},
      {"garbage", listens(L::kGarbage)},
      {"killed while waiting", waits(Then::kDie, Say::kAllow, Say::kDie)},
      {"stopped while waiting", waits(Then::kStop, Say::kAllow, Say::kDeny)},
      {"budget over", waits(Then::kNothing, Say::kAllow, Say::kDeny)},
      {"no socket", listens(L::kNothing)},
      {"refused", listens(L::kStale)},
      {"wrong peer", listens(L::kNobody)},
      {"truncated handshake", listens(L::kTruncated)},
      {"wrong signature", says(Say::kWrongSignature)},
      {"other word", says(Say::kOtherWord)},
      {"other key", says(Say::kOtherKey)},
      {"empty word", says(Say::kEmptyWord)},
      {"deny", says(Say::kDeny)},
      {"error reply", says(Say::kError)},
      {"error reply that says why", says(Say::kBadContext)},
      {"bad id", says(Say::kBadId)},
      {"needs again and again", says(Say::kNeeds)},
      {"a choice, and none of it is typed", says(Say::kChoice)},
      {"a choice of an unknown kind", says(Say::kBadChoice)},
      {"a choice of too many", says(Say::kManyChoices)},
      {"hung up, resume: a choice", waits(Then::kHangUp, Say::kChoice, Say::kChoice)},
      {"needs something unknown", says(Say::kNeedsOther)},
      {"hangs up at the call", says(Say::kHangUp)},
      {"dies at the call", says(Say::kDie)},
      {"decided: other word, then error", waits(Then::kOtherWord, Say::kError, Say::kOtherWord)},
      {"decided: a head that is none, then error", waits(Then::kBadHead, Say::kError, Say::kOtherWord)},
      {"decided: wrong signature, then deny", waits(Then::kWrongSignature, Say::kDeny, Say::kWrongSignature)},
      {"decided: deny", waits(Then::kDeny, Say::kAllow, Say::kDeny)},
      {"hung up, resume: wrong signature", waits(Then::kHangUp, Say::kWrongSignature, Say::kHangUp)},
      {"hung up, resume: other word", waits(Then::kHangUp, Say::kOtherWord, Say::kEmptyWord)},
      {"hung up, resume: needs", waits(Then::kHangUp, Say::kNeeds, Say::kNeeds)},
      {"hung up, resume: unknown key", waits(Then::kHangUp, Say::kUnknownKey, Say::kPending)},
      {"hung up, resume: pending for ever", waits(Then::kHangUp, Say::kPending, Say::kHangUp)},
      {"no descriptor", {}, "budget=1", Answers::kText, Odd::kNoFiles, false},
#ifndef JIT_SANITIZED
      {"no memory", {}, "budget=1", Answers::kMute, Odd::kNoMemory, false},
#endif
      {"not root", {}, "budget=1", Answers::kText, Odd::kNotRoot, false},
      {"unknown option", {}, "fail_open"},
      {"empty budget", {}, "budget="},
      {"odd budget", {}, "budget=1e9"},
      {"negative budget", {}, "budget=-1"},
  };
  // Bind has no detail and no question, so these two mean something before the session only: there they deny.
  for (Fault fault : {Fault{"unknown key", says(Say::kUnknownKey)}, Fault{"wrong type", says(Say::kWrongType)}}) {
    fault.script.bind = Say::kWrongSignature;
    out.push_back(fault);
  }
  for (const Answers answers : {Answers::kEmpty, Answers::kNull, Answers::kError}) {
    static constexpr const char* kNames[] = {"", "empty answer", "null answer", "failed conversation"};
    for (const Say say : {Say::kNeeds, Say::kChoice}) {
      out.push_back({kNames[static_cast<int>(answers)], {.submit = say, .bind = Say::kDeny}, "budget=1", answers});
    }
  }
  return out;
}

std::vector<Fault> all_faults_of_the_enforcer() {
  using L = Listen;
  std::vector<Fault> out;
  const auto add = [&out](const char* name, Listen listen, Say adopt) {
    out.push_back({name, {.listen = listen, .part = Part::kEnforcer, .adopt = adopt}, "budget=1", Answers::kText, Odd::kNone, true, true});
  };
  add("the enforcer listens, never accepts", L::kSilent, Say::kAllow);
  add("the enforcer never answers", L::kServe, Say::kNothing);
  add("the enforcer stopped at the call", L::kServe, Say::kStop);
  add("garbage for an enforcer", L::kGarbage, Say::kAllow);
  add("no socket of an enforcer", L::kNothing, Say::kAllow);
  add("the enforcer refused", L::kStale, Say::kAllow);
  add("another than the enforcer", L::kNobody, Say::kAllow);
  add("a truncated handshake of the enforcer", L::kTruncated, Say::kAllow);
  add("the enforcer's wrong signature", L::kServe, Say::kWrongSignature);
  add("the enforcer's error reply", L::kServe, Say::kError);
  add("the enforcer hangs up at the call", L::kServe, Say::kHangUp);
  add("the enforcer dies at the call", L::kServe, Say::kDie);
  return out;
}

constexpr int kNoMemoryCode = -2;  // PAM_BUF_ERR or PAM_SYSTEM_ERR: whichever of libpam's own allocations failed first

int expected(Odd odd, const std::string& service, Call call) {
  // libpam itself replaces our code where it cannot reach the audit system; the module's own is seen in test_sweep.cpp.
  if (odd == Odd::kNoFiles) return PAM_SYSTEM_ERR;
  if (odd == Odd::kNoMemory) return kNoMemoryCode;
  if (call == Call::kSetcred || call == Call::kClose) return PAM_SUCCESS;
  if (call == Call::kChauthtok) return PAM_PERM_DENIED;
  const bool sudo = service == "sudo" || service == "sudo-i";
  if (call == Call::kAuth && service == "sshd") return PAM_MAXTRIES;
  if (sudo && call != Call::kAccount) return PAM_ABORT;
  return PAM_PERM_DENIED;
}

constexpr const char* kCallNames[] = {"auth", "account", "session", "setcred", "close", "chauthtok"};

bool decides(Call call) { return call == Call::kAuth || call == Call::kAccount || call == Call::kSession; }

// What decides nothing does so in each fault; libpam's own faults are in front of it.
bool is_cell(const Fault& fault, Call call, const std::string& service, const std::string& dir) {
  if (decides(call)) return !fault.held || call == Call::kSession;
  return !fault.held && (fault.odd == Odd::kNone || fault.odd == Odd::kNotRoot) && dir == "/run/alone" && (service == "sudo" || service == "sshd");
}

// Takes all the memory there is; give_back() frees it for the report.
void** hoard = nullptr;

void give_back() {
  while (hoard != nullptr) free(std::exchange(hoard, static_cast<void**>(*hoard)));
  const rlimit all{RLIM_INFINITY, RLIM_INFINITY};
  setrlimit(RLIMIT_AS, &all);
  setrlimit(RLIMIT_DATA, &all);
}

void make_odd(Odd odd) {
  rlimit none{};
  switch (odd) {
    case Odd::kNone: return;
    case Odd::kNoFiles:
      none = {3, 3};
      setrlimit(RLIMIT_NOFILE, &none);
      return;
    case Odd::kNoMemory:
      none = {1 << 20, RLIM_INFINITY};
      setrlimit(RLIMIT_AS, &none);
      setrlimit(RLIMIT_DATA, &none);
      for (std::size_t size = 1 << 20; size >= sizeof(void*); size /= 2) {
        while (void** block = static_cast<void**>(malloc(size))) {
          *block = hoard;
          hoard = block;
        }
      }
      return;
    case Odd::kNotRoot:
      if (seteuid(65534) != 0) abort();
  }
}

// sd_booted(3) looks for this folder alone.
void boot_systemd() {
  mkdir("/run/systemd", 0755);
  mkdir("/run/systemd/system", 0755);
}

// One fault, in a bed of its own: all its cells at once. First line: how many; then what is wrong.
std::string run_fault(const Fault& fault) {
  write_stacks("/run/alone", fault.options, false);
  write_stacks("/run/permit", fault.options, true);
  struct Cell {
    std::string name;
    int code;
    bool decides;
    Running running;
  };
  std::vector<Cell> cells;
  const FakeGate gate(fault.held ? Script{} : fault.script);
  std::optional<FakeGate> enforcer;
  if (fault.held) {
    boot_systemd();
    enforcer.emplace(fault.script);
  }
  for (const char* service : kServices) {
    for (const Call call : {Call::kAuth, Call::kAccount, Call::kSession, Call::kSetcred, Call::kClose, Call::kChauthtok}) {
      for (const char* dir : {"/run/alone", "/run/permit"}) {
        if (!is_cell(fault, call, service, dir)) continue;
        Attempt attempt{.dir = dir, .service = service, .calls = {call}, .answers = fault.answers};
        attempt.before = [&fault] { make_odd(fault.odd); };
        attempt.after = give_back;
        cells.push_back({std::string(fault.name) + ", " + service + ", " + kCallNames[static_cast<int>(call)] + ", " + dir,
                         expected(fault.odd, service, call), decides(call), Running(attempt)});
      }
    }
  }
  std::string wrong;
  std::vector<pid_t> pids;
  for (Cell& cell : cells) {
    const Outcome outcome = cell.running.finish();
    pids.push_back(outcome.pid);
    int code = outcome.codes.empty() ? -1 : outcome.codes[0];
    if (cell.code == kNoMemoryCode && (code == PAM_BUF_ERR || code == PAM_SYSTEM_ERR)) code = kNoMemoryCode;
    if (code != cell.code) wrong += cell.name + ": " + std::to_string(code) + ", not " + std::to_string(cell.code) + "\n";
    if (outcome.ms > 60'000) wrong += cell.name + ": took " + std::to_string(outcome.ms) + " ms\n";
  }
  if (!fault.logs) return std::to_string(cells.size()) + "\n" + wrong;
  const auto logged = [](const std::string& log, pid_t pid) {
    return log.find("pam_jit[" + std::to_string(pid) + "]: denied") != std::string::npos;
  };
  const std::string log = read_log([&](const std::string& text) {
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (cells[i].decides && !logged(text, pids[i])) return false;
    }
    return true;
  });
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (cells[i].decides && !logged(log, pids[i])) wrong += cells[i].name + ": no line in the log\n";
  }
  return std::to_string(cells.size()) + "\n" + wrong;
}

}  // namespace

TEST_CASE("every fault denies in every phase of every door, alone and before pam_permit") {
  std::vector<Fault> faults = all_faults();
  std::ranges::move(all_faults_of_the_enforcer(), std::back_inserter(faults));
  std::vector<std::string> reports(faults.size());
  constexpr std::size_t kAtOnce = 7;
  for (std::size_t from = 0; from < faults.size(); from += kAtOnce) {
    const std::size_t to = std::min(faults.size(), from + kAtOnce);
    std::vector<Bed> beds;
    for (std::size_t i = from; i < to; ++i) beds.emplace_back([&faults, i] { return run_fault(faults[i]); });
    for (std::size_t i = from; i < to; ++i) reports[i] = beds[i - from].finish();
  }
  std::size_t cells = 0;
  for (std::size_t i = 0; i < faults.size(); ++i) {
    const std::size_t end = reports[i].find('\n');
    INFO(faults[i].name << ": " << reports[i]);
    CHECK(end != std::string::npos);
    if (end == std::string::npos) continue;
    cells += std::stoul(reports[i].substr(0, end));
    CHECK(reports[i].substr(end + 1) == "");
  }
  std::cout << "fault matrix: " << faults.size() << " faults, " << cells << " cells" << std::endl;
  CHECK(cells >= 300);
}

TEST_CASE("the session of a grant is handed to the enforcer where systemd runs, and opens without one elsewhere") {
  const std::string report = in_bed([]() -> std::string {
    write_stacks("/run/alone", "budget=1", false);
    const FakeGate gate(Script{});
    const auto opened = [](const char* service) {
      return run({.dir = "/run/alone", .service = service, .calls = {Call::kSession}}).codes == std::vector<int>{PAM_SUCCESS};
    };
    for (const char* service : kServices) {
      if (!opened(service)) return std::string(service) + " without systemd";
    }
    boot_systemd();
    FakeGate enforcer({.part = Part::kEnforcer});
    for (const char* service : kServices) {
      if (!opened(service)) return service;
      if (!enforcer.saw("adopt")) return std::string(service) + " was not handed over";
    }
    return {};
  });
  CHECK(report == "");
}
