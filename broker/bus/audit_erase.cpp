// SPDX-License-Identifier: Apache-2.0
// What the log tells of a person goes, on an admin's word.
#include "broker/bus/handlers.h"
#include "evidence/text.h"

namespace jit::bus {

using core::Error;

void Handlers::erase(const core::Caller& caller, const std::string& person, const Reply& reply) {
  store::Database* const database = database_();
  if (database == nullptr) return reply({Error::kUnavailable, "there is no database now: jitctl status says why", {}, 0});
  const std::uint64_t told = database->told_of(person);
  if (told == 0 && database->archived().empty()) {
    const std::string why = database->last_error();
    if (!why.empty()) return reply({Error::kUnavailable, "the log cannot be read: " + why, {}, 0});
    return reply({Error::kNotFound, "the log tells nothing of " + evidence::escape(person), {}, 0});
  }
  core_.erase(caller, person, told, [reply, told, database = database_](const core::Outcome<bool>& outcome) {
    store::Database* const now = database();
    if (!outcome) return reply({outcome.error, now != nullptr && !now->last_error().empty() ? outcome.message + ": " + now->last_error() : outcome.message, {}, 0});
    reply({Error::kNone, {}, dump({{"erased", told + (now != nullptr ? now->erased_in_archive() : 0)}}), 0});
  });
}

}  // namespace jit::bus
