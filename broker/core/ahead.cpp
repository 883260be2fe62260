// SPDX-License-Identifier: Apache-2.0
// A request made ahead of time, at no door.
#include "broker/core/impl.h"

namespace jit::core {

bool door_has(policy::Door door, policy::Scope scope) {
  switch (door) {
    case policy::Door::kSudo: return scope != policy::Scope::kLogin;
    case policy::Door::kSu: return scope == policy::Scope::kTty || scope == policy::Scope::kSession;
    case policy::Door::kSsh:
    case policy::Door::kLogin: return scope == policy::Scope::kSession || scope == policy::Scope::kLogin;
    case policy::Door::kPolkit: break;
  }
  return false;
}

void Core::create(const Caller& caller, Ask ask, Done<Request> done) {
  Impl& impl = *impl_;
  if (!policy_) return done(failure<Request>(Error::kUnavailable, "no policy is in force; see jitctl policy check"));
  if (!policy_->covers(ask.door)) {
    return done(failure<Request>(Error::kBadInput, "the policy does not cover the door " +
                                                       std::string(policy::name_of(ask.door))));
  }
  if (ask.subject.identity->uid != caller.identity->uid || ask.target->uid == policy::kNoUid) {
    return done(failure<Request>(Error::kBadInput, "there is no such user to act as"));
  }
  constexpr BootMs kFarthest = BootMs{90} * 86'400'000;
  if (ask.not_before > impl.clock.boottime() + kFarthest) {
    return done(failure<Request>(Error::kBadInput, "it can begin within 90 days at the latest"));
  }
  if (ask.asked_scope && !door_has(ask.door, *ask.asked_scope)) {
    return done(failure<Request>(Error::kBadInput, "the door " + std::string(policy::name_of(ask.door)) + " has no scope " +
                                                       std::string(policy::name_of(*ask.asked_scope))));
  }
  ask.can_ask = false;
  if (!ask.root) ask.root = impl.root;
  const Sight sight = impl.look(ask);
  const policy::Decision decision = policy_->decide(sight.view);
  const std::string kept = impl.record(sight, decision, ask.command.words_at);
  impl.note_guards(ask, decision, kept);
  if (decision.outcome == policy::Outcome::kDeny || !decision.offer) {
    if (const auto needs = needs_if_asked(*policy_, sight.view)) {
      return done(failure<Request>(Error::kBadInput, texts::text_required(*needs->offer, needs->missing) + "; add" + texts::text_options(needs->missing)));
    }
    const std::string why = decision.why.empty() ? "no rule allows this" : decision.why.front();
    impl.note_denial(ask, "policy", why, kept);
    return done(failure<Request>(Error::kDenied, "not allowed: " + why));
  }
  for (const auto& [id, live] : impl.requests) {
    const bool other_rule = !ask.via.empty() && ask.via != live->request.offer.rule;
    if (live->open() && live->request.extends.empty() && !other_rule && same_ask(live->request, ask)) {
      return done(failure<Request>(Error::kLimit, "this is asked already: request " + texts::short_id(id) + "; to take it back: jitctl cancel " + texts::short_id(id)));
    }
  }
  if (const auto held_back = impl.held_back(ask.subject, *decision.offer)) {
    impl.note_denial(ask, held_back->first, held_back->second);
    return done(failure<Request>(Error::kDenied, held_back->second));
  }
  if (const auto why = impl.over_emergencies(ask, *decision.offer)) return done(failure<Request>(Error::kLimit, *why));
  if (const auto why = impl.over_limit(ask)) return done(failure<Request>(Error::kLimit, *why));
  impl.count_asked(ask.subject);

  auto live = std::make_unique<Live>();
  const bool allowed = decision.outcome == policy::Outcome::kAllow;
  std::optional<Grant> grant;
  if (allowed) {
    auto made = impl.granted_at_once(ask, *decision.offer, RequestKind::kAhead);
    live->request = std::move(made.first);
    grant = std::move(made.second);
  } else {
    live->request = impl.make_request(ask, *decision.offer, RequestState::kDetached, RequestKind::kAhead);
  }
  live->terms = live->request.offer;
  live->stored = false;
  live->busy = true;
  Batch batch;
  batch.entries.push_back(events::request(events::kRequestCreated, live->request, kept));
  impl.did(*ask.subject.identity, Deed::kRequest, live->request.id);
  if (allowed) {
    impl.did_grant(*grant, *decision.offer);
    batch.grants.push_back(*grant);
    batch.entries.push_back(events::grant(events::kGrantCreated, *grant, {}, decision.offer->break_glass));
  }
  batch.requests.push_back(live->request);
  const Id id = live->request.id;
  impl.add(std::move(live));
  impl.commit(std::move(batch), [&impl, id, grant = std::move(grant), done = std::move(done)](bool ok) mutable {
    Live* made = impl.find(id);
    if (!ok) {
      auto later = std::move(made->later);
      impl.uncount_asked(made->request.subject);
      impl.drop(id);
      for (auto& step : later) step();
      return done(failure<Request>(Error::kUnavailable, "the request could not be stored; try again later"));
    }
    made->stored = true;
    if (grant) {
      const Grant given = *grant;
      impl.keep_approved(made->request);
      impl.add_grant(std::move(*grant));
      impl.listener.grant_changed(given);
    }
    Outcome<Request> out;
    out.value = made->request;
    impl.listener.request_changed(made->request);
    impl.free_later(*made);
    done(std::move(out));
  });
}

}  // namespace jit::core
