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

// What is asked for without a door. Why it is not to be had is logged.
Outcome<Core::Impl::Judged> Core::Impl::judge(const Ask& ask) {
  const Sight sight = look(ask);
  Outcome<Judged> out;
  out.value.decision = policy()->decide(sight.view);
  const policy::Decision& decision = out.value.decision;
  out.value.kept = record(sight, decision, ask.command.words_at);
  note_guards(ask, decision, out.value.kept);
  if (decision.outcome != policy::Outcome::kDeny && decision.offer) return out;
  if (const auto needs = needs_if_asked(*policy(), sight.view)) {
    return failure<Judged>(Error::kBadInput, texts::text_required(*needs->offer, needs->missing) + "; add" + texts::text_options(needs->missing));
  }
  const std::string why = decision.why.empty() ? "no rule allows this" : decision.why.front();
  note_denial(ask, "policy", why, out.value.kept);
  return failure<Judged>(Error::kDenied, "not allowed: " + why);
}

// There nobody has seen what will run, nor records it, and its words are a claim.
bool Core::Impl::may_be_ahead(const Ask& ask) {
  Ask ahead = ask;
  ahead.target_verified = ask.door != policy::Door::kSudo;
  ahead.can_ask = ahead.resolved = false;
  ahead.recording.clear();
  ahead.subject.origin = {};
  ahead.command.verified = ahead.command.digest_bound = false;
  ahead.command.sha256.clear();
  ahead.command.options.clear();
  ahead.command.env.clear();
  if (ahead.argv.empty()) ahead.command = {};
  const Sight sight = look(ahead);
  return policy()->decide(sight.view).outcome != policy::Outcome::kDeny || needs_if_asked(*policy(), sight.view).has_value();
}

std::optional<std::string> Core::Impl::hold_back(const Ask& ask, const policy::Offer& offer) {
  auto why = held_back(ask.subject, offer);
  if (!why) return std::nullopt;
  note_denial(ask, why->first, why->second);
  return std::move(why->second);
}

// It could not be stored: as if it had never been asked.
void Core::Impl::unmake(Live& made, Done<Request> done) {
  auto later = std::move(made.later);
  undo_request(made.request);
  drop(made.request.id);
  for (auto& step : later) step();
  done(failure<Request>(Error::kUnavailable, "the request could not be stored; try again later"));
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
  const auto judged = impl.judge(ask);
  if (!judged) return done(failure<Request>(judged.error, judged.message));
  const auto& [decision, kept] = judged.value;
  for (const auto& [id, live] : impl.requests) {
    const bool other_rule = !ask.via.empty() && ask.via != live->request.offer.rule;
    if (live->open() && live->request.extends.empty() && !other_rule && same_ask(live->request, ask)) {
      return done(failure<Request>(Error::kLimit, "this is asked already: request " + texts::short_id(id) + "; to take it back: jitctl cancel " + texts::short_id(id)));
    }
  }
  if (const auto why = impl.hold_back(ask, *decision.offer)) return done(failure<Request>(Error::kDenied, *why));
  const bool allowed = decision.outcome == policy::Outcome::kAllow;
  if (allowed) {
    if (const auto why = impl.over_grants(ask.subject)) return done(failure<Request>(Error::kLimit, *why));
    if (!impl.buried) return done(failure<Request>(Error::kUnavailable, kUnwritable));
  }
  if (const auto why = impl.over_emergencies(ask, *decision.offer)) return done(failure<Request>(Error::kLimit, *why));
  if (const auto why = impl.over_limit(ask)) return done(failure<Request>(Error::kLimit, *why));
  impl.count_asked(ask.subject);

  auto live = std::make_unique<Live>();
  std::optional<Grant> grant;
  if (allowed) {
    auto made = impl.granted_at_once(ask, *decision.offer, RequestKind::kAhead);
    live->request = std::move(made.first);
    grant = std::move(made.second);
  } else {
    live->request = impl.make_request(ask, *decision.offer, RequestState::kDetached, RequestKind::kAhead);
  }
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
    if (grant) impl.wrote_grant(*grant, ok);
    if (!ok) return impl.unmake(*made, std::move(done));
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
    if (out.value.state != RequestState::kApproved) return done(std::move(out));
    // Before it may be used there is time enough to tell.
    impl.tell_first(out.value, out.value.not_before == 0 ? impl.limits.acknowledge_ms : 0, [&impl, out, done = std::move(done)](const Told& told) mutable {
      if (impl.find_grant(out.value.grant) == nullptr) return done(failure<Request>(Error::kEnded, "the grant has ended meanwhile"));
      if (!told.channels.empty()) out.message = texts::told(told);
      done(std::move(out));
    });
  });
}

}  // namespace jit::core
