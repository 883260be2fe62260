// SPDX-License-Identifier: Apache-2.0
// The parts of the module that need no PAM: sudo's options, the options of the line, the table of codes.
#include <security/pam_modules.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/catch.h"
#include <string>
#include <vector>

#include "pam_jit/codes.h"
#include "pam_jit/options.h"
#include "pam_jit/proc.h"
#include "pam_jit/sudo_options.h"

using namespace jit::pam;

namespace {

// "n": -n seen, "S", "A", "p", "l", "v"; "?": not understood.
std::string seen(const std::vector<std::string>& words) {
  std::string argv;
  for (const std::string& word : words) argv += word + '\0';
  const SudoOptions o = read_sudo_options(argv);
  return std::string(o.understood ? "" : "?") + (o.non_interactive ? "n" : "") + (o.from_stdin ? "S" : "") + (o.by_helper ? "A" : "") + (o.own_prompt ? "p" : "") + (o.lists ? "l" : "") +
         (o.validates ? "v" : "");
}

// Runs this test program again with these words and environment, as a helper that reads itself.
int run_self(const std::vector<std::string>& words, const std::vector<std::string>& environment) {
  const pid_t pid = fork();
  if (pid == 0) {
    std::vector<char*> argv;
    std::vector<char*> env;
    for (const std::string& w : words) argv.push_back(const_cast<char*>(w.c_str()));
    for (const std::string& e : environment) env.push_back(const_cast<char*>(e.c_str()));
    argv.push_back(nullptr);
    env.push_back(nullptr);
    execve(READ_SELF, argv.data(), env.data());
    _exit(99);
  }
  int status = 0;
  waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

TEST_CASE("sudo's options are read by sudo's rules") {
  const struct {
    std::vector<std::string> words;
    std::string seen;
  } rows[] = {
      {{"sudo", "id"}, ""},
      {{}, ""},
      {{"sudo"}, ""},
      {{"sudo", "-n", "id"}, "n"},
      {{"sudo", "-nH", "id"}, "n"},
      {{"sudo", "-H", "-S", "-n", "id"}, "nS"},
      {{"sudo", "-HSn", "-u", "root", "sh"}, "nS"},
      {{"sudo", "--non-interactive", "id"}, "n"},
      {{"sudo", "--non", "id"}, "n"},
      {{"sudo", "--no", "id"}, "?"},
      {{"sudo", "--stdin", "id"}, "S"},
      {{"sudo", "id", "-n"}, ""},
      {{"sudo", "--", "-n"}, ""},
      {{"sudo", "-u", "-n", "id"}, ""},
      {{"sudo", "-un", "id"}, ""},
      {{"sudo", "--user", "-n", "id"}, ""},
      {{"sudo", "--user=root", "-n", "id"}, "n"},
      {{"sudo", "-p", "-l", "id", "-u"}, "p"},
      {{"sudo", "-p", "", "-l"}, "pl"},
      {{"sudo", "-pPass for %u: ", "id"}, "p"},
      {{"sudo", "-Hp", "x", "id", "-A"}, "p"},
      {{"sudo", "--prompt=x", "id"}, "p"},
      {{"sudo", "--prompt", "-A", "id"}, "p"},
      {{"sudo", "-A", "id"}, "A"},
      {{"sudo", "-HA", "id"}, "A"},
      {{"sudo", "--askpass", "id"}, "A"},
      {{"sudo", "-l"}, "l"},
      {{"sudo", "-ll"}, "l"},
      {{"sudo", "-Ubob", "-l"}, "l"},
      {{"sudo", "-l", "-U", "bob"}, "l"},
      {{"sudo", "--list", "id"}, "l"},
      {{"sudo", "-v"}, "v"},
      {{"sudo", "--validate"}, "v"},
      {{"sudo", "--v"}, "?"},
      {{"sudo", "list"}, ""},
      {{"sudo", "validate"}, ""},
      {{"sudo", "A=b", "-n", "id"}, "n"},
      {{"sudo", "/A=b", "-n"}, ""},
      {{"sudo", "=b", "-n"}, ""},
      {{"sudo", "-u", "--", "A=b", "-n"}, ""},
      {{"sudo", "-u", "--", "-S", "A=b", "-n"}, "nS"},
      {{"sudo", "-h", "host", "-n", "id"}, "n"},
      {{"sudo", "-hhost", "-n", "id"}, "n"},
      {{"sudo", "-T", "5", "-C", "3", "-n", "id"}, "n"},
      {{"sudo", "--preserve-env=A,B", "-n", "id"}, "n"},
      {{"sudo", "--preserve-env", "-n", "id"}, "n"},
      {{"sudo", "--list=x"}, "?"},
      {{"sudo", "-z", "-n"}, "?"},
      {{"sudo", "-u"}, "?"},
      {{"sudo", "-", "-n"}, ""},
      {{"sudo", "", "-n"}, ""},
  };
  for (const auto& row : rows) {
    std::string text;
    for (const std::string& word : row.words) text += "'" + word + "' ";
    INFO(text);
    CHECK(seen(row.words) == row.seen);
  }
}

TEST_CASE("the options of a PAM line are strict") {
  const struct {
    std::vector<const char*> words;
    bool fine;
  } rows[] = {
      {{}, true},
      {{"budget=0"}, true},
      {{"budget=86400", "debug", "observe"}, true},
      {{"budget=86401"}, false},
      {{"budget="}, false},
      {{"budget=-1"}, false},
      {{"budget=+1"}, false},
      {{"budget= 1"}, false},
      {{"budget=1s"}, false},
      {{"budget=99999999999999999999"}, false},
      {{"budget"}, false},
      {{"Observe"}, false},
      {{"fail_open"}, false},
      {{""}, false},
  };
  for (const auto& row : rows) {
    INFO((row.words.empty() ? "" : row.words[0]));
    CHECK(read_options(static_cast<int>(row.words.size()), row.words.data()).has_value() == row.fine);
  }
}

TEST_CASE("the table of codes is total, and only a yes succeeds") {
  for (const Door door : {Door::kSudo, Door::kSu, Door::kLogin, Door::kSsh, Door::kOther}) {
    for (const Phase phase : {Phase::kAuth, Phase::kAccount, Phase::kSession}) {
      CHECK(code_for(door, phase, Verdict::kAllow) == PAM_SUCCESS);
      const int denied = code_for(door, phase, Verdict::kDeny);
      CHECK((denied == PAM_PERM_DENIED || denied == PAM_ABORT || denied == PAM_MAXTRIES));
    }
  }
  CHECK(code_for(Door::kSudo, Phase::kAuth, Verdict::kDeny) == PAM_ABORT);
  CHECK(code_for(Door::kSudo, Phase::kSession, Verdict::kDeny) == PAM_ABORT);
  CHECK(code_for(Door::kSsh, Phase::kAuth, Verdict::kDeny) == PAM_MAXTRIES);
}

TEST_CASE("C10, E5: the whole command line or none; a reason of 1024 bytes or none") {
  // read_self: 0 found, 1 absent, 2 too long, 3 failed; tens: the reason.
  const std::string big(100'000, 'x');  // one word may hold 128 KiB
  CHECK(run_self({"a", "b\nc", ""}, {}) == 10);
  CHECK(run_self({"a", big, std::string(31'000, 'y')}, {}) == 10);
  CHECK(run_self({"a", big, std::string(31'100, 'y')}, {}) == 12);
  CHECK(run_self({"a", big, big, big, big, big, big, big, big, big}, {}) == 12);
  CHECK(run_self({"a"}, {"JIT_REASON=x"}) == 0);
  CHECK(run_self({"a"}, {"AJIT_REASON=x", "JIT_REASO=x", "JIT_REASONS=x", "JIT_REASON"}) == 10);
  CHECK(run_self({"a"}, {"A=" + big, "JIT_REASON=" + std::string(1024, 'r')}) == 0);
  CHECK(run_self({"a"}, {"JIT_REASON=" + std::string(1025, 'r')}) == 20);
}
