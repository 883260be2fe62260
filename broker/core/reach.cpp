// SPDX-License-Identifier: Apache-2.0
// Whether couriers come through: said to who waits, and nothing is decided by it.
#include "broker/core/impl.h"

namespace jit::core {

void Core::say_reach(bool reached) {
  Impl& impl = *impl_;
  if (impl.unreached == !reached) return;
  impl.unreached = !reached;
  for (const auto& [id, live] : impl.requests) {
    if (live->open()) impl.tell_waiting(*live, {texts::reach(live->request, reached)});
  }
}

}  // namespace jit::core
