// SPDX-License-Identifier: Apache-2.0
// What the policy in force would say, with the facts as they stand. Nothing is written, counted or told to anybody.
#include "broker/core/impl.h"

namespace jit::core {

namespace {

// Facts that are supposed, before those that are.
class Supposed final : public policy::Facts {
 public:
  Supposed(const Suppose& suppose, const policy::Facts& facts) : facts_(facts) {
    for (const auto& [name, value] : suppose.facts) readings_.insert_or_assign(name, policy::Reading{value, 0, {}});
  }
  const policy::Reading* find(std::string_view name) const override {
    const auto found = readings_.find(name);
    return found == readings_.end() ? facts_.find(name) : &found->second;
  }

 private:
  const policy::Facts& facts_;
  std::map<std::string, policy::Reading, std::less<>> readings_;
};

}  // namespace

Explained Core::explain(Ask ask, const Suppose& suppose) const {
  Explained out;
  if (!policy_) {
    out.decision.why = {"no policy is in force, so nothing is allowed"};
    return out;
  }
  if (!ask.root) ask.root = impl_->root;
  const Sight sight = impl_->look(ask);
  policy::Request view = sight.view;
  const Supposed facts(suppose, sight.facts);
  view.facts = &facts;
  if (suppose.at_s) view.now = *suppose.at_s;
  out.policy_hash = policy_->hash();
  out.decision = policy_->decide(view);
  out.near = policy::near_misses({policy_->rules(), view}, suppose.nearest);
  out.at_s = view.now;
  return out;
}

}  // namespace jit::core
