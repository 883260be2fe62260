// SPDX-License-Identifier: Apache-2.0
#include "pam_jit/door.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

namespace jit::pam {
namespace {

constexpr std::uint32_t kLoginBudget = 50;  // LOGIN_TIMEOUT is 60 s
constexpr std::uint32_t kSshBudget = 100;   // LoginGraceTime is 120 s, and the wait comes after the key and a prompt
constexpr int kHighestPeer = 63;

// Not set is fine, not readable is not.
bool read_item(pam_handle_t* handle, int type, std::string_view& out) {
  const void* value = nullptr;
  if (pam_get_item(handle, type, &value) != PAM_SUCCESS) return false;
  if (value != nullptr) out = static_cast<const char*>(value);
  return true;
}

// sshd has three conversations. Only the one of its keyboard-interactive child can prompt, and only that one has a context
// (sshpam_thread_conv insists on it; the others are registered with none). The remote side has no say in this.
bool sshd_can_prompt(pam_handle_t* handle, bool& can) {
  const void* conversation = nullptr;
  if (pam_get_item(handle, PAM_CONV, &conversation) != PAM_SUCCESS || conversation == nullptr) return false;
  can = static_cast<const pam_conv*>(conversation)->appdata_ptr != nullptr;
  return true;
}

// What the kernel says of the other end: PAM_RHOST may be a name, and then the remote side chose it.
bool write_address(const sockaddr_storage& peer, std::array<char, 48>& out) {
  const void* bytes = &reinterpret_cast<const sockaddr_in&>(peer).sin_addr;
  if (peer.ss_family == AF_INET6) bytes = &reinterpret_cast<const sockaddr_in6&>(peer).sin6_addr;
  return inet_ntop(peer.ss_family, bytes, out.data(), static_cast<socklen_t>(out.size())) != nullptr;
}

bool find_network_peer(int& found, std::array<char, 48>& peer) {
  for (int fd = STDERR_FILENO + 1; fd <= kHighestPeer; ++fd) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    if (getpeername(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      if (errno == ENOBUFS || errno == ENOMEM) return false;
      continue;  // not a socket, or not a connected one
    }
    if (address.ss_family == AF_INET || address.ss_family == AF_INET6) {
      found = fd;
      return write_address(address, peer);
    }
  }
  return true;
}

}  // namespace

bool read_items(pam_handle_t* handle, Items& items) {
  if (!read_item(handle, PAM_SERVICE, items.service) || !read_item(handle, PAM_USER, items.user) ||
      !read_item(handle, PAM_RUSER, items.ruser) || !read_item(handle, PAM_RHOST, items.rhost) ||
      !read_item(handle, PAM_TTY, items.tty)) {
    return false;
  }
  if (door_of(items.service) == Door::kSsh) {
    const char* proven = pam_getenv(handle, "SSH_AUTH_INFO_0");
    if (proven != nullptr && *proven != '\0') items.ssh_auth = proven;
  }
  return !items.service.empty() && !items.user.empty();
}

bool find_manner(pam_handle_t* handle, Door door, const Items& items, const Options& options, const SudoOptions& sudo,
                 Manner& m) {
  bool terminal = false;
  if (door != Door::kSsh && !items.tty.empty() && !find_terminal(terminal)) return false;
  switch (door) {
    case Door::kSudo:
      set_sudo_manner(terminal, options, sudo, m);
      // Through PAM sudo shows the prompt of -p in place of ours, and that one asks for a password.
      if (sudo.own_prompt) m.can_ask = false;
      break;
    case Door::kSu:
      // su prompts on stdin and informs on stdout, whatever these are.
      m.can_ask = terminal && isatty(STDIN_FILENO) == 1;
      m.errors_only = !terminal || isatty(STDOUT_FILENO) != 1;
      m.budget_s = terminal ? options.budget_s.value_or(kBudgetMax) : 0;
      break;
    case Door::kLogin:
      m.can_ask = terminal;
      m.budget_s = options.budget_s.value_or(kLoginBudget);
      break;
    case Door::kSsh:
      if (!sshd_can_prompt(handle, m.can_ask) || !find_network_peer(m.peer, m.peer_address)) return false;
      m.by_prompt = m.can_ask;
      m.budget_s = options.budget_s.value_or(m.can_ask ? kSshBudget : 0);
      break;
    case Door::kOther:
      m.errors_only = true;
      break;
  }
  if (options.observe) {
    m.can_ask = m.by_prompt = false;
    m.silent = true;
    m.budget_s = 0;
  }
  return true;
}

}  // namespace jit::pam
