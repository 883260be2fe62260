// SPDX-License-Identifier: Apache-2.0
#include "broker/bus/handlers.h"
#include "evidence/grant.h"
#include "evidence/signature.h"

namespace jit::bus {

using core::Error;

void Handlers::list_grants(const core::Caller& caller, const GrantQuery& query, const Reply& reply) {
  reply({Error::kNone, {}, list_document(documents_, "grants", documents_.grants(caller, query)), 0});
}

void Handlers::get_grant(const core::Caller& caller, const std::string& id, const Reply& reply) {
  const auto found = documents_.find_grant(caller, id);
  if (!found) return reply({found.error, found.message, {}, 0});
  auto document = documents_.document(found.value, Form::kWhole);
  // As the host signed it: the same words under the same key are the same signature.
  if (const auto envelope = admin_.seal(evidence::kGrantType, found.value.payload, evidence::kGrantNamespace)) {
    document["envelope"] = evidence::Json::parse(evidence::to_json(*envelope), nullptr, false);
  }
  reply({Error::kNone, {}, dump(document), 0});
}

void Handlers::revoke(const core::Caller& caller, const core::Core::Which& which, const std::string& reason,
                      const Reply& reply) {
  core_.revoke(caller, which, reason,
               [self = weak_from_this(), caller, which, reply](const core::Outcome<std::vector<core::Grant>>& outcome) {
                 const auto there = self.lock();
                 if (!there) return;
                 if (outcome) return reply({Error::kNone, {}, array_document(there->documents_, outcome.value), 0});
                 if (outcome.error == Error::kNotFound && !which.id.empty()) {
                   const auto ended = there->documents_.find_grant(caller, which.id);
                   if (ended) return reply({Error::kEnded, "grant " + ended.value.id.text() + " has ended already", {}, 0});
                 }
                 reply({outcome.error, outcome.message, {}, 0});
               });
}

void Handlers::extend(const core::Caller& caller, const std::string& id, const CreateArgs& wish, const Reply& reply) {
  core::Ask ask;
  ask.reason = wish.reason;
  ask.reason_from = wish.reason.empty() ? core::ReasonFrom::kNone : core::ReasonFrom::kCommandLine;
  ask.ticket = wish.ticket;
  ask.urgency = wish.urgency;
  ask.asked_s = wish.for_s;
  core_.extend(caller, id, std::move(ask),
               [self = weak_from_this(), caller, id, reply](const core::Outcome<core::Request>& outcome) {
                 const auto there = self.lock();
                 if (!there) return;
                 if (outcome) return reply({Error::kNone, {}, dump(there->documents_.document(outcome.value, caller)), 0});
                 if (outcome.error == Error::kNotFound) {
                   const auto ended = there->documents_.find_grant(caller, id);
                   if (ended) return reply({Error::kEnded, "grant " + ended.value.id.text() + " has ended already", {}, 0});
                 }
                 reply({outcome.error, outcome.message, {}, 0});
               });
}

void Handlers::end_grant(const core::Caller& caller, const std::string& id, const Reply& reply) {
  core_.end(caller, id, [self = weak_from_this(), caller, id, reply](const core::Outcome<core::Grant>& outcome) {
    const auto there = self.lock();
    if (!there) return;
    if (outcome) return reply({Error::kNone, {}, dump(there->documents_.document(outcome.value, Form::kWhole)), 0});
    if (outcome.error == Error::kNotFound) {
      const auto ended = there->documents_.find_grant(caller, id);
      if (ended) return reply({Error::kEnded, "grant " + ended.value.id.text() + " has ended already", {}, 0});
    }
    reply({outcome.error, outcome.message, {}, 0});
  });
}

}  // namespace jit::bus
