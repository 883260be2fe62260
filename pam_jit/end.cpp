// SPDX-License-Identifier: Apache-2.0
#include "pam_jit/end.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "dbus/contract.h"
#include "pam_jit/attempt.h"

namespace jit::pam {
namespace {

namespace contract = dbus::enforcer1;

// Below a scope of the enforcer's, so started under a grant. A look that fails reads as yes: then the enforcer looks.
bool under_grant() {
  const Fd fd = open_above_stdio("/proc/self/cgroup", O_RDONLY);
  std::array<char, 8192> text{};
  std::size_t have = 0;
  while (fd && have < text.size() - 1) {
    const ssize_t n = read(fd.get(), text.data() + have, text.size() - 1 - have);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return true;
    if (n == 0) return strstr(text.data(), "/jit-") != nullptr || strstr(text.data(), "/session-") != nullptr;
    have += static_cast<std::size_t>(n);
  }
  return true;
}

Fault adopt(Waiter& waiter, const Binding& binding) {
  const Ms until = after(kCallMs);
  const Fd self = own_pidfd();
  if (!self) return Fault::kSystem;
  Gate enforcer(kEnforcer);
  if (const Fault fault = enforcer.open(waiter, until); fault != Fault::kNone) return fault;
  const Message call = enforcer.call(contract::kAdopt);
  if (!call || sd_bus_message_append(call.get(), contract::kAdoptIn, binding.grant.data(), self.get(), binding.end, binding.hard) < 0) {
    return Fault::kSystem;
  }
  Message reply;
  if (const Fault fault = enforcer.ask(waiter, call.get(), contract::kAdoptOut, until, reply); fault != Fault::kNone) return fault;
  return read_adopted(reply.get()) ? Fault::kNone : Fault::kBadAnswer;
}

void free_text(pam_handle_t*, void* data, int) { free(data); }

}  // namespace

Fault hand_over(Waiter& waiter, const Binding& binding) {
  const int booted = sd_booted();
  if (booted < 0) return Fault::kSystem;  // it could not be looked at: no reason to believe that nothing here can end a session
  if (booted == 0) return Fault::kNone;
  if (binding.grant[0] != '\0') return adopt(waiter, binding);
  // Who is root already could leave any control group: that this ends with the grant it was started under is no reason to
  // keep him out where the enforcer does not answer.
  if (under_grant()) static_cast<void>(adopt(waiter, binding));
  return Fault::kNone;
}

bool limit_session(pam_handle_t* handle, const Binding& binding) {
  if (binding.grant[0] == '\0') return true;
  const Ms left = static_cast<Ms>(binding.hard) - now_ms();
  auto* text = static_cast<char*>(malloc(32));
  if (text == nullptr) return false;
  snprintf(text, 32, "%llds", static_cast<long long>(left > 1000 ? (left + 999) / 1000 : 1));
  if (pam_set_data(handle, "systemd.runtime_max_sec", text, free_text) == PAM_SUCCESS) return true;
  free(text);
  return false;
}

}  // namespace jit::pam
