// SPDX-License-Identifier: Apache-2.0
// What of the log leaves the host as proof, and what of it is erased.
#include "broker/bus/handlers.h"
#include "evidence/text.h"

namespace jit::bus {

using core::Error;

namespace {

Answer no_log() { return {Error::kUnavailable, "there is no database now: jitctl status says why", {}, 0}; }
Answer unsigned_now() { return {Error::kUnavailable, "the log cannot be signed now: jitctl status says why", {}, 0}; }

}  // namespace

// Signed anew where entries came since, so that it says what is now.
void Handlers::audit_checkpoint(const Reply& reply) {
  store::Database* const database = database_();
  if (database == nullptr) return reply(no_log());
  database->seal([self = weak_from_this(), reply](bool good) {
    const auto there = self.lock();
    if (!there) return;
    store::Database* const again = there->database_();
    const std::string envelope = again == nullptr ? std::string() : again->head().envelope;
    reply(good && !envelope.empty() ? Answer{Error::kNone, {}, envelope, 0} : unsigned_now());
  });
}

// A request, or a grant for which nobody was asked, that the caller may see.
void Handlers::audit_proof(const core::Caller& caller, const std::string& prefix, const Reply& reply) {
  store::Database* const database = database_();
  if (database == nullptr) return reply(no_log());
  const auto request = documents_.find_request(caller, prefix);
  core::Id id = request.value.id;
  if (!request) {
    const auto grant = documents_.find_grant(caller, prefix);
    if (!grant) return reply({request.error == Error::kAmbiguous ? request.error : grant.error, request.error == Error::kAmbiguous ? request.message : grant.message, {}, 0});
    id = grant.value.id;
  }
  database->seal([self = weak_from_this(), id, reply](bool good) {
    const auto there = self.lock();
    if (!there) return;
    store::Database* const again = there->database_();
    if (again == nullptr || !good) return reply(unsigned_now());
    const evidence::ExportHost host{there->host_.id, there->host_.key, evidence::escape(there->host_.name)};
    const auto lines = again->proof_lines(id, host, there->admin_.seal);
    if (!lines) return reply({Error::kUnavailable, "the log cannot be read: " + again->last_error(), {}, 0});
    std::string document;
    for (const evidence::ExportLine& line : *lines) document += evidence::to_line(line) + "\n";
    reply({Error::kNone, {}, std::move(document), 0});
  });
}

void Handlers::audit_erase(const core::Caller& caller, const std::string& person, const Reply& reply) {
  store::Database* const database = database_();
  if (database == nullptr) return reply(no_log());
  const std::uint64_t told = database->told_of(person);
  if (told == 0) {
    const std::string why = database->last_error();
    if (!why.empty()) return reply({Error::kUnavailable, "the log cannot be read: " + why, {}, 0});
    return reply({Error::kNotFound, "the log tells nothing of " + evidence::escape(person), {}, 0});
  }
  core_.erase(caller, person, told, [reply, told](const core::Outcome<bool>& outcome) {
    if (!outcome) return reply({outcome.error, outcome.message, {}, 0});
    reply({Error::kNone, {}, dump({{"erased", told}}), 0});
  });
}

}  // namespace jit::bus
