// SPDX-License-Identifier: Apache-2.0
#include "tests/pam/bed.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <security/pam_appl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>

namespace jit::pam_test {
namespace {

constexpr char kLogFile[] = "/run/log";

// The parent may be gone before the kernel is asked.
void die_with(pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);
}

std::string read_all(int fd) {
  std::string out;
  std::array<char, 4096> chunk;
  for (ssize_t n; (n = read(fd, chunk.data(), chunk.size())) > 0;) out.append(chunk.data(), static_cast<std::size_t>(n));
  return out;
}

void write_all(int fd, const std::string& text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const ssize_t n = write(fd, text.data() + at, text.size() - at);
    if (n <= 0) return;
    at += static_cast<std::size_t>(n);
  }
}

// A process that empties the log all the time: its queue is short, and libpam's own syslog() waits for room. No thread:
// these tests fork.
void drain_log(int socket) {
  const int file = open(kLogFile, O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
  const pid_t bed = getpid();
  if (fork() != 0) {
    close(file);
    return;
  }
  die_with(bed);
  std::array<char, 4096> line;
  for (ssize_t n; (n = recv(socket, line.data(), line.size() - 1, 0)) >= 0;) {
    line[static_cast<std::size_t>(n)] = '\n';
    if (write(file, line.data(), static_cast<std::size_t>(n) + 1) < 0) break;
  }
  _exit(0);
}

// ---- in the child

struct Person {
  Answers answers;
  std::string* said;
  const std::function<void()>* told;
  std::vector<std::string> texts = {};
  std::size_t typed = 0;
};

int converse(int count, const pam_message** messages, pam_response** out, void* data) {
  auto* person = static_cast<Person*>(data);
  if (person->answers == Answers::kMute) return PAM_CONV_ERR;
  auto* replies = static_cast<pam_response*>(calloc(static_cast<std::size_t>(count), sizeof(pam_response)));
  for (int i = 0; i < count; ++i) {
    const int style = messages[i]->msg_style;
    const bool prompt = style == PAM_PROMPT_ECHO_ON || style == PAM_PROMPT_ECHO_OFF;
    *person->said += (prompt ? "P:" : style == PAM_TEXT_INFO ? "I:" : "E:") + std::string(messages[i]->msg) + "\n";
    if (*person->told) (*person->told)();
    if (!prompt) continue;
    if (person->answers == Answers::kError) {
      free(replies);
      return PAM_CONV_ERR;
    }
    if (person->answers == Answers::kText) {
      const std::size_t at = person->typed++;
      replies[i].resp = strdup(at < person->texts.size() ? person->texts[at].c_str() : "deploy 4711");
    }
    if (person->answers == Answers::kEmpty) replies[i].resp = strdup("");
  }
  *out = replies;
  return PAM_SUCCESS;
}

// sshd's conversations that cannot prompt have no context; this one belongs to them.
Person promptless{Answers::kError, nullptr, nullptr, {}};
int converse_promptless(int count, const pam_message** messages, pam_response** out, void*) {
  return converse(count, messages, out, &promptless);
}

int call(pam_handle_t* handle, Call which, int flags) {
  switch (which) {
    case Call::kAuth: return pam_authenticate(handle, flags);
    case Call::kAccount: return pam_acct_mgmt(handle, flags);
    case Call::kSession: return pam_open_session(handle, flags);
    case Call::kSetcred: return pam_setcred(handle, static_cast<int>(PAM_ESTABLISH_CRED) | flags);
    case Call::kClose: return pam_close_session(handle, flags);
    case Call::kChauthtok: break;
  }
  return pam_chauthtok(handle, flags);
}

std::string take_terminal(const char* name) {
  setsid();
  const int fd = open(name, O_RDWR);
  ioctl(fd, TIOCSCTTY, 0);
  for (int to = 0; to < 3; ++to) dup2(fd, to);
  if (fd > 2) close(fd);
  return name;
}

[[noreturn]] void child(const Attempt& a, int report, const char* terminal) {
  if (terminal != nullptr) {
    take_terminal(terminal);
  } else {
    setsid();
    const int null = open("/dev/null", O_RDWR);
    for (int to = 0; to < 3; ++to) dup2(null, to);
    if (null > 2) close(null);
  }
  std::string said;
  Person person{a.answers, &said, &a.told, a.texts};
  promptless.said = &said;
  promptless.told = &a.told;
  const bool ssh = a.service == "sshd";
  pam_conv conversation{converse, &person};
  if (ssh && !a.ssh_prompts) conversation = {converse_promptless, nullptr};
  pam_handle_t* handle = nullptr;
  if (pam_start_confdir(a.service.c_str(), "alice", &conversation, a.dir.c_str(), &handle) != PAM_SUCCESS) _exit(70);
  if (ssh) {
    pam_set_item(handle, PAM_TTY, "ssh");
    pam_set_item(handle, PAM_RHOST, "192.0.2.7");
    pam_putenv(handle, a.ssh_proven ? "SSH_AUTH_INFO_0=publickey ssh-ed25519 AAAA" : "SSH_AUTH_INFO_0=");
  } else {
    if (terminal != nullptr) pam_set_item(handle, PAM_TTY, terminal);
    pam_set_item(handle, PAM_RUSER, "alice");
  }
  if (pam_close_session(handle, 0) != PAM_SUCCESS) _exit(70);  // libpam loads its modules at the first call
  if (a.before) a.before();
  const auto start = std::chrono::steady_clock::now();
  std::string codes;
  for (const Call c : a.calls) {
    if (!codes.empty() && a.between) a.between();
    codes += std::to_string(call(handle, c, a.flags)) + " ";
  }
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start).count();
  if (a.after) a.after();
  std::string typed;
  if (terminal != nullptr) {
    int waiting = 0;
    ioctl(0, FIONREAD, &waiting);
    typed = std::to_string(waiting);
  }
  pam_end(handle, 0);
  write_all(report, codes + "\n" + std::to_string(ms) + "\n" + typed + "\n" + said);
  _exit(0);
}

}  // namespace

bool enter_bed() {
  if (unshare(CLONE_NEWNS) != 0 || mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return false;
  if (mount("run", "/run", "tmpfs", 0, "mode=755") != 0) return false;
  mkdir("/run/jit", 0755);
  mkdir("/run/dev", 0755);
  mkdir("/run/dev/pts", 0755);
  for (const char* node : {"null", "zero", "urandom", "random", "full", "tty"}) {
    const std::string from = std::string("/dev/") + node;
    const std::string to = "/run" + from;
    close(open(to.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0666));
    if (mount(from.c_str(), to.c_str(), nullptr, MS_BIND, nullptr) != 0) return false;
  }
  if (mount("pts", "/run/dev/pts", "devpts", 0, "newinstance,ptmxmode=0666,mode=0620") != 0) return false;
  if (symlink("pts/ptmx", "/run/dev/ptmx") != 0) return false;
  if (mount("/run/dev", "/dev", nullptr, MS_BIND | MS_REC, nullptr) != 0) return false;
  const int log = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  strcpy(address.sun_path, "/dev/log");
  if (bind(log, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return false;
  drain_log(log);
  close(log);
  return true;
}

std::string read_log(const std::function<bool(const std::string&)>& enough) {
  for (int i = 0;; ++i) {
    const int fd = open(kLogFile, O_RDONLY | O_CLOEXEC);
    std::string text = read_all(fd);
    close(fd);
    if (enough(text) || i == 1500) return text;
    poll(nullptr, 0, 20);
  }
}

void write_stacks(const std::string& dir, const std::string& options, bool with_permit) {
  mkdir(dir.c_str(), 0755);
  for (const char* service : kServices) {
    std::ofstream file(dir + "/" + service);
    for (const char* stack : {"auth", "account", "session", "password"}) {
      file << stack << " required " << PAM_JIT_MODULE << " " << options << "\n";
      if (with_permit) file << stack << " required pam_permit.so\n";
    }
  }
}

Running::Running(const Attempt& attempt) {
  std::array<int, 2> report{};
  if (pipe2(report.data(), O_CLOEXEC) != 0) return;
  const char* name = nullptr;
  if (attempt.terminal) {
    terminal_ = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    grantpt(terminal_);
    unlockpt(terminal_);
    name = ptsname(terminal_);
    if (!attempt.typed.empty()) write_all(terminal_, attempt.typed);
  }
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ == 0) {
    die_with(parent);
    close(report[0]);
    child(attempt, report[1], name);
  }
  close(report[1]);
  fd_ = report[0];
}

Running::Running(Running&& other) noexcept : pid_(other.pid_), fd_(other.fd_), terminal_(other.terminal_) {
  other.pid_ = other.fd_ = other.terminal_ = -1;
}

Running::~Running() {
  if (fd_ >= 0) close(fd_);
  if (terminal_ >= 0) close(terminal_);
}

Outcome Running::finish() {
  Outcome out;
  out.pid = pid_;
  pollfd end{fd_, POLLIN, 0};
  if (poll(&end, 1, 90'000) != 1) kill(pid_, SIGKILL);
  const std::string text = read_all(fd_);
  int status = 0;
  waitpid(pid_, &status, 0);
  out.exit = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  std::size_t at = text.find('\n');
  if (at == std::string::npos) return out;
  for (std::size_t from = 0; from < at;) {
    const std::size_t space = text.find(' ', from);
    out.codes.push_back(std::stoi(text.substr(from, space - from)));
    from = space + 1;
  }
  const std::size_t ms = text.find('\n', at + 1);
  out.ms = std::stoll(text.substr(at + 1, ms - at - 1));
  const std::size_t typed = text.find('\n', ms + 1);
  out.left_typed = text.substr(ms + 1, typed - ms - 1);
  out.said = text.substr(typed + 1);
  return out;
}

Bed::Bed(const std::function<std::string()>& body) {
  std::array<int, 2> report{};
  if (pipe2(report.data(), O_CLOEXEC) != 0) return;
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ == 0) {
    die_with(parent);
    if (!enter_bed()) {
      write_all(report[1], "no namespace: these tests need root");
      _exit(1);
    }
    write_all(report[1], body());
    _exit(0);
  }
  close(report[1]);
  fd_ = report[0];
}

std::string Bed::finish() {
  // What runs in the bed holds the other end too, so the end of the file is the end of all of it.
  std::string out = read_all(fd_);
  close(fd_);
  int status = 0;
  waitpid(pid_, &status, 0);
  if (status != 0 && out.empty()) out = "the child died with status " + std::to_string(status);
  return out;
}

}  // namespace jit::pam_test
