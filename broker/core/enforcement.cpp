// SPDX-License-Identifier: Apache-2.0
// From a grant to the end of what runs under it: how long a program may go on, who is warned, what an end met with.
#include "broker/core/impl.h"
#include "broker/core/risk.h"

namespace jit::core {
namespace {

// What a person works in. "finish" is for a program with a task of its own; nobody can tell when a shell would be done.
bool is_shell(const Ask& ask) {
  if (ask.door != policy::Door::kSudo || !ask.command.known || ask.command.path.empty()) return true;
  // What others than root can put in its place may be a shell by another name. Of a mere claim all that it names counts.
  if (ask.command.verified ? !ask.command.digest_bound : ask.command.changeable) return true;
  policy::Command command;
  command.known = true;
  command.path = ask.command.path;
  command.options = ask.command.options;
  return reach_of(command) == Reach::kShell;
}

}  // namespace

BootMs last_end(const Grant& grant) {
  return grant.expires + (grant.on_expiry == policy::Expiry::kEnd ? 0 : BootMs{grant.run_max_s} * 1000);
}

void Core::use_enforcement(Enforcement* enforcement) {
  impl_->enforcement = enforcement;
  impl_->next_use_only = enforcement == nullptr;
}

Core::Impl::Ends Core::Impl::ends_of(const Grant& grant, const Ask& ask) const {
  const bool finishes = grant.on_expiry == policy::Expiry::kWarn || (grant.on_expiry == policy::Expiry::kFinish && !is_shell(ask));
  Ends out;
  out.end = grant.expires;
  if (finishes) out.end = std::max(out.end, clock.boottime() + BootMs{grant.run_max_s} * 1000);
  out.hard = out.end;
  if (is_login(grant.door)) out.hard = std::max(out.hard, grant.starts + BootMs{grant.max_s} * 1000);
  return out;
}

std::vector<std::string> Core::Impl::without_enforcer() const {
  if (!next_use_only) return {};
  return {texts::line("no systemd here: when this ends, its next use is refused; what runs goes on")};
}

void Core::Impl::enforce_end(const Grant& grant) {
  if (enforcement == nullptr || grant.starts == 0) return;
  if (grant.end != GrantEnd::kExpired) return enforcement->end(grant.id, last_end(grant));
  // At its time the enforcer ends it by itself, or lets it finish.
  if (grant.on_expiry != policy::Expiry::kEnd) enforcement->warn(grant.id, 0);
}

// The broker may have stopped before the enforcer heard of an end.
void Core::end_again(const std::vector<Grant>& ended) {
  for (const Grant& grant : ended) {
    const bool early = grant.state == GrantState::kEnded && grant.end != GrantEnd::kExpired && grant.boot_id == impl_->boot_id;
    if (early && last_end(grant) > impl_->clock.boottime()) impl_->enforce_end(grant);
  }
}

void Core::Impl::watch_warnings(const LiveGrant& live) {
  if (live.grant.state != GrantState::kActive) return;
  for (const std::uint32_t before : live.grant.warn_before_s) {
    const BootMs moment = live.grant.expires - BootMs{before} * 1000;
    if (moment > clock.boottime()) due.emplace(moment, live.grant.id);
  }
}

// One warning, the latest that is due, where nobody was warned of this end so closely before.
void Core::Impl::warn_now(LiveGrant& live, BootMs now) {
  const Grant& grant = live.grant;
  if (enforcement == nullptr || grant.state != GrantState::kActive || now >= grant.expires) return;
  BootMs closest = 0;
  for (const std::uint32_t before : grant.warn_before_s) {
    const BootMs moment = grant.expires - BootMs{before} * 1000;
    if (moment <= now && moment > grant.starts) closest = std::max(closest, moment);
  }
  if (closest <= live.warned) return;
  live.warned = closest;
  enforcement->warn(grant.id, static_cast<std::uint32_t>((grant.expires - now + 59'999) / 60'000));
}

std::optional<GrantState> Core::held_state(const Id& grant, BootMs& end) const {
  const LiveGrant* live = impl_->find_grant(grant);
  if (live == nullptr) return std::nullopt;
  end = live->grant.expires;
  return live->grant.state;
}

void Core::enforced(const EndReport& report, Done<bool> done) {
  // The enforcer looks, for it may read when an account expires.
  if (LiveGrant* live = impl_->find_grant(report.grant); live != nullptr && !live->busy && report.why == "account") {
    impl_->end_grant(*live, GrantEnd::kVoid, "", "the account has expired", [](bool) {});
  }
  // Nothing ran any more, and nothing is left. That it ended with another grant is told all the same: no clock and nobody else says why.
  const bool nothing = report.ended == 0 && report.survivors.empty() && report.beyond.empty() && report.later.empty();
  if (nothing && report.why != "outer") return done({Error::kNone, "", true});
  Batch batch;
  batch.entries.push_back(events::enforced(report));
  impl_->commit(std::move(batch), [done = std::move(done)](bool ok) {
    Outcome<bool> out;
    out.value = ok;
    if (!ok) out.error = Error::kUnavailable;
    done(std::move(out));
  });
}

// Who holds it, or what it gives, is not what it was when it was given.
void Core::account_is(const Id& grant, IdentityPtr subject, IdentityPtr target) {
  LiveGrant* live = impl_->find_grant(grant);
  if (live == nullptr || live->busy) return;
  const Grant& held = live->grant;
  std::string why;
  const auto changed = [](const IdentityPtr& now, const policy::Identity& then) { return !now || now->uid != then.uid || now->user != then.user; };
  if (changed(subject, *held.subject.identity)) {
    why = "the account it was given to is gone or belongs to another name";
  } else if (changed(target, *held.target)) {
    why = "the account it gives is gone or belongs to another name";
  } else if (policy_ != nullptr && !policy_->may_hold(held.rule, *subject, impl_->now_s())) {
    why = "the rule does not give it to this account any more";
  }
  if (!why.empty()) impl_->end_grant(*live, GrantEnd::kVoid, "", why, [](bool) {});
}

}  // namespace jit::core
