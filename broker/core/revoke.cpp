// SPDX-License-Identifier: Apache-2.0
// Taken away before its time; and what may finish after it. Of the latter nothing is kept here: the enforcer knows what it holds.
#include "broker/core/impl.h"

namespace jit::core {
namespace {

using Grants = std::vector<Grant>;

struct Progress {
  Done<Grants> done;
  Outcome<Grants> none;    // what to say where nothing was ended
  Grants ended;
  std::size_t open = 1;    // steps that are under way
  bool written = true;
  bool unasked = false;    // the enforcer could not say what it holds

  void step(bool good) {
    written = written && good;
    if (--open > 0) return;
    Outcome<Grants> out;
    if (unasked && (ended.empty() || written)) {
      out = {Error::kUnavailable, std::string(ended.empty() ? "" : "they have ended; ") +
                                      "what may still finish after its time is not known: see systemctl status jit-enforcer", {}};
    } else if (ended.empty()) {
      out = std::move(none);
    } else if (!written) {
      out = {Error::kUnavailable, "they have ended, but the log could not be written", {}};
    } else {
      out.value = std::move(ended);
    }
    done(std::move(out));
  }
};

// An auditor sees all and may end none.
template <class Subject>
bool may_end(const Core& core, Caller caller, const Subject& subject) {
  caller.auditor = false;
  return core.may_see(caller, subject);
}

bool means(const Core::Which& which, const Grant& grant) {
  const policy::Identity& who = *grant.subject.identity;
  return which.all || (!which.id.empty() && grant.id.text().starts_with(which.id)) || (!which.user.empty() && who.user == which.user) ||
         (!which.person.empty() && who.person == which.person);
}

Grant revoked(Grant grant, const std::string& by, const std::string& why, WallMs now) {
  grant.state = GrantState::kEnded;
  grant.end = GrantEnd::kRevoked;
  grant.ended_by = by;
  grant.ended_why = why;
  grant.ended_wall = now;
  return grant;
}

}  // namespace

void Core::revoke(const Caller& caller, const Which& which, std::string reason, Done<Grants> done) {
  Impl& impl = *impl_;
  const int named = (which.id.empty() ? 0 : 1) + (which.user.empty() ? 0 : 1) + (which.person.empty() ? 0 : 1) + (which.all ? 1 : 0);
  if (named != 1) return done(failure<Grants>(Error::kBadInput, "name one of: a grant, --user, --person, --all"));
  auto progress = std::make_shared<Progress>();
  progress->none = failure<Grants>(Error::kNotFound, "no living grant of yours to revoke is meant");
  std::vector<Id> chosen;
  if (!which.id.empty()) {
    auto [live, error, message] = impl.find_visible_grant(caller, which.id);
    if (live == nullptr && error != Error::kNotFound) return done(failure<Grants>(error, message));
    if (live != nullptr && !may_end(*this, caller, live->grant)) return done(failure<Grants>(Error::kDenied, "you may not revoke this grant"));
    if (live != nullptr) chosen.push_back(live->grant.id);
    progress->none = failure<Grants>(Error::kNotFound, message);
  } else {
    for (const Grant* grant : live_grants()) {
      if (means(which, *grant) && may_end(*this, caller, *grant)) chosen.push_back(grant->id);
    }
  }
  progress->done = std::move(done);
  const auto step = [progress](bool written) { progress->step(written); };
  const std::string& by = caller.identity->person;
  for (const Id& id : chosen) {
    LiveGrant* live = impl.find_grant(id);
    progress->ended.push_back(revoked(live->grant, by, reason, impl.clock.wall()));
    ++progress->open;
    impl.end_grant(*live, GrantEnd::kRevoked, by, reason, step);
  }
  if (impl.enforcement == nullptr || (!which.id.empty() && !chosen.empty())) return step(true);
  impl.enforcement->finishing([this, progress, step, caller, which, reason = std::move(reason)](const std::optional<std::vector<Finishing>>& held) {
    std::vector<Grant> meant;
    for (const Finishing& one : held ? *held : std::vector<Finishing>{}) {
      const bool may = one.request ? may_end(*this, caller, *one.request) : may_end(*this, caller, one.grant);
      if (may && means(which, one.grant)) meant.push_back(revoked(one.grant, caller.identity->person, reason, impl_->clock.wall()));
    }
    if (!which.id.empty() && meant.size() > 1) {
      progress->none = failure<Grants>(Error::kAmbiguous, "more than one grant begins so; type more of the id");
      meant.clear();
    }
    for (const Grant& grant : meant) {
      progress->ended.push_back(grant);
      ++progress->open;
      impl_->end_finishing(grant, step);
    }
    progress->unasked = !held;
    step(true);
  });
}

// Told to the enforcer before it is written: after a restart of ours what ended at its time is left alone. The grant itself ended then;
// that it was revoked later stands in the log.
void Core::Impl::end_finishing(const Grant& grant, std::function<void(bool)> done) {
  enforcement->end(grant.id, last_end(grant));
  Batch batch;
  batch.entries.push_back(events::grant(events::kGrantEnded, grant));
  commit(std::move(batch), std::move(done));
}

}  // namespace jit::core
