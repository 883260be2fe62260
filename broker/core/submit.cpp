// SPDX-License-Identifier: Apache-2.0
// One attempt at a door: already root, covered by a grant, joined to a request that was left, refused, allowed, or asked.
#include "broker/core/impl.h"
#include "evidence/text.h"

namespace jit::core {

namespace {

bool elevates_from(const Ask& ask) { return ask.door == policy::Door::kSudo || ask.door == policy::Door::kSu; }

std::string six_digits(const Id& random) {
  std::uint32_t number = 0;
  for (std::size_t i = 0; i < 8; ++i) number = (number * 256 + random.bytes[i]) % 1'000'000;
  const std::string digits = std::to_string(number);
  return std::string(6 - digits.size(), '0') + digits;
}

}  // namespace

void Core::submit(Conn conn, Ask ask) {
  if (!ask.root) ask.root = impl_->root;
  ask.not_before = 0;  // at a door it is now
  impl_->submit(conn, std::make_shared<const Ask>(std::move(ask)));
}

// Nobody will be shown anything, and no file could change the answer: what is unknown never opens, so a grant that covers it now
// covers it whatever they are. Whether it is a shell, which may not finish, hangs on them.
bool Core::submit_unseen(Conn conn, Ask& ask) {
  if (policy_ == nullptr || !policy_->covers(ask.door)) return false;
  if ((ask.real_uid == 0 && elevates_from(ask)) || (ask.resolves && !ask.observe)) {
    submit(conn, std::move(ask));
    return true;
  }
  const LiveGrant* live = ask.observe ? nullptr : impl_->covering_grant(ask);
  if (live == nullptr || live->grant.on_expiry == policy::Expiry::kFinish) return false;
  impl_->learn_root(ask.root);
  impl_->observing.erase(ask.door);
  impl_->use_grant(conn, std::make_shared<const Ask>(std::move(ask)), *live);
  return true;
}

void Core::Impl::submit(Conn conn, std::shared_ptr<const Ask> ask) {
  learn_root(ask->root);
  const bool passes = ask->real_uid == 0 && elevates_from(*ask) && policy() != nullptr && policy()->covers(ask->door);
  if (ask->observe && !passes) return observe(conn, ask);
  observing.erase(ask->door);
  if (policy() == nullptr) {
    return deny(conn, *ask, "no-policy", {texts::line("no policy is in force, so nothing is allowed"),
                                          texts::line("an admin can see why: jitctl policy check")});
  }
  if (!policy()->covers(ask->door)) {
    return deny(conn, *ask, "not-covered",
                {texts::line("the policy does not cover this door; see [settings] covers")});
  }
  if (ask->subject.identity->uid == policy::kNoUid || ask->target->uid == policy::kNoUid) {
    return deny(conn, *ask, "unknown-user", {texts::line("this user is not known here")});
  }
  // Who is root already is not elevating: cron, init and maintainer scripts use sudo and su.
  if (ask->real_uid == 0 && elevates_from(*ask)) {
    log(events::already_root(*ask));
    return yes(conn, std::move(ask), Id{}, {});
  }
  if (ask->resolves) return leave_to_sudo_jit(conn, std::move(ask));
  // Whatever the account phase found, found it for what the command line claims.
  if (ask->resolved) drop_hand_over(ask->process);
  if (ask->child) return submit_child(conn, ask);
  if (const LiveGrant* live = covering_grant(*ask)) return use_grant(conn, ask, *live);
  if (join(conn, ask)) return;

  const Sight sight = look(*ask);
  const policy::Decision decision = policy()->decide(sight.view);
  const std::string kept = record(sight, decision, ask->command.words_at);
  note_guards(*ask, decision, kept);
  switch (decision.outcome) {
    case policy::Outcome::kAllow: return allow(conn, std::move(ask), decision, kept);
    case policy::Outcome::kApproval: return open_request(conn, std::move(ask), decision, kept);
    case policy::Outcome::kNeeds: {
      const Answer question = question_of(*policy(), sight.view, decision);
      if (question.verdict != Verdict::kNeeds) break;
      return gate.answer(conn, question);
    }
    case policy::Outcome::kDeny: break;
  }
  if (const auto needs = needs_if_asked(*policy(), sight.view)) {
    return deny(conn, *ask, "needs-text", texts::needs_text(*ask, *needs->offer, needs->missing, may_be_ahead(*ask)), {}, kept);
  }
  deny(conn, *ask, "policy", texts::refused(decision), {}, kept);
}

const LiveGrant* Core::Impl::covering_grant(const Ask& ask) {
  const Attempt attempt = attempt_of(ask);
  const auto [first, last] = grants_of.equal_range(attempt.uid);
  for (auto it = first; it != last; ++it) {
    const LiveGrant* live = find_grant(it->second);
    if (live == nullptr || !covers(live->grant, attempt, clock.boottime())) continue;
    if (ask.child && live->grant.state != GrantState::kActive) continue;  // a child begins no grant
    const Sight sight(senses, clock, ask, &live->grant);
    if (policy()->refuses_use(live->grant.rule, live->grant.fingerprint, sight.view)) {
      if (ask.unseen) return nullptr;  // its files may make this one the first that covers it
      continue;
    }
    if (!approved_by(*live, ask.subject)) return live;
  }
  return nullptr;
}

void Core::Impl::use_grant(Conn conn, const std::shared_ptr<const Ask>& ask, const LiveGrant& live) {
  if (!may_use()) return deny(conn, *ask, "unavailable", {texts::line("the audit log cannot be written, so no grant can be used now")});
  yes(conn, ask, live.grant.id, {});
}

// Nobody uses what he approved himself, by whatever name he came in; but for what he asked for and his own key may approve.
bool Core::Impl::approved_by(const LiveGrant& live, const Subject& subject) const {
  const auto is_of = [&](const CastVote& cast, const Subject& who) {
    return one_uid(cast.vote.uid, who.loginuid) || same_person(who, cast.vote.person) ||
           (cast.voter && policy() != nullptr && same_person(who, person_now(*policy(), *cast.voter)));
  };
  const auto voted_for = [&](const Id& id) {
    const auto it = requests.find(id);
    return it != requests.end() && std::ranges::any_of(it->second->votes, [&](const CastVote& cast) {
      if (!cast.vote.approve || !is_of(cast, subject)) return false;
      return !is_of(cast, it->second->request.subject) || !by_own_key(*it->second, cast);
    });
  };
  return voted_for(live.grant.request) || std::ranges::any_of(live.extensions, voted_for);
}

// One live request for each (person, door, target, command). One that was left is taken up again; one that somebody
// still waits for is not asked twice.
bool Core::Impl::join(Conn conn, const std::shared_ptr<const Ask>& ask) {
  const Subject& subject = ask->subject;
  std::vector<Id> candidates;
  const auto look_at = [&](auto range) {
    for (auto it = range.first; it != range.second; ++it) candidates.push_back(it->second);
  };
  look_at(by_uid.equal_range(subject.identity->uid));
  look_at(by_person.equal_range(subject.identity->person));
  for (const Id& candidate : candidates) {
    Live* live = find(candidate);
    if (live == nullptr || !live->request.extends.empty() || !same_ask(live->request, *ask) || from_elsewhere(live->request, *ask)) continue;
    if (live->request.not_before > clock.boottime()) continue;  // that is for later
    if (!ask->via.empty() && ask->via != live->request.offer.rule) continue;  // who names another rule wants that one
    if (!live->open() && !live->busy) continue;
    if (live->busy) {
      defer(*live, conn, [this, conn, ask] { submit(conn, ask); });
      return true;
    }
    // Another account of this person, or who came here as somebody else: an approver saw another subject.
    const bool other = live->request.subject.identity->uid != subject.identity->uid ||
                       (subject.loginuid != policy::kNoUid && subject.loginuid != subject.identity->uid &&
                        subject.loginuid != live->request.subject.loginuid);
    if (live->conn != 0 || live->resume_until != 0 || other) {
      deny(conn, *ask, "duplicate",
           {texts::line("this is asked already and waits in another place: request " +
                        texts::short_id(live->request.id)),
            texts::line("to take it back: jitctl cancel " + texts::short_id(live->request.id))},
           live->request.id);
      return true;
    }
    if (ask->budget_s == 0) {
      deny(conn, *ask, "waiting", texts::kept(live->request, live->terms(), clock.boottime()), live->request.id);
      return true;
    }
    if (promptless(*ask) && login_waits_full(subject.identity->uid)) {
      deny(conn, *ask, "limit", {texts::line("too many logins wait; try again later")}, live->request.id);
      return true;
    }
    const Id id = live->request.id;
    const std::string secret = random.id().text();
    const Request before = live->request;
    live->request.state = RequestState::kPending;
    live->request.secret_hash = evidence::sha256_hex(secret);
    live->request.process = ask->process;
    live->request.parent = ask->parent;
    live->request.recording = ask->recording;
    live->conn = conn;
    live->prompted = ask->can_ask;
    live->busy = true;
    waiting[conn] = id;
    asks[conn] = ask;
    Batch batch;
    batch.requests.push_back(live->request);
    batch.entries.push_back(events::request(events::kRequestAttached, live->request));
    commit(std::move(batch), [this, id, conn, secret, before](bool ok) {
      Live* joined = find(id);
      if (joined == nullptr) return;
      const auto held = asks.extract(conn);
      if (!ok) {
        joined->request = before;
        joined->conn = 0;
        waiting.erase(conn);
        if (!held.empty()) deny(conn, *held.mapped(), "unavailable", {texts::line("the request could not be stored; try again later")});
        return free_later(*joined);
      }
      listener.request_changed(joined->request);
      if (joined->conn == conn) {
        Answer answer;
        answer.verdict = Verdict::kPending;
        answer.cause = "attached";
        answer.id = id;
        answer.secret = secret;
        answer.text = texts::waiting(joined->request, joined->terms(), clock.boottime());
        if (unreached()) answer.text.push_back(texts::reach(joined->request, false));
        answer.takes_code = takes_code(joined->terms());
        answer.deadline_s = static_cast<std::uint32_t>(std::max<BootMs>(0, joined->request.deadline - clock.boottime()) / 1000);
        gate.answer(conn, answer);
      }
      free_later(*joined);
    });
    return true;
  }
  return false;
}

Request Core::Impl::make_request(const Ask& ask, const policy::Offer& offer, RequestState state, RequestKind kind, const Id& extends) {
  Request request;
  request.id = random.id();
  request.kind = offer.break_glass ? RequestKind::kBreakGlass : kind;
  request.door = ask.door;
  request.service = ask.service;
  request.subject = ask.subject;
  request.target = ask.target;
  request.target_verified = ask.target_verified;
  request.target_group = ask.target_group;
  request.argv = ask.argv;
  request.command = ask.command;
  request.recording = ask.recording;
  request.cwd = ask.cwd;
  request.reason = ask.reason;
  request.reason_from = ask.reason_from;
  request.ticket = ask.ticket;
  request.urgency = ask.urgency;
  request.asked_s = ask.asked_s;
  request.asked_scope = ask.asked_scope;
  request.via = ask.via;
  request.ssh_key = ask.ssh_key;
  request.offer = offer;
  request.offer.scope = std::min(offer.scope, ask.asked_scope.value_or(offer.scope));
  request.policy_hash = policy()->hash();
  request.boot_id = boot_id;
  request.card = card_of(ask);
  request.created = clock.boottime();
  request.created_wall = clock.wall();
  request.deadline = request.created + BootMs{offer.wait_s} * 1000;
  request.deadline_wall = request.created_wall + WallMs{offer.wait_s} * 1000;
  if (ask.not_before > request.created) {
    request.not_before = ask.not_before;
    request.not_before_wall = request.created_wall + (ask.not_before - request.created);
  }
  if (offer.match) request.typed_code = six_digits(random.id());
  request.process = ask.process;
  request.parent = ask.parent;
  request.state = state;
  request.extends = extends;
  request.nonce = random.id().text() + random.id().text();
  seal(request, host, head_text(store.head()));
  return request;
}

Grant Core::Impl::make_grant(const Ask& ask, const policy::Offer& offer) {
  Grant grant;
  grant.id = random.id();
  grant.subject = ask.subject;
  grant.door = ask.door;
  grant.ssh_key = ask.ssh_key;
  grant.target = ask.target;
  grant.argv = ask.argv;
  grant.command = ask.command;
  grant.cwd = ask.cwd;
  set_terms(grant, offer);
  set_times(grant, ask.not_before, offer.claim_s);
  return grant;
}

void Core::Impl::set_terms(Grant& grant, const policy::Offer& offer) const {
  grant.scope = offer.scope;
  grant.rule = offer.rule;
  grant.fingerprint = offer.fingerprint;
  grant.policy_hash = policy()->hash();
  grant.boot_id = boot_id;
  grant.lifetime_s = offer.give_s;
  grant.max_s = offer.max_s;
  grant.on_expiry = offer.on_expiry;
  grant.run_max_s = offer.run_max_s;
  grant.warn_before_s = offer.warn_before_s;
}

// The claim window opens when the grant may be used.
void Core::Impl::set_times(Grant& grant, BootMs not_before, std::uint32_t claim_s) const {
  grant.created = clock.boottime();
  grant.created_wall = clock.wall();
  grant.not_before = not_before > grant.created ? not_before : 0;
  grant.claim_until = std::max(grant.created, grant.not_before) + BootMs{claim_s} * 1000;
  grant.claim_until_wall = grant.created_wall + (grant.claim_until - grant.created);
}

std::pair<Request, Grant> Core::Impl::granted_at_once(const Ask& ask, const policy::Offer& offer, RequestKind kind) {
  Request request = make_request(ask, offer, RequestState::kApproved, kind);
  Grant grant = make_grant(ask, request.offer);
  grant.request = request.id;
  grant.request_digest = request.digest;
  seal(grant, host, {}, head_text(store.head()));
  request.grant = grant.id;
  request.ended_wall = clock.wall();
  owe_review(request);
  return {std::move(request), std::move(grant)};
}

void Core::Impl::allow(Conn conn, std::shared_ptr<const Ask> ask, const policy::Decision& decision,
                       const std::string& kept) {
  if (const auto why = over_grants(ask->subject)) return deny(conn, *ask, "limit", {texts::line(*why)});
  if (!buried) return deny(conn, *ask, "unavailable", {texts::line(kUnwritable)});
  if (const auto why = over_emergencies(*ask, *decision.offer)) return deny(conn, *ask, "limit", {texts::line(*why)});
  Batch batch;
  Grant grant;
  // An emergency access is a request all the same: approvers see it at once, and its review is owed.
  std::optional<Request> request;
  const std::string secret = decision.offer->break_glass ? random.id().text() : std::string();
  if (decision.offer->break_glass) {
    count_asked(ask->subject);
    const bool login = ask->door == policy::Door::kSsh || ask->door == policy::Door::kLogin;
    auto made = granted_at_once(*ask, *decision.offer, login ? RequestKind::kLogin : RequestKind::kElevation);
    request = std::move(made.first);
    grant = std::move(made.second);
    request->secret_hash = evidence::sha256_hex(secret);
    did(*ask->subject.identity, Deed::kRequest, request->id);
    batch.requests.push_back(*request);
    batch.entries.push_back(events::request(events::kRequestCreated, *request, kept));
  } else {
    grant = make_grant(*ask, *decision.offer);
    seal(grant, host, {}, head_text(store.head()));
  }
  did_grant(grant, *decision.offer);
  batch.grants.push_back(grant);
  batch.entries.push_back(events::grant(events::kGrantCreated, grant, kept, decision.offer->break_glass));
  asks[conn] = ask;
  commit(std::move(batch), [this, conn, secret, ask = std::move(ask), grant = std::move(grant), request = std::move(request)](bool ok) mutable {
    const bool there = asks.erase(conn) > 0;  // who hung up meanwhile is handed nothing
    wrote_grant(grant, ok);
    if (!ok) {
      if (request) undo_request(*request);
      if (!there) return;
      return deny(conn, *ask, "unavailable", {texts::line(kUnwritable)});
    }
    const Id id = grant.id;
    const Grant given = grant;
    if (request) keep_approved(*request);
    add_grant(std::move(grant));
    if (request) listener.request_changed(*request);
    listener.grant_changed(given);
    if (request) return begin_emergency(there ? conn : 0, std::move(ask), *request, secret);
    if (there) yes(conn, std::move(ask), id, {});
  });
}

// An approved request lives as long as its grant, and its review is remembered beyond that.
void Core::Impl::keep_approved(const Request& request) {
  if (request.review_due != 0) unreviewed[request.id] = request;
  if (find(request.id) != nullptr) return;
  auto live = std::make_unique<Live>();
  live->request = request;
  add(std::move(live));
}

void Core::Impl::open_request(Conn conn, std::shared_ptr<const Ask> ask, const policy::Decision& decision,
                              const std::string& kept) {
  const policy::Offer& offer = *decision.offer;
  if (ask->budget_s == 0 && !ask->keep) {
    return deny(conn, *ask, "approval-needed", texts::needs_approval(*ask, offer, may_be_ahead(*ask)), {}, kept);
  }
  if (const auto held = held_back(ask->subject, offer)) return deny(conn, *ask, held->first, {texts::line(held->second)});
  if (const auto why = over_limit(*ask)) return deny(conn, *ask, "limit", {texts::line(*why)});
  count_asked(ask->subject);
  const bool waits = ask->budget_s > 0;
  const std::string secret = waits ? random.id().text() : std::string();
  const bool login = ask->door == policy::Door::kSsh || ask->door == policy::Door::kLogin;
  auto live = std::make_unique<Live>();
  live->request = make_request(*ask, offer, waits ? RequestState::kPending : RequestState::kDetached,
                               login ? RequestKind::kLogin : RequestKind::kElevation);
  if (waits) live->request.secret_hash = evidence::sha256_hex(secret);
  live->stored = false;
  live->busy = true;
  if (waits) {
    live->conn = conn;
    live->prompted = ask->can_ask;
    waiting[conn] = live->request.id;
  }
  asks[conn] = ask;
  const Id id = live->request.id;
  Batch batch;
  batch.requests.push_back(live->request);
  batch.entries.push_back(events::request(events::kRequestCreated, live->request, kept));
  did(*ask->subject.identity, Deed::kRequest, id);
  add(std::move(live));
  commit(std::move(batch), [this, id, conn, secret, waits](bool ok) {
    Live* made = find(id);
    if (made == nullptr) return;
    const auto held = asks.extract(conn);
    if (!ok) {
      if (!held.empty()) {
        deny(conn, *held.mapped(), "unavailable", {texts::line("the request could not be stored; try again later")});
      }
      auto later = std::move(made->later);
      undo_request(made->request);
      drop(id);
      for (auto& step : later) step();
      return;
    }
    made->stored = true;
    listener.request_changed(made->request);
    if (!waits) {
      if (!held.empty()) {
        deny(conn, *held.mapped(), "kept", texts::kept(made->request, made->terms(), clock.boottime()), id);
      }
    } else if (made->conn == conn) {
      Answer answer;
      answer.verdict = Verdict::kPending;
      answer.cause = "approval-needed";
      answer.id = id;
      answer.secret = secret;
      answer.text = texts::waiting(made->request, made->terms(), clock.boottime());
      if (unreached()) answer.text.push_back(texts::reach(made->request, false));
      answer.takes_code = takes_code(made->terms());
      answer.deadline_s = made->request.offer.wait_s;
      gate.answer(conn, answer);
    }
    free_later(*made);
  });
}

}  // namespace jit::core
