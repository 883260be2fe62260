// SPDX-License-Identifier: Apache-2.0
// The life of a request after it was stored: left, resumed, withdrawn, cancelled, expired.
#include "broker/core/impl.h"
#include "evidence/text.h"

namespace jit::core {

// Many may wait of one person: who he is, and whom he would be, is kept once.
void Core::Impl::share_identities(Request& request) const {
  const auto entry = by_uid.find(request.subject.identity->uid);
  if (entry == by_uid.end()) return;
  const auto other = requests.find(entry->second);
  if (other == requests.end()) return;
  const Request& kept = other->second->request;
  if (*kept.subject.identity == *request.subject.identity) request.subject.identity = kept.subject.identity;
  if (*kept.target == *request.target) request.target = kept.target;
}

Live& Core::Impl::add(std::unique_ptr<Live> live) {
  const Id id = live->request.id;
  if (live->open()) {
    share_identities(live->request);
    const Subject& subject = live->request.subject;
    by_uid.emplace(subject.identity->uid, id);
    by_person.emplace(subject.identity->person, id);
    if (subject.loginuid != policy::kNoUid && subject.loginuid != subject.identity->uid) by_login.emplace(subject.loginuid, id);
    due.emplace(live->request.deadline, id);
    for (const policy::Step& step : live->request.offer.ladder) due.emplace(live->request.created + BootMs{step.after_s} * 1000, id);
    if (live->request.offer.wait_s > 90) due.emplace(live->request.deadline - 60'000, id);
  }
  return *(requests[id] = std::move(live));
}

namespace {

template <class Map, class Key>
void erase_one(Map& map, const Key& key, const Id& id) {
  const auto [first, last] = map.equal_range(key);
  const auto found = std::find_if(first, last, [&](const auto& entry) { return entry.second == id; });
  if (found != last) map.erase(found);
}

}  // namespace

void Core::Impl::unindex(const Request& request) {
  erase_one(by_uid, request.subject.identity->uid, request.id);
  erase_one(by_login, request.subject.loginuid, request.id);
  erase_one(by_person, request.subject.identity->person, request.id);
}

void Core::Impl::drop(const Id& id) {
  const auto it = requests.find(id);
  if (it == requests.end()) return;
  const Live& live = *it->second;
  unindex(live.request);
  if (live.conn != 0) waiting.erase(live.conn);
  requests.erase(it);
}

void Core::Impl::tell_waiting(Live& live, std::vector<std::string> text) {
  if (live.conn != 0) gate.progress(live.conn, std::move(text));
}

std::shared_ptr<const Ask> Core::Impl::ask_of(const Request& request) const {
  auto ask = std::make_shared<Ask>();
  ask->door = request.door;
  ask->service = request.service;
  ask->subject = request.subject;
  ask->target = request.target;
  ask->root = root;
  ask->target_verified = request.target_verified;
  ask->target_group = request.target_group;
  ask->process = request.process;
  ask->parent = request.parent;
  ask->argv = request.argv;
  ask->command = request.command;
  ask->resolved = request.command.verified;
  ask->recording = request.recording;
  ask->cwd = request.cwd;
  ask->reason = request.reason;
  ask->reason_from = request.reason_from;
  ask->ticket = request.ticket;
  ask->urgency = request.urgency;
  ask->asked_s = request.asked_s;
  ask->asked_scope = request.asked_scope;
  ask->ssh_key = request.ssh_key;
  return ask;
}

// Ends a request without a grant: one commit, then everybody is told. When the log cannot be written the request ends
// in memory all the same: it must never open anything.
void Core::Impl::close(Live& live, RequestState state, std::string by, std::string why, std::function<void(bool)> done,
                       std::optional<Vote> vote, std::string kept) {
  if (live.busy) {
    const Id id = live.request.id;
    live.later.push_back([this, id, state, by = std::move(by), why = std::move(why), done = std::move(done),
                          vote = std::move(vote), kept = std::move(kept)]() mutable {
      Live* waiting_live = find(id);
      if (waiting_live == nullptr || !waiting_live->open()) return done(false);
      close(*waiting_live, state, std::move(by), std::move(why), std::move(done), std::move(vote), std::move(kept));
    });
    return;
  }
  const Id id = live.request.id;
  live.request.state = state;
  live.request.ended_by = std::move(by);
  live.request.ended_why = std::move(why);
  live.request.ended_wall = clock.wall();
  live.busy = true;
  Batch batch;
  batch.requests.push_back(live.request);
  const std::optional<Vote> blocking = vote && vote->block_s ? vote : std::nullopt;
  if (vote) {
    batch.entries.push_back(events::vote(live.request, *vote));
    batch.votes.push_back(std::move(*vote));
  }
  std::string_view type = events::kRequestCancelled;
  if (state == RequestState::kDenied) type = events::kRequestDenied;
  if (state == RequestState::kExpired) type = events::kRequestExpired;
  batch.entries.push_back(events::request(type, live.request, kept));
  if (state == RequestState::kDenied) did(*live.request.subject.identity, Deed::kDenied, id);
  if (blocking) add_block(live.request, *blocking);
  commit_end(std::move(batch), [this, id, done = std::move(done)](bool ok) {
    Live* closed = find(id);
    const Conn conn = closed->conn;
    const Request request = closed->request;
    auto later = std::move(closed->later);
    drop(id);
    if (conn != 0) {
      Answer answer;
      answer.cause = std::string(name_of(request.state));
      answer.id = id;
      answer.text = texts::ended(request);
      answer.head = head_text(store.head());
      gate.decided(conn, answer);
    }
    if (ok) listener.request_changed(request);
    done(ok);
    for (auto& step : later) step();
  });
}

// The grant that an approved request may still use.
const LiveGrant* Core::Impl::covering_approved(const Request& request) {
  const LiveGrant* held = find_grant(request.grant);
  return held != nullptr && covers(held->grant, attempt_of(*ask_of(request)), clock.boottime()) ? held : nullptr;
}

void Core::resume(Conn conn, const Id& id, std::string_view secret) {
  Impl& impl = *impl_;
  Answer answer;
  answer.cause = "gone";
  answer.id = id;
  Live* live = impl.find(id);
  // One answer for "not there", "not yours" and "too late". Who detached has left: an equal attempt attaches.
  const bool mine = live != nullptr && !live->request.secret_hash.empty() &&
                    live->request.secret_hash == evidence::sha256_hex(secret) &&
                    live->request.state != RequestState::kDetached &&
                    (live->resume_until == 0 || impl.clock.boottime() < live->resume_until || live->may_be_at_question()) &&
                    (live->busy || live->open() || impl.covering_approved(live->request) != nullptr);
  if (!mine) {
    answer.text = {texts::line("request " + texts::short_id(id) + " is gone; run the command again")};
    return impl.gate.answer(conn, answer);
  }
  if (live->busy) {
    impl.defer(*live, conn, [this, conn, id, kept = std::string(secret)] { resume(conn, id, kept); });
    return;
  }
  if (live->request.state == RequestState::kApproved) {
    const auto ask = impl.ask_of(live->request);
    if (policy_ == nullptr) return impl.deny(conn, *ask, "no-policy", {texts::line("no policy is in force, so nothing is allowed")}, id);
    const LiveGrant* held = impl.covering_approved(live->request);
    const Sight sight(impl.senses, impl.clock, *ask, &held->grant);
    if (const auto why = policy_->refuses_use(held->grant.rule, held->grant.fingerprint, sight.view)) {
      return impl.deny(conn, *ask, "policy", {texts::line("not allowed: " + *why)}, id);
    }
    if (!impl.may_use()) {
      return impl.deny(conn, *ask, "unavailable", {texts::line("the audit log cannot be written, so no grant can be used now")}, id);
    }
    answer.verdict = Verdict::kAllow;
    answer.cause = "granted";
    return impl.give(conn, ask, held->grant.id, std::move(answer), &Gate::answer);
  }
  if (live->conn != 0 && live->conn != conn) impl.waiting.erase(live->conn);
  live->conn = conn;
  live->resume_until = 0;
  impl.waiting[conn] = id;
  answer.verdict = Verdict::kPending;
  answer.cause = "resumed";
  answer.deadline_s =
      static_cast<std::uint32_t>(std::max<BootMs>(0, live->request.deadline - impl.clock.boottime()) / 1000);
  impl.gate.answer(conn, answer);
}

void Core::Impl::leave(Conn conn, bool keep) {
  asks.erase(conn);
  deferred.erase(conn);
  const auto it = waiting.find(conn);
  if (it == waiting.end()) return;
  const Id id = it->second;
  waiting.erase(it);
  Live* live = find(id);
  if (live == nullptr || live->conn != conn) return;
  live->conn = 0;
  if (keep) return detach_now(id);
  cancel_left(id);
}

// What is being written may be an approval that fails: then she has left all the same.
void Core::Impl::cancel_left(const Id& id) {
  Live* left = find(id);
  if (left == nullptr) return;
  if (left->busy) {
    left->later.push_back([this, id] { cancel_left(id); });
    return;
  }
  if (left->open() && left->conn == 0) close(*left, RequestState::kCancelled, "", "the requester left", [](bool) {});
}

void Core::Impl::detach_now(const Id& id) {
  Live* left = find(id);
  if (left == nullptr) return;
  if (left->busy) {  // its state is not known yet
    left->later.push_back([this, id] { detach_now(id); });
    return;
  }
  if (left->request.state != RequestState::kPending || left->conn != 0) return;
  left->request.state = RequestState::kDetached;
  left->busy = true;
  Batch batch;
  batch.requests.push_back(left->request);
  batch.entries.push_back(events::request(events::kRequestDetached, left->request));
  commit(std::move(batch), [this, id](bool ok) {
    Live* detached = find(id);
    if (ok) listener.request_changed(detached->request);
    free_later(*detached);
  });
}

void Core::detach(Conn conn) { impl_->leave(conn, true); }
void Core::withdraw(Conn conn) { impl_->leave(conn, false); }
void Core::hangup(Conn conn) { impl_->leave(conn, false); }

void Core::cancel(const Caller& caller, std::string_view id, Done<Request> done) {
  auto [live, error, message] = impl_->find_visible(caller, id);
  if (live == nullptr) return done(failure<Request>(error, message));
  if (live->busy) {  // what is being written is not known to anybody yet
    live->later.push_back([this, caller, id = live->request.id, done = std::move(done)]() mutable {
      cancel(caller, id.text(), std::move(done));
    });
    return;
  }
  const bool mine = owns(caller, live->request.subject);
  if (!mine && !caller.admin) {
    return done(failure<Request>(Error::kDenied, "only the requester or an admin can cancel; to refuse it: jitctl deny"));
  }
  if (!live->open()) return done(failure<Request>(Error::kEnded, "it has been approved already; see jitctl grants"));
  const Request before = live->request;
  const std::string by = caller.identity->person;
  impl_->close(*live, RequestState::kCancelled, by, mine ? "" : "cancelled by an admin",
               [this, before, by, done = std::move(done)](bool ok) {
                 if (!ok) return done(failure<Request>(Error::kUnavailable, "it has ended, but the log could not be written"));
                 Outcome<Request> out;
                 out.value = before;
                 out.value.state = RequestState::kCancelled;
                 out.value.ended_by = by;
                 out.value.ended_wall = impl_->clock.wall();
                 done(std::move(out));
               });
}

void Core::Impl::check_due(const Id& id) {
  const BootMs now = clock.boottime();
  if (id.empty()) {
    for (auto it = denials.begin(); it != denials.end();) {
      if (it->second.until > now) {
        ++it;
        continue;
      }
      const auto& [uid, door, cause] = it->first;
      if (it->second.count > 0) log(events::denials(uid, it->second.person, door, cause, it->second.count));
      it = denials.erase(it);
    }
    expire_hand_overs();
    return;
  }
  check_untold(id);
  if (Live* live = find(id); live != nullptr && live->open()) {
    if (live->resume_until != 0 && now >= live->resume_until) {
      if (!live->may_be_at_question()) {
        return close(*live, RequestState::kCancelled, "", "the requester did not come back after a restart", [](bool) {});
      }
      live->resume_until = 0;  // who stood at the question may be gone: now an equal attempt takes it up, too
    }
    if (now >= live->request.deadline) {
      return close(*live, RequestState::kExpired, "", "", [](bool) {});
    }
    escalate(*live);
    if (!live->one_minute_told && live->request.offer.wait_s > 90 && now >= live->request.deadline - 60'000) {
      live->one_minute_told = true;
      // Who was not answered yet is told the time then.
      if (!asks.contains(live->conn)) tell_waiting(*live, {texts::line("one minute left")});
    }
  }
  if (LiveGrant* live = find_grant(id); live != nullptr && live->grant.state != GrantState::kEnded) {
    const BootMs end = live->grant.state == GrantState::kActive ? live->grant.expires : live->grant.claim_until;
    if (now < end) return warn_now(*live, now);
    end_grant(*live, GrantEnd::kExpired, "", live->grant.state == GrantState::kActive ? "" : "never used", [](bool) {});
  }
}

void Core::tick() {
  Impl& impl = *impl_;
  const BootMs now = impl.clock.boottime();
  while (!impl.due.empty() && impl.due.top().first <= now) {
    const Id id = impl.due.top().second;
    impl.due.pop();
    impl.check_due(id);
  }
  impl.facts_due();
  if (!impl.hand_overs.empty() && impl.hand_overs.front().until <= now) impl.expire_hand_overs();
  impl.write_again();
}

std::optional<BootMs> Core::next_tick() const {
  std::optional<BootMs> next;
  if (!impl_->due.empty()) next = impl_->due.top().first;
  if (impl_->fact_end) next = std::min(next.value_or(*impl_->fact_end), *impl_->fact_end);
  if (!impl_->hand_overs.empty()) {
    const BootMs until = impl_->hand_overs.front().until;
    next = std::min(next.value_or(until), until);
  }
  const bool to_do = !impl_->unwritten.empty() || !impl_->buried || (impl_->owed.empty() && impl_->to_clear);
  if (to_do) next = std::min(next.value_or(impl_->retry_at), impl_->retry_at);
  return next;
}

}  // namespace jit::core
