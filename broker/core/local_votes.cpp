// SPDX-License-Identifier: Apache-2.0
// When the word of this host is enough for a yes: a vote that is cast here by uid, and not signed.
#include "broker/core/impl.h"
#include "policy/crew.h"

namespace jit::core {

namespace {

// A vote that is cast here is not signed.
bool takes_local_votes(const policy::Offer& terms) { return terms.votes == policy::Votes::kAny; }

std::string why_not_local(const policy::Offer& terms) {
  if (terms.votes == policy::Votes::kHardware) return "the policy wants votes that are signed with a hardware key; a vote cast here is not signed";
  return "the policy wants signed votes; a vote cast here is not signed";
}

}  // namespace

// What the host alone would have to be believed about.
std::optional<std::string> Core::Impl::local_refusal(const Live& live, const Caller& caller) const {
  if (!takes_local_votes(live.terms())) return why_not_local(live.terms());
  if (policy::is_machine(policy()->rules(), *caller.identity)) {
    return "a machine approver answers with its own key only; a vote cast here is not signed";
  }
  if (!caller.in_session) {
    return "a vote that is not signed is taken from a login session of yours only; sign it with your key, or log in";
  }
  for (const auto& each : grants) {
    const Grant& grant = each.second->grant;
    const bool strong = grant.target->uid == 0 || grant.target->uid == caller.identity->uid;
    if (grant.state == GrantState::kActive && strong && same_people(grant.subject, live.request.subject)) {
      return "the requester is " + (grant.target->uid == 0 ? std::string("root") : "you, by uid,") +
             " on this host just now, so only a signed vote counts: jitctl people add-key";
    }
  }
  return std::nullopt;
}

bool Core::Impl::had_power(const Subject& subject, std::uint32_t voter) const {
  const auto had = [&](std::uint32_t uid) {
    return uid != policy::kNoUid && (power.contains({uid, 0}) || power.contains({uid, voter}));
  };
  return power_unknown || had(subject.identity->uid) || had(subject.loginuid);
}

void Core::Impl::note_power(std::uint32_t uid, std::uint32_t loginuid, std::uint32_t target) {
  for (const std::uint32_t who : {uid, loginuid}) {
    if (who != policy::kNoUid && who != target) power.insert({who, target});
  }
}

}  // namespace jit::core
