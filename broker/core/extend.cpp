// SPDX-License-Identifier: Apache-2.0
// More time for a grant that is in use: a request of its own, asked of the same rule's seats. What runs goes on.
#include "broker/core/impl.h"

namespace jit::core {

namespace {

// A login's end never passes the rule's longest, for systemd itself holds that one; elsewhere each approval may give as much anew.
BootMs latest_more(const Grant& grant, BootMs now) {
  const bool login = grant.door == policy::Door::kSsh || grant.door == policy::Door::kLogin;
  return (login ? grant.starts : now) + BootMs{grant.max_s} * 1000;
}

}  // namespace

void Core::extend(const Caller& caller, std::string_view prefix, Ask wish, Done<Request> done) {
  Impl& impl = *impl_;
  if (!policy_) return done(failure<Request>(Error::kUnavailable, "no policy is in force; see jitctl policy check"));
  auto [held, error, message] = impl.find_visible_grant(caller, prefix);
  if (held == nullptr) return done(failure<Request>(error, message));
  const Grant grant = held->grant;
  if (!owns(caller, grant.subject)) return done(failure<Request>(Error::kDenied, "only who holds a grant asks for more of it"));
  if (grant.state != GrantState::kActive) {
    return done(failure<Request>(Error::kBadInput, "it is not in use yet, so nothing runs out; use it first"));
  }
  const Live* asked = impl.find(grant.request);
  if (asked == nullptr) {
    return done(failure<Request>(Error::kBadInput, "nobody was asked for this grant: run the command again for a new one"));
  }
  if (asked->request.offer.break_glass) {
    return done(failure<Request>(Error::kDenied, "an emergency access is short and is not extended; ask in the ordinary way"));
  }
  const BootMs now = impl.clock.boottime();
  if (latest_more(grant, now) <= grant.expires) {
    return done(failure<Request>(Error::kDenied, "the rule allows no more than " + policy::format_duration(grant.max_s) +
                                                     "; ask again when it has ended"));
  }
  for (const auto& [id, live] : impl.requests) {
    if (live->open() && live->request.extends == grant.id) {
      return done(failure<Request>(Error::kLimit, "this is asked already: request " + texts::short_id(id)));
    }
  }

  Ask ask = *impl.ask_of(asked->request);
  ask.process = ask.parent = {};
  ask.service = "jitctl";
  ask.subject = grant.subject;
  ask.reason = std::move(wish.reason);
  ask.reason_from = wish.reason_from;
  ask.ticket = wish.ticket.empty() ? asked->request.ticket : wish.ticket;
  ask.urgency = wish.urgency;
  ask.asked_s = wish.asked_s;
  ask.via = grant.rule;
  ask.can_ask = false;
  const auto judged = impl.judge(ask);
  if (!judged) return done(failure<Request>(judged.error, judged.message));
  const auto& [decision, kept] = judged.value;
  if (const auto why = impl.hold_back(ask, *decision.offer)) return done(failure<Request>(Error::kDenied, *why));
  if (const auto why = impl.over_limit(ask)) return done(failure<Request>(Error::kLimit, *why));
  impl.count_asked(ask.subject);

  auto live = std::make_unique<Live>();
  live->request = impl.make_request(ask, *decision.offer, RequestState::kDetached, RequestKind::kExtension, grant.id);
  live->stored = false;
  live->busy = true;
  Batch batch;
  batch.requests.push_back(live->request);
  batch.entries.push_back(events::request(events::kRequestCreated, live->request, kept));
  impl.did(*ask.subject.identity, Deed::kRequest, live->request.id);
  const Id id = live->request.id;
  const bool allowed = decision.outcome == policy::Outcome::kAllow;
  impl.add(std::move(live));
  impl.commit(std::move(batch), [&impl, id, allowed, done = std::move(done)](bool ok) mutable {
    Live* made = impl.find(id);
    if (!ok) return impl.unmake(*made, std::move(done));
    made->stored = true;
    if (allowed) {  // the rule asks nobody any more
      made->busy = false;
      return impl.approve(*made, std::nullopt, std::move(done));
    }
    Outcome<Request> out;
    out.value = made->request;
    impl.listener.request_changed(made->request);
    impl.free_later(*made);
    done(std::move(out));
  });
}

std::optional<Grant> Core::Impl::prolonged(const Live& live) {
  const LiveGrant* held = find_grant(live.request.extends);
  const BootMs now = clock.boottime();
  if (held == nullptr || held->grant.state != GrantState::kActive || held->grant.expires <= now) return std::nullopt;
  Grant grant = held->grant;
  std::uint32_t more = live.terms().give_s;
  for (const CastVote& cast : live.votes) {
    if (cast.vote.approve) more = std::min(more, cast.vote.duration_s.value_or(more));
  }
  grant.max_s = std::min(grant.max_s, live.terms().max_s);
  const BootMs end = std::min(grant.expires + BootMs{more} * 1000, latest_more(grant, now));
  grant.max_s = held->grant.max_s;
  if (end > grant.expires) {
    grant.expires_wall += end - grant.expires;
    grant.expires = end;
  }
  return grant;
}

// After the commit. What happened to it meanwhile stays: only the end moves.
void Core::Impl::prolong(Grant grant) {
  LiveGrant* held = find_grant(grant.id);
  if (held == nullptr) return;
  held->grant.expires = std::max(held->grant.expires, grant.expires);
  held->grant.expires_wall = std::max(held->grant.expires_wall, grant.expires_wall);
  due.emplace(held->grant.expires, grant.id);
  watch_warnings(*held);
  if (enforcement != nullptr) enforcement->move_end(grant.id, held->grant.expires);
  listener.grant_changed(held->grant);
  free_later(*held);
}

}  // namespace jit::core
