// SPDX-License-Identifier: Apache-2.0
#include "setup/probe/probe.h"

#include <fcntl.h>
#include <poll.h>
#include <security/pam_appl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace jit::setup::probe {
namespace {

constexpr int kLimitMs = 20'000;
constexpr std::size_t kSaidMax = 8192;

// Takes what is said, and answers nothing.
int converse(int count, const pam_message** messages, pam_response** responses, void* data) {
  auto& said = *static_cast<std::string*>(data);
  *responses = nullptr;
  for (int i = 0; i < count; ++i) {
    const pam_message& message = *messages[i];
    if (message.msg_style != PAM_TEXT_INFO && message.msg_style != PAM_ERROR_MSG) return PAM_CONV_ERR;
    if (message.msg != nullptr && said.size() < kSaidMax) said += std::string(message.msg) + '\n';
  }
  *responses = static_cast<pam_response*>(std::calloc(static_cast<std::size_t>(count), sizeof(pam_response)));
  return *responses == nullptr ? PAM_BUF_ERR : PAM_SUCCESS;
}

// In the child: "CODE\nPAM's words\nwhat was said".
std::string transaction(const std::string& service, Phase phase) {
  std::string said;
  // sshd gives its conversation no data where nobody can be asked; the module tells by that. What is said comes here all the same.
  const pam_conv conversation{converse, &said};
  pam_handle_t* handle = nullptr;
  int code = pam_start(service.c_str(), "root", &conversation, &handle);
  if (code == PAM_SUCCESS) {
    pam_set_item(handle, PAM_RUSER, "root");
    code = phase == Phase::kAuth ? pam_authenticate(handle, 0) : pam_acct_mgmt(handle, 0);
  }
  const char* const words = pam_strerror(handle, code);
  std::string out = std::to_string(code) + '\n' + (words == nullptr ? "" : words) + '\n' + said;
  if (handle != nullptr) pam_end(handle, code);
  return out;
}

// All until the end; false: the time is over.
bool read_all(int fd, std::string& text) {
  timespec begin{};
  clock_gettime(CLOCK_MONOTONIC, &begin);
  for (;;) {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    const auto left = kLimitMs - ((now.tv_sec - begin.tv_sec) * 1000 + (now.tv_nsec - begin.tv_nsec) / 1'000'000);
    pollfd one{fd, POLLIN, 0};
    if (left <= 0) return false;
    if (poll(&one, 1, static_cast<int>(left)) <= 0) {
      if (errno == EINTR) continue;
      return false;
    }
    std::array<char, 4096> chunk{};
    const ssize_t got = read(fd, chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return got == 0;
    text.append(chunk.data(), static_cast<std::size_t>(got));
  }
}

void write_whole(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t wrote = write(fd, text.data(), text.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(wrote));
  }
}

bool has_line(std::string_view text, std::string_view line) {
  for (std::size_t at = text.find(line); at != std::string_view::npos; at = text.find(line, at + 1)) {
    const bool begins = at == 0 || text[at - 1] == '\n';
    if (begins && at + line.size() < text.size() && text[at + line.size()] == '\n') return true;
  }
  return false;
}

}  // namespace

Result try_door(const std::string& service, Phase phase) {
  Result out;
  int ends[2] = {-1, -1};
  if (pipe2(ends, O_CLOEXEC) != 0) return out.error = std::strerror(errno), out;
  const pid_t child = fork();
  if (child == 0) {
    // Whatever a module does to its process it does to this one.
    close(ends[0]);
    write_whole(ends[1], transaction(service, phase));
    _exit(0);
  }
  close(ends[1]);
  std::string text;
  const bool told = child > 0 && read_all(ends[0], text);
  close(ends[0]);
  if (child < 0) return out.error = std::strerror(errno), out;
  if (!told) kill(child, SIGKILL);
  while (waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
  const std::size_t first = text.find('\n');
  const std::size_t second = first == std::string::npos ? first : text.find('\n', first + 1);
  if (second == std::string::npos) return out.error = told ? "a module ended its program" : "it took longer than 20 s", out;
  out.code = std::atoi(text.c_str());
  out.error = text.substr(first + 1, second - first - 1);
  out.said = text.substr(second + 1);
  out.passed = out.code == PAM_SUCCESS;
  out.covered = !has_line(out.said, kNotCovered);
  out.asked = !out.passed && (!out.covered || has_line(out.said, kText));
  return out;
}

}  // namespace jit::setup::probe
