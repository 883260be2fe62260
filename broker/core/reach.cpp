// SPDX-License-Identifier: Apache-2.0
// Whether couriers come through: said to who waits, and nothing is decided by it.
#include "broker/core/impl.h"

namespace jit::core {

void Core::say_reach(bool reached, BootMs until) {
  Impl& impl = *impl_;
  const bool was_reached = !impl.unreached();
  impl.unreached_until = reached ? 0 : until;
  if (was_reached == reached) return;
  for (const auto& [id, live] : impl.requests) {
    if (live->open()) impl.tell_waiting(*live, {texts::reach(live->request, reached)});
  }
}

}  // namespace jit::core
