// SPDX-License-Identifier: Apache-2.0
// The interface Courier: what waits to be carried out of this host.
#include "broker/bus/handlers.h"
#include "broker/outbox/outbox.h"

namespace jit::bus {

using core::Error;

namespace {

template <class T>
Answer answer_of(const core::Outcome<T>& outcome) {
  return {outcome.error, outcome.message, {}, 0};
}

Answer answer_of(core::Outcome<std::string> outcome) { return {outcome.error, std::move(outcome.message), std::move(outcome.value), 0}; }

Answer no_couriers() { return {Error::kUnavailable, "no courier carries anything here", {}, 0}; }

}  // namespace

void Handlers::open(const core::Caller& caller, const std::string& after, const Reply& reply) {
  const auto courier = outbox::courier_of(*caller.identity);
  reply(admin_.outbox != nullptr && courier ? answer_of(admin_.outbox->open(*courier, after)) : no_couriers());
}

void Handlers::next(const core::Caller& caller, const Sender& sender, std::uint64_t after, const Reply& reply) {
  const auto courier = outbox::courier_of(*caller.identity);
  if (admin_.outbox == nullptr || !courier) return reply(no_couriers());
  reply(answer_of(admin_.outbox->next(*courier, sender.name, after)));
}

void Handlers::done(const core::Caller& caller, std::uint64_t sequence, const Reply& reply) {
  const auto courier = outbox::courier_of(*caller.identity);
  reply(admin_.outbox != nullptr && courier ? answer_of(admin_.outbox->done(*courier, sequence)) : no_couriers());
}

void Handlers::reachable(const core::Caller& caller, const Sender& sender, bool reached, const std::string& why, const Reply& reply) {
  const auto courier = outbox::courier_of(*caller.identity);
  reply(admin_.outbox != nullptr && courier ? answer_of(admin_.outbox->reachable(*courier, sender.name, reached, why, Now::read().wall)) : no_couriers());
}

void Handlers::acknowledged(const core::Caller& caller, std::uint64_t sequence, const std::string& channel, const Reply& reply) {
  const auto courier = outbox::courier_of(*caller.identity);
  reply(admin_.outbox != nullptr && courier ? answer_of(admin_.outbox->acknowledged(*courier, sequence, channel)) : no_couriers());
}

void Handlers::logged(const core::AuditEntry& entry) {
  if (admin_.outbox == nullptr) return;
  const auto link = link_.lock();
  for (const std::string& name : admin_.outbox->logged(entry)) {
    if (link) link->more(name);
  }
}

void Handlers::left(const std::string& name) {
  watchers_.left(name);
  if (admin_.outbox != nullptr) admin_.outbox->left(name, Now::read().wall);
}

void Handlers::lost() {
  watchers_.clear();
  if (admin_.outbox != nullptr) admin_.outbox->lost(Now::read().wall);
}

}  // namespace jit::bus
