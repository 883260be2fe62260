// SPDX-License-Identifier: Apache-2.0
// The bodies of Submit ('S') and Bind ('B') on the wire: what is taken is within its limits, what is not has a reason.
#include "broker/core/limits.h"
#include "broker/gate/context.h"
#include "dbus/contract.h"
#include "evidence/text.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/peer.h"

using namespace jit;
using namespace jit::fuzz;

namespace {

void submit(sd_bus_message* message) {
  std::string problem;
  const auto context = gate::read_context(message, problem);
  require(context.has_value() == problem.empty() && harmless(problem));
  if (!context) return;
  const bool command = context->phase == "command";
  require(!context->service.empty() && (context->phase == "auth" || context->phase == "account" || command) && !context->user.empty());
  require(command == !context->run.empty() && command == !context->run_user.empty() && (command || context->run_group.empty()));
  for (const auto* name : {&context->service, &context->user, &context->ruser, &context->rhost, &context->tty, &context->via, &context->run_user, &context->run_group}) {
    require(name->size() <= core::kNameMax && !has_nul(*name));
  }
  require(context->cwd.size() <= core::kPathMax && !has_nul(context->cwd));
  std::size_t total = 0;
  for (const std::string& word : context->argv) {
    require(!has_nul(word));
    total += word.size() + 1;
  }
  require(total <= core::kArgvMax);
  require(context->reason.size() <= core::kReasonMax && evidence::valid_utf8(context->reason));
  require(context->ticket.size() <= core::kTicketMax && evidence::valid_utf8(context->ticket));
  require(context->for_s.value_or(1) >= 1);
  require(context->pidfd >= 0 && context->exe >= 0 && context->mnt_ns >= 0);
}

void bind(sd_bus_message* message) {
  std::string problem;
  const auto context = gate::read_bind(message, problem);
  require(context.has_value() == problem.empty() && harmless(problem));
  if (context) require(!context->service.empty() && !context->user.empty() && context->pidfd >= 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || (data[0] != 'S' && data[0] != 'B')) return -1;
  const std::string_view body = text_of(data + 1, size - 1);
  namespace gate1 = dbus::gate1;
  if (data[0] == 'S') {
    speak(kHello, call(gate1::kSubmit, gate1::kSubmitIn, body), kDescriptors, submit);
  } else {
    speak(kHello, call(gate1::kBind, gate1::kBindIn, body), kDescriptors, bind);
  }
  return 0;
}
