// SPDX-License-Identifier: Apache-2.0
// The life of a grant: claimed at the first Bind, used again, ended.
#include "broker/core/impl.h"

namespace jit::core {

void Core::Impl::add_grant(Grant grant) {
  const Id id = grant.id;
  const BootMs end = grant.state == GrantState::kActive ? grant.expires : grant.claim_until;
  due.emplace(end, id);
  grants_of.emplace(grant.subject.identity->uid, id);
  auto live = std::make_unique<LiveGrant>();
  live->grant = std::move(grant);
  watch_warnings(*live);
  grants[id] = std::move(live);
}

void Core::Impl::drop_grant(const Id& id) {
  const auto it = grants.find(id);
  if (it == grants.end()) return;
  const Id request = it->second->grant.request;
  const std::vector<Id> extensions = std::move(it->second->extensions);
  const auto [first, last] = grants_of.equal_range(it->second->grant.subject.identity->uid);
  for (auto entry = first; entry != last; ++entry) {
    if (entry->second == id) {
      grants_of.erase(entry);
      break;
    }
  }
  grants.erase(it);
  std::erase_if(hand_overs, [&](const HandOver& hand) { return hand.grant == id; });
  // An approved request was kept for its grant only.
  if (const Live* live = find(request); live != nullptr && !live->open() && !live->busy) drop(request);
  for (const Id& extension : extensions) {
    if (const Live* live = find(extension); live != nullptr && !live->open() && !live->busy) drop(extension);
  }
}

std::vector<policy::Seat> Core::Impl::seats_behind(const Grant& grant) const {
  if (policy() == nullptr) return {};
  // The request says what it asked; one that has ended is no longer in memory.
  if (const auto it = requests.find(grant.request); it != requests.end()) return it->second->request.offer.seats;
  policy::Request view;
  view.now = now_s();
  view.door = grant.door;
  view.subject = grant.subject.identity.get();
  view.target = grant.target.get();
  view.root = root.get();
  view.target_verified = true;
  view.can_review = view.can_notify = true;
  view.can_ask = true;  // the reason that was given is not kept here
  view.from = grant.subject.origin;
  view.can_ask = true;  // a text that was given then is not asked again
  view.via = grant.rule;
  const policy::Decision decision = policy()->decide(view);
  return decision.offer ? decision.offer->seats : std::vector<policy::Seat>{};
}

// The end holds at once and in memory first: a full disk must not keep a grant alive.
void Core::Impl::end_grant(LiveGrant& live, GrantEnd end, std::string by, std::string why,
                           std::function<void(bool)> done, Batch with) {
  live.grant.state = GrantState::kEnded;
  live.grant.end = end;
  live.grant.ended_by = std::move(by);
  live.grant.ended_why = std::move(why);
  live.grant.ended_wall = clock.wall();
  const Grant ended = live.grant;
  auto later = std::move(live.later);
  drop_grant(ended.id);
  enforce_end(ended);
  Batch batch = std::move(with);
  batch.grants.push_back(ended);
  batch.entries.push_back(events::grant(events::kGrantEnded, ended));
  commit_end(std::move(batch), [this, ended, done = std::move(done)](bool ok) {
    if (ok) listener.grant_changed(ended);
    done(ok);
  });
  for (auto& step : later) step();
}

void Core::bind(Conn conn, BindAsk ask) { impl_->bind(conn, std::move(ask)); }

// A hand-over is taken by the process that asked, or by its parent (sshd asks in a child), once.
void Core::Impl::bind(Conn conn, BindAsk ask) {
  expire_hand_overs();
  const auto taken = std::ranges::find_if(hand_overs, [&](const HandOver& hand) {
    return ask.process.pid > 0 && hand.ask->door == ask.door &&
           (hand.ask->process == ask.process || hand.ask->parent == ask.process);
  });
  if (taken == hand_overs.end()) return gate.bound(conn, {false, "no-hand-over", {}, 0, 0});
  const HandOver hand = *taken;
  hand_overs.erase(taken);
  bind_now(conn, hand, ask);
}

void Core::Impl::bind_now(Conn conn, const HandOver& hand, const BindAsk& ask) {
  const auto refuse = [&](const std::string& cause, const std::string& why) {
    note_denial(*hand.ask, cause, why);
    gate.bound(conn, {false, cause, hand.grant, 0, 0});
  };
  if (policy() == nullptr) return refuse("no-policy", "no policy is in force");
  if (hand.open) return refuse("not-asked", "sudo_jit did not ask for the command");
  // PAM_USER at open_session is the true target; what was approved must be it.
  if (ask.user->uid != hand.ask->target->uid || ask.user->user != hand.ask->target->user) {
    return refuse("target", "the target at the session is not the one that was approved");
  }
  if (hand.ask->observe) return gate.bound(conn, {true, "observed", {}, 0, 0});
  if (hand.grant.empty()) return gate.bound(conn, {true, "already-root", {}, 0, 0});
  LiveGrant* live = find_grant(hand.grant);
  if (live == nullptr) return refuse("ended", "the grant has ended");
  if (live->busy) {
    live->later.push_back([this, conn, hand, ask] { bind_now(conn, hand, ask); });
    return;
  }
  // By now sshd says which key it was. None is another one: a password or a host's word in place of it.
  if (hand.ask->door == policy::Door::kSsh && !live->grant.ssh_key.empty() && ask.ssh_key != live->grant.ssh_key) {
    return refuse("other-key", "the login was approved for another ssh key");
  }
  const BootMs now = clock.boottime();
  if (!covers(live->grant, attempt_of(*hand.ask), now)) return refuse("ended", "the grant does not cover this any more");
  Ask verified = *hand.ask;
  verified.target = ask.user;
  verified.target_verified = true;
  const Sight sight(senses, clock, verified, &live->grant);
  if (const auto why = policy()->refuses_use(live->grant.rule, live->grant.fingerprint, sight.view)) {
    return refuse("policy", *why);
  }
  if (!may_use()) return refuse("unavailable", "the audit log cannot be written");
  if (live->grant.state == GrantState::kUnclaimed) return claim(conn, *live, hand, ask, now);
  ++live->grant.uses;
  Batch batch;
  batch.grants.push_back(live->grant);
  batch.entries.push_back(events::use(events::kGrantUsed, live->grant, *hand.ask));
  saw_origin(hand.ask->subject, hand.ask->door, batch);
  // The answer does not wait; what could not be written is written later, without the state, which may have moved on.
  batch.may_wait = true;
  Batch later;
  later.entries = batch.entries;
  commit(std::move(batch), [this, later = std::move(later)](bool ok) mutable {
    if (!ok) keep_for_later(std::move(later));
  });
  const Ends ends = ends_of(live->grant, *hand.ask);
  gate.bound(conn, {true, "granted", live->grant.id, ends.end, ends.hard});
}

// sudo may run a command without a session (`Defaults !pam_session`, a target that left the directory meanwhile), and a
// grant whose life never began could be used that way again and again: a yes nobody came back for was its first use.
void Core::Impl::expire_hand_overs() {
  const BootMs now = clock.boottime();
  std::vector<HandOver> old;
  std::erase_if(hand_overs, [&](const HandOver& hand) {
    if (hand.until > now) return false;
    old.push_back(hand);
    return true;
  });
  for (const HandOver& hand : old) {
    LiveGrant* live = find_grant(hand.grant);
    const bool begins = live != nullptr && !live->busy && live->grant.state == GrantState::kUnclaimed &&
                        hand.ask->door == policy::Door::kSudo && !hand.asks_again && may_use();
    if (!begins) continue;
    const BindAsk ask{hand.ask->door, hand.ask->target, hand.ask->process, hand.ask->subject.terminal,
                      hand.ask->subject.audit_session, hand.ask->ssh_key};
    claim(0, *live, hand, ask, hand.until - limits.hand_over_ms);
  }
}

void Core::Impl::claim(Conn conn, LiveGrant& live, const HandOver& hand, const BindAsk& ask, BootMs starts) {
  const Grant before = live.grant;
  Grant& grant = live.grant;
  grant.state = GrantState::kActive;
  grant.starts = starts;
  grant.expires = starts + BootMs{grant.lifetime_s} * 1000;
  grant.starts_wall = clock.wall() - (clock.boottime() - starts);
  grant.expires_wall = grant.starts_wall + WallMs{grant.lifetime_s} * 1000;
  // The terminal is that of the process that asked: the parent that binds for it (sshd) has none. Where they are one,
  // it is read now: a request that was taken up again may have begun on another one.
  const bool same = ask.process == hand.ask->process && ask.terminal.number != 0;
  grant.terminal = same ? ask.terminal : hand.ask->subject.terminal;
  grant.audit_session = ask.audit_session != policy::kNoUid ? ask.audit_session : hand.ask->subject.audit_session;
  grant.connection = ask.process;
  if (grant.ssh_key.empty()) grant.ssh_key = ask.ssh_key;
  grant.uses = 1;
  live.busy = true;
  const Id id = grant.id;
  Batch batch;
  batch.grants.push_back(grant);
  batch.entries.push_back(events::use(events::kGrantClaimed, grant, *hand.ask));
  saw_origin(hand.ask->subject, hand.ask->door, batch);
  const auto by = hand.ask;
  commit(std::move(batch), [this, conn, id, before, by](bool ok) {
    const auto refuse = [&](const char* cause, const char* why) {
      if (conn == 0) return;
      note_denial(*by, cause, why);
      gate.bound(conn, {false, cause, id, 0, 0});
    };
    LiveGrant* claimed = find_grant(id);
    if (claimed == nullptr) return refuse("ended", "the grant has ended");  // revoked while it was written
    if (!ok) {
      claimed->grant = before;
      due.emplace(before.claim_until, id);  // it may have passed meanwhile
      free_later(*claimed);
      return refuse("unavailable", "the audit log cannot be written");
    }
    const Grant& now_active = claimed->grant;
    note_power(now_active.subject.identity->uid, now_active.subject.loginuid, now_active.target->uid);
    due.emplace(now_active.expires, id);
    watch_warnings(*claimed);
    if (clock.boottime() >= now_active.expires) {
      refuse("ended", "the grant has ended");  // the disk took longer than the grant lives
    } else if (conn != 0) {
      const Ends ends = ends_of(now_active, *by);
      gate.bound(conn, {true, "granted", id, ends.end, ends.hard});
    }
    listener.grant_changed(now_active);
    free_later(*claimed);
  });
}

// polkit opens no session, so nothing would ever bind or begin the grant: there the answer is its one use, and its end.
void Core::Impl::give(Conn conn, std::shared_ptr<const Ask> ask, const Id& id, Answer answer, Tell tell) {
  LiveGrant* live = find_grant(id);
  if (live == nullptr || live->grant.door != policy::Door::kPolkit) {
    hand_over(std::move(ask), id);
    return (gate.*tell)(conn, answer);
  }
  Grant& grant = live->grant;
  grant.starts = grant.expires = clock.boottime();
  grant.starts_wall = grant.expires_wall = clock.wall();
  grant.uses = 1;
  note_power(grant.subject.identity->uid, grant.subject.loginuid, grant.target->uid);
  Batch used;
  used.entries.push_back(events::use(events::kGrantClaimed, grant, *ask));
  asks[conn] = ask;
  end_grant(*live, GrantEnd::kExpired, "", "used: at polkit it is for one answer", [this, conn, ask, answer = std::move(answer), tell](bool ok) mutable {
    if (asks.erase(conn) == 0) return;  // who has left is told nothing
    if (!ok) {
      answer.verdict = Verdict::kDeny;
      answer.cause = "unavailable";
      answer.text = {texts::line("the audit log cannot be written, so no grant can be used now")};
      note_denial(*ask, answer.cause, answer.text.front());
    }
    (gate.*tell)(conn, answer);
  }, std::move(used));
}

void Core::end(const Caller& caller, std::string_view prefix, Done<Grant> done) {
  auto [live, error, message] = impl_->find_visible_grant(caller, prefix);
  if (live == nullptr) return done(failure<Grant>(error, message));
  if (!owns(caller, live->grant.subject)) {
    return done(failure<Grant>(Error::kDenied, "this is not your own grant; to take it away: jitctl revoke"));
  }
  Grant ended = live->grant;
  ended.state = GrantState::kEnded;
  ended.end = GrantEnd::kReturned;
  ended.ended_by = caller.identity->person;
  ended.ended_wall = impl_->clock.wall();
  impl_->end_grant(*live, GrantEnd::kReturned, caller.identity->person, "",
                   [ended, done = std::move(done)](bool ok) {
                     if (!ok) return done(failure<Grant>(Error::kUnavailable, "it has ended, but the log could not be written"));
                     Outcome<Grant> out;
                     out.value = ended;
                     done(std::move(out));
                   });
}

}  // namespace jit::core
