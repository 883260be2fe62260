// SPDX-License-Identifier: Apache-2.0
#include "broker/core/impl.h"
#include "evidence/hidden.h"
#include "evidence/text.h"

namespace jit::core {

Core::Core(Clock& clock, Random& random, Store& store, Tombstones& tombstones, Gate& gate, Listener& listener,
           std::string boot_id, Limits limits)
    : impl_(std::make_unique<Impl>(*this, clock, random, store, tombstones, gate, listener, std::move(boot_id), limits)) {}

Core::~Core() = default;

void Core::Impl::stamp(AuditEntry& entry) const {
  entry.boottime = clock.boottime();
  entry.wall = clock.wall();
  entry.boot_id = boot_id;
}

void Core::Impl::commit(Batch batch, std::function<void(bool)> done) {
  for (AuditEntry& entry : batch.entries) stamp(entry);
  auto entries = batch.entries;
  store.commit(std::move(batch), [this, entries = std::move(entries), done = std::move(done)](bool ok) {
    if (ok) {
      for (const AuditEntry& entry : entries) listener.logged(entry);
    }
    done(ok);
  });
}

void Core::use_host(Host host) { impl_->host = std::move(host); }

std::vector<evidence::Opening> Core::openings(const Request& request) const { return openings_of(request, impl_->host); }

void Core::Impl::log(AuditEntry entry) {
  Batch batch;
  batch.entries.push_back(std::move(entry));
  commit(std::move(batch), [](bool) {});
}

// A flood of the same denial is one entry now and one with the count when its window closes: it must not fill the log.
bool Core::Impl::first_of_flood(const Ask& ask, const std::string& cause) {
  const BootMs now = clock.boottime();
  const std::uint32_t key_uid = ask.subject.identity->uid;
  const DenialKey key{key_uid, ask.door, cause};
  const auto it = denials.find(key);
  // While the disk fails each one is tried: the first that is written shows that it works again.
  if (it != denials.end() && now < it->second.until && !store.failing()) {
    ++it->second.count;
    return false;
  }
  if (it != denials.end() && it->second.count > 0) {
    log(events::denials(key_uid, it->second.person, ask.door, cause, it->second.count));
  }
  if (denials.size() < 4096 || it != denials.end()) {
    denials[key] = {now + limits.denial_window_ms, 0, ask.subject.identity->person};
    due.emplace(now + limits.denial_window_ms, Id{});
  }
  return true;
}

void Core::Impl::note_denial(const Ask& ask, const std::string& cause, const std::string& why, const std::string& kept) {
  if (counts_as_denied(cause)) did(*ask.subject.identity, Deed::kDenied, Id{});
  if (!first_of_flood(ask, cause)) return;
  log(events::denied(ask, cause, why, policy() != nullptr ? policy()->hash() : std::string(), kept));
}

void Core::Impl::deny(Conn conn, const Ask& ask, std::string cause, std::vector<std::string> text, Id id,
                      const std::string& kept) {
  note_denial(ask, cause, text.empty() ? std::string() : text.front(), kept);
  Answer answer;
  answer.cause = std::move(cause);
  answer.text = std::move(text);
  answer.id = id;
  gate.answer(conn, answer);
}

void Core::Impl::hand_over(std::shared_ptr<const Ask> ask, const Id& grant, bool open) {
  expire_hand_overs();
  drop_hand_over(ask->process);
  const BootMs until = clock.boottime() + limits.hand_over_ms;
  hand_overs.push_back({std::move(ask), grant, until, open});
}

void Core::Impl::yes(Conn conn, std::shared_ptr<const Ask> ask, const Id& grant, std::vector<std::string> text) {
  const bool told = ask->can_ask;  // elsewhere a line would land in somebody's output
  Answer answer;
  answer.verdict = Verdict::kAllow;
  answer.cause = grant.empty() ? "already-root" : "granted";
  answer.text = std::move(text);
  if (const LiveGrant* live = find_grant(grant); live != nullptr && live->grant.state == GrantState::kUnclaimed && told) {
    for (std::string& more : without_enforcer()) answer.text.push_back(std::move(more));
  }
  give(conn, std::move(ask), grant, std::move(answer), &Gate::answer);
}

void Core::Impl::defer(Live& live, Conn conn, std::function<void()> step) {
  deferred[conn] = std::move(step);
  live.later.push_back([this, conn] {
    auto kept = deferred.extract(conn);
    if (!kept.empty()) kept.mapped()();
  });
}

void Core::Impl::free_later(Live& live) {
  live.busy = false;
  auto later = std::move(live.later);
  live.later.clear();
  for (auto& step : later) step();
}

void Core::Impl::free_later(LiveGrant& grant) {
  grant.busy = false;
  auto later = std::move(grant.later);
  grant.later.clear();
  for (auto& step : later) step();
}

bool Core::may_see(const Caller& caller, const Request& request) const {
  if (caller.admin || caller.auditor) return true;
  if (owns(caller, request.subject) || may_vote(caller, request)) return true;
  // Every approver of this host sees what was opened in an emergency, and may review it.
  return request.offer.break_glass && impl_->may_review(caller, request);
}

bool Core::may_see(const Caller& caller, const Grant& grant) const {
  if (caller.admin || caller.auditor || owns(caller, grant.subject)) return true;
  if (const auto it = impl_->requests.find(grant.request); it != impl_->requests.end()) return may_see(caller, it->second->request);
  if (!policy_ || is_requester(policy_.get(), grant.subject, caller)) return false;
  return std::ranges::any_of(impl_->seats_behind(grant), [&](const policy::Seat& seat) {
    return policy_->may_fill(seat.set, *caller.identity, impl_->now_s());
  });
}

std::vector<const Request*> Core::live_requests() const {
  std::vector<const Request*> out;
  for (const auto& [id, live] : impl_->requests) {
    if (live->open() && live->stored) out.push_back(&live->request);
  }
  std::ranges::sort(out, {}, [](const Request* request) { return std::pair(request->created, request->id); });
  return out;
}

const Request* Core::live_request(const Id& id) const {
  const Live* const live = impl_->find(id);
  return live != nullptr && live->open() && live->stored ? &live->request : nullptr;
}

const Grant* Core::live_grant(const Id& id) const {
  const LiveGrant* const live = impl_->find_grant(id);
  return live != nullptr && live->grant.state != GrantState::kEnded ? &live->grant : nullptr;
}

bool Core::has_live_grants() const {
  return std::ranges::any_of(impl_->grants, [](const auto& each) { return each.second->grant.state != GrantState::kEnded; });
}

std::vector<const Grant*> Core::live_grants() const {
  std::vector<const Grant*> out;
  for (const auto& [id, live] : impl_->grants) {
    if (live->grant.state != GrantState::kEnded) out.push_back(&live->grant);
  }
  std::ranges::sort(out, {}, [](const Grant* grant) { return std::pair(grant->created, grant->id); });
  return out;
}

void Core::use_limits(const Limits& limits) { impl_->limits = limits; }

GrantState Core::state_of(const Id& grant) const {
  const LiveGrant* const live = impl_->find_grant(grant);
  return live == nullptr ? GrantState::kEnded : live->grant.state;
}

std::vector<Vote> Core::votes_on(const Id& request) const {
  std::vector<Vote> out;
  if (const Live* live = impl_->find(request)) {
    for (const CastVote& cast : live->votes) out.push_back(cast.vote);
  }
  return out;
}

std::size_t Core::waiting() const { return impl_->waiting.size(); }

void Core::use_policy(std::shared_ptr<const policy::Policy> policy, std::string tags_hash) {
  policy_ = std::move(policy);
  impl_->tags_hash = std::move(tags_hash);
  impl_->senses.table.declare(policy_ ? policy_->facts() : std::span<const policy::FactRule>());
  impl_->watch_facts();
  impl_->look_again();
}

void Core::note(std::string_view type, std::string_view name, std::string_view value) {
  impl_->log(events::note(type, name, value));
}

void Core::note(std::string_view type, const policy::Identity& by, std::string_view name, std::string_view value) {
  AuditEntry entry = events::note(type, name, value);
  entry.uid = by.uid;
  entry.person = by.person;
  impl_->log(std::move(entry));
}

void Core::erase(const Caller& caller, const std::string& person, std::uint64_t removed, Done<bool> done) {
  Batch batch;
  batch.erased.push_back(person);
  batch.entries.push_back(events::erased(*caller.identity, removed));
  impl_->commit(std::move(batch), [done = std::move(done)](bool ok) {
    if (!ok) return done(failure<bool>(Error::kUnavailable, "the log cannot be written: jitctl status says why"));
    done({Error::kNone, {}, true});
  });
}

void Core::know_voter(std::uint32_t uid, IdentityPtr identity) {
  for (auto& [id, live] : impl_->requests) {
    for (CastVote& cast : live->votes) {
      if (cast.vote.uid == uid) cast.voter = identity && is_voter(cast.vote, *identity) ? identity : nullptr;
    }
  }
  // What was complete but for the names goes on now.
  std::vector<Id> complete;
  for (const auto& [id, live] : impl_->requests) {
    if (live->open() && !live->busy && live->stored && policy_ && !live->votes.empty() && impl_->complete(*live)) complete.push_back(id);
  }
  for (const Id& id : complete) {
    if (Live* live = impl_->find(id); live != nullptr && live->open() && !live->busy) impl_->approve(*live, std::nullopt, [](const Outcome<Request>&) {});
  }
}

void Core::know_root(IdentityPtr root) {
  impl_->learn_root(std::move(root));
  if (impl_->root->groups_known) impl_->look_again();  // at what was left until then
}

}  // namespace jit::core
