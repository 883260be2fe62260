// SPDX-License-Identifier: Apache-2.0
#include "broker/bus/handlers.h"

namespace jit::bus {

using core::Error;

core::Done<core::FactState> Handlers::answer_fact(const Reply& reply) {
  return [reply](const core::Outcome<core::FactState>& outcome) {
    if (!outcome) return reply({outcome.error, outcome.message, {}, 0});
    reply({Error::kNone, {}, dump(fact_json(outcome.value)), 0});
  };
}

void Handlers::set_fact(const core::Caller& caller, const FactArgs& args, const Reply& reply) {
  core_.set_fact(caller, args.name, args.value, args.for_s, answer_fact(reply));
}

void Handlers::clear_fact(const core::Caller& caller, const std::string& name, const Reply& reply) {
  core_.clear_fact(caller, name, answer_fact(reply));
}

void Handlers::list_facts(const core::Caller& caller, const Reply& reply) {
  Json out = Json::array();
  for (const core::FactState& fact : core_.facts(caller)) out.push_back(fact_json(fact));
  reply({Error::kNone, {}, dump(out), 0});
}

void Handlers::fact_changed(const std::string& name) {
  const auto link = link_.lock();
  if (!link || watchers_.size() == 0) return;
  for (const std::string& to : watchers_.concerned(core_, name)) link->fact_changed(to, name);
}

}  // namespace jit::bus
