// SPDX-License-Identifier: Apache-2.0
// B13, H8: the module leaves the host program as it found it.
#include <dlfcn.h>
#include <fcntl.h>
#include <security/pam_appl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/catch.h"
#include <clocale>
#include <filesystem>
#include <fstream>
#include <thread>

#include "tests/pam/bed.h"
#include "tests/pam/fake_gate.h"

using namespace jit::pam_test;

namespace {

// All that B13 names, as text.
std::string state() {
  std::string out;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    const std::string to = std::filesystem::read_symlink(entry.path(), gone).string();
    if (!gone && to.find("/proc/") == std::string::npos) out += entry.path().filename().string() + "=" + to + "\n";
  }
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    // SigQ counts for the whole user.
    if ((line.rfind("Sig", 0) == 0 && line.rfind("SigQ", 0) != 0) || line.rfind("Threads", 0) == 0) out += line + "\n";
  }
  const mode_t mask = umask(022);
  umask(mask);
  out += "umask=" + std::to_string(mask) + " cwd=" + std::filesystem::current_path().string() + " locale=" + setlocale(LC_ALL, nullptr) + "\n";
  for (int s = 1; s < 32; ++s) {
    struct sigaction action {};
    sigaction(s, nullptr, &action);
    out += std::to_string(reinterpret_cast<std::uintptr_t>(action.sa_handler)) + " ";
  }
  return out;
}

std::string stays_as_it_was(const Script& script, const char* service, std::vector<Call> calls, const char* options) {
  if (chdir("/run") != 0) return "no /run";
  write_stacks("/run/flow", options, false);
  const FakeGate gate(script);
  Attempt attempt{.dir = "/run/flow", .service = service, .calls = std::move(calls)};
  static std::string before;
  attempt.before = [] {
    signal(SIGINT, [](int) {});
    signal(SIGTSTP, SIG_IGN);
    umask(027);
    before = state();
  };
  attempt.after = [] {
    const std::string now = state();
    if (now != before) _exit(71);
  };
  return run(attempt).codes.empty() ? "the state changed" : "";
}

std::size_t mapped() {
  std::ifstream maps("/proc/self/maps");
  std::size_t lines = 0;
  for (std::string line; std::getline(maps, line);) ++lines;
  return lines;
}

long resident() {
  std::ifstream statm("/proc/self/statm");
  long size = 0;
  long rss = 0;
  statm >> size >> rss;
  return rss;
}

}  // namespace

TEST_CASE("signals, mask, umask, cwd, locale and descriptors stay as they were") {
  const std::vector<Call> all = {Call::kAccount, Call::kSession, Call::kClose};
  for (const char* service : kServices) {
    INFO(service);
    CHECK(in_bed([=] { return stays_as_it_was({}, service, all, ""); }) == "");
    CHECK(in_bed([=] { return stays_as_it_was({.submit = Say::kDeny, .bind = Say::kDeny}, service, all, "debug"); }) == "");
    CHECK(in_bed([=] { return stays_as_it_was({.submit = Say::kPending}, service, all, "budget=1"); }) == "");
    CHECK(in_bed([=] { return stays_as_it_was({.listen = Listen::kStale}, service, all, ""); }) == "");
  }
}

TEST_CASE("closed stdin, stdout and stderr: no descriptor of ours takes their place") {
  const std::string wrong = in_bed([] {
    write_stacks("/run/flow", "debug", false);
    FakeGate gate({.submit = Say::kPending, .then = Then::kAllow, .renew = Say::kAllow});
    Attempt attempt{.dir = "/run/flow", .service = "sshd"};
    attempt.terminal = false;
    attempt.before = [] {
      for (int fd = 0; fd < 3; ++fd) close(fd);
    };
    attempt.after = [] {
      for (int fd = 0; fd < 3; ++fd) {
        if (fcntl(fd, F_GETFD) != -1) _exit(71);
      }
    };
    const Outcome outcome = run(attempt);
    return outcome.codes == std::vector<int>{PAM_SUCCESS} ? std::string() : std::string("not allowed");
  });
  CHECK(wrong == "");
}

TEST_CASE("closed stdin, stdout and stderr, and ignored keys: what waits for the keys does not take their place") {
  const std::string wrong = in_bed([] {
    write_stacks("/run/flow", "debug budget=1", false);
    const FakeGate gate({.submit = Say::kPending});
    Attempt attempt{.dir = "/run/flow", .service = "login"};
    attempt.terminal = false;
    attempt.before = [] {
      signal(SIGINT, SIG_IGN);
      for (int fd = 0; fd < 3; ++fd) close(fd);
    };
    attempt.told = [] {
      for (int fd = 0; fd < 3; ++fd) {
        if (fcntl(fd, F_GETFD) != -1) _exit(71);
      }
    };
    const Outcome outcome = run(attempt);
    if (outcome.exit == 71) return std::string("a descriptor stands in the place of one that was closed");
    return outcome.said.empty() ? std::string("it says nothing") : std::string();
  });
  CHECK(wrong == "");
}

TEST_CASE("loaded and unloaded a thousand times, nothing is left") {
  const auto turn = [] {
    void* module = dlopen(PAM_JIT_MODULE, RTLD_NOW);
    REQUIRE(module != nullptr);
    dlclose(module);
  };
  for (int i = 0; i < 50; ++i) turn();
  const std::size_t maps = mapped();
  [[maybe_unused]] const long pages = resident();
  for (int i = 0; i < 1000; ++i) turn();
  CHECK(mapped() <= maps + 2);
#ifndef JIT_SANITIZED
  CHECK(resident() <= pages + 256);  // 1 MiB
#endif
}

TEST_CASE("thirty-two threads at once, each with a handle of its own") {
  const std::string wrong = in_bed([] {
    write_stacks("/run/flow", "", false);
    const FakeGate gate({.submit = Say::kDeny});
    std::array<int, 32> codes{};
    std::vector<std::thread> threads;
    for (int& code : codes) {
      threads.emplace_back([&code] {
        pam_conv none{[](int, const pam_message**, pam_response**, void*) { return PAM_CONV_ERR; }, nullptr};
        pam_handle_t* handle = nullptr;
        if (pam_start_confdir("cron", "alice", &none, "/run/flow", &handle) != PAM_SUCCESS) return;
        code = pam_acct_mgmt(handle, 0);
        pam_end(handle, 0);
      });
    }
    for (std::thread& thread : threads) thread.join();
    for (const int code : codes) {
      if (code != PAM_PERM_DENIED) return "a thread got " + std::to_string(code);
    }
    return std::string();
  });
  CHECK(wrong == "");
}
