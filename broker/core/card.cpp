// SPDX-License-Identifier: Apache-2.0
// The risk card of a request: what the host itself finds unusual about it, in words for who approves.
#include "broker/core/impl.h"
#include "broker/core/risk.h"

namespace jit::core {

Card Core::Impl::card_of(const Ask& ask) {
  const Sight sight = look(ask);
  const Signs signs = signs_of(senses, sight.scene);
  return {risk_of(signs), signs_for_people(signs, ask.door, *ask.target, sight.scene.command)};
}

}  // namespace jit::core
