// SPDX-License-Identifier: Apache-2.0
// From account to open_session: the connection is kept and used once, and whatever becomes of it in between, only a Bind that
// was answered opens a session.
#include <fcntl.h>
#include <security/pam_appl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/catch.h"

#include "tests/pam/bed.h"
#include "tests/pam/fake_gate.h"

using namespace jit::pam_test;

namespace {

struct Row {
  const char* name;
  Script script;
  int session;          // PAM_SUCCESS, or denied by the code of the door
  const char* connects; // how often the gate was called at: "1", "2", or "" where that is not said
  void (*between)() = nullptr;
};

constexpr int kDenied = -1;

// The highest of ours is the gate's: another file takes its place.
void replace_sockets() {
  const int file = open("/run/foreign", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
  for (int fd = 3; fd < 64; ++fd) {
    struct stat what {};
    if (fstat(fd, &what) == 0 && S_ISSOCK(what.st_mode)) dup3(file, fd, O_CLOEXEC);
  }
}

void close_sockets() {
  for (int fd = 3; fd < 64; ++fd) {
    struct stat what {};
    if (fstat(fd, &what) == 0 && S_ISSOCK(what.st_mode)) close(fd);
  }
}

// The child goes on; its parent waits for it, with the connection still open.
void fork_away() {
  const pid_t child = fork();
  if (child <= 0) return;
  int status = 0;
  waitpid(child, &status, 0);
  _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

std::vector<Row> all_rows() {
  const auto after = [](Then then, Say bind = Say::kAllow) { return Script{.bind = bind, .after_yes = then}; };
  const auto says = [](Say bind) { return Script{.bind = bind}; };
  return {
      {"alive", {}, PAM_SUCCESS, "1"},
      {"alive, waited first", {.submit = Say::kPending, .then = Then::kAllow}, PAM_SUCCESS, "1"},
      {"alive, a signal came first", after(Then::kProgressAllow), PAM_SUCCESS, "1"},
      {"alive, another signal came first", after(Then::kWrongSignature), PAM_SUCCESS, "1"},
      {"hung up in between", after(Then::kHangUp), PAM_SUCCESS, "2"},
      {"hung up in between, then denied", after(Then::kHangUp, Say::kDeny), kDenied, "2"},
      {"hung up in between, then hung up again", after(Then::kHangUp, Say::kHangUp), kDenied, "2"},
      {"hung up in between, then nonsense", after(Then::kHangUp, Say::kWrongSignature), kDenied, "2"},
      {"garbage in between", after(Then::kGarbage, Say::kDeny), kDenied, ""},
      {"gate died in between", after(Then::kDie), kDenied, "1"},
      {"gate stopped in between", after(Then::kStop), kDenied, "1"},
      {"denied", says(Say::kDeny), kDenied, "1"},
      {"hung up at the call, and again", says(Say::kHangUp), kDenied, "2"},
      {"died at the call", says(Say::kDie), kDenied, "1"},
      {"error reply", says(Say::kError), kDenied, "1"},
      {"wrong signature", says(Say::kWrongSignature), kDenied, "1"},
      {"other word", says(Say::kOtherWord), kDenied, "1"},
      {"never answers", says(Say::kNothing), kDenied, "1"},
      {"another process", {}, PAM_SUCCESS, "2", fork_away},
      {"another process, denied", says(Say::kDeny), kDenied, "2", fork_away},
      {"the host closed it", {}, PAM_SUCCESS, "2", close_sockets},
      {"the host put a file in its place", {}, PAM_SUCCESS, "2", replace_sockets},
      {"the host put a file in its place, denied", says(Say::kDeny), kDenied, "2", replace_sockets},
  };
}

std::string run_row(const Row& row) {
  write_stacks("/run/flow", "budget=5", true);
  std::string wrong;
  for (const std::string service : {"sudo", "sudo-i", "su", "su-l"}) {
    FakeGate gate(row.script);
    Attempt attempt{.dir = "/run/flow", .service = service, .calls = {Call::kAccount, Call::kSession}};
    if (row.between != nullptr) attempt.between = row.between;
    const Outcome outcome = run(attempt);
    const int denied = service.starts_with("sudo") ? PAM_ABORT : PAM_PERM_DENIED;
    const std::vector<int> codes{PAM_SUCCESS, row.session == kDenied ? denied : PAM_SUCCESS};
    if (outcome.codes != codes) {
      wrong += service + ":";
      for (const int code : outcome.codes) wrong += " " + std::to_string(code);
      wrong += "\n";
    }
    gate.end();
    int connects = 0;
    for (std::string event = gate.next_event(); !event.empty(); event = gate.next_event()) connects += event == "connect" ? 1 : 0;
    if (*row.connects != '\0' && std::to_string(connects) != row.connects) {
      wrong += service + ": " + std::to_string(connects) + " connections\n";
    }
    struct stat foreign {};
    if (stat("/run/foreign", &foreign) == 0 && foreign.st_size != 0) wrong += service + ": wrote into the host's file\n";
  }
  return wrong;
}

}  // namespace

TEST_CASE("what becomes of the connection between account and open_session") {
  const std::vector<Row> rows = all_rows();
  std::vector<Bed> beds;
  for (const Row& row : rows) beds.emplace_back([&row] { return run_row(row); });
  for (std::size_t i = 0; i < rows.size(); ++i) {
    INFO(rows[i].name);
    CHECK(beds[i].finish() == "");
  }
}

TEST_CASE("at the other doors and in auth nothing is kept") {
  const std::string wrong = in_bed([] {
    write_stacks("/run/flow", "", false);
    std::string out;
    for (const std::string service : {"sshd", "login", "cron", "su"}) {
      FakeGate gate({});
      run({.dir = "/run/flow", .service = service, .calls = {service == "su" ? Call::kAuth : Call::kAccount, Call::kSession}});
      gate.end();
      int connects = 0;
      for (std::string event = gate.next_event(); !event.empty(); event = gate.next_event()) connects += event == "connect" ? 1 : 0;
      if (connects != 2) out += service + ": " + std::to_string(connects) + " connections\n";
    }
    return out;
  });
  CHECK(wrong == "");
}
