// SPDX-License-Identifier: Apache-2.0
// A mount namespace of its own, with an empty /run, a small /dev and a system log to read; and one run of the module through
// real libpam in a process of its own. Nothing here touches the host.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace jit::pam_test {

// For a forked child: leaves the host's mounts. Opens the log; false: the kernel refused (not root).
bool enter_bed();
// What was logged, as soon as it is enough, or after 30 s.
std::string read_log(const std::function<bool(const std::string&)>& enough);

// Writes one PAM file a service: every stack is "required MODULE OPTIONS", and pam_permit behind it where asked.
void write_stacks(const std::string& dir, const std::string& options, bool with_permit);

enum class Call : std::uint8_t { kAuth, kAccount, kSession, kSetcred, kClose, kChauthtok };
inline constexpr const char* kServices[] = {"sudo", "sudo-i", "su", "su-l", "login", "sshd", "cron"};

enum class Answers : std::uint8_t { kText, kEmpty, kNull, kError, kMute };  // kMute: fails at once, needs no memory

struct Attempt {
  std::string dir;
  std::string service = "sudo";
  std::vector<Call> calls = {Call::kAccount};
  Answers answers = Answers::kText;
  std::vector<std::string> texts = {};  // with kText: what is typed, prompt after prompt; then always "deploy 4711"
  bool terminal = true;             // a controlling terminal, named by PAM_TTY
  bool ssh_prompts = true;          // sshd's conversation of the keyboard-interactive child
  bool ssh_proven = true;           // SSH_AUTH_INFO_0 names a key
  int flags = 0;
  std::string typed = {};           // on the terminal, before the calls
  std::function<void()> before = {};// in the child, after pam_start
  std::function<void()> between = {};  // in the child, before the second call
  std::function<void()> after = {}; // in the child, after the calls
  std::function<void()> told = {};  // in the child, at each line that the module says
};

struct Outcome {
  std::vector<int> codes;           // one a call; empty: the child died
  std::string said;                 // "I:text\n" information, "E:text\n" errors, "P:text\n" prompts
  int64_t ms = 0;                   // of the calls
  pid_t pid = 0;
  int exit = 0;                     // of the child
  std::string left_typed;           // what the terminal still held
};

// Starts the child; finish() waits for it. One that runs over 90 s is killed.
class Running {
 public:
  explicit Running(const Attempt& attempt);
  Running(Running&& other) noexcept;
  ~Running();
  pid_t pid() const { return pid_; }
  Outcome finish();

 private:
  pid_t pid_ = -1;
  int fd_ = -1;
  int terminal_ = -1;
};

inline Outcome run(const Attempt& attempt) { return Running(attempt).finish(); }

// Runs body in a forked child in a bed of its own. What it returns (empty: fine) comes back from finish().
class Bed {
 public:
  explicit Bed(const std::function<std::string()>& body);
  std::string finish();  // once

 private:
  pid_t pid_ = -1;
  int fd_ = -1;
};

inline std::string in_bed(const std::function<std::string()>& body) { return Bed(body).finish(); }

}  // namespace jit::pam_test
