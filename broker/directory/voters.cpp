// SPDX-License-Identifier: Apache-2.0
#include "broker/directory/voters.h"

namespace jit::directory {
namespace {

constexpr const char* kSilent = "the user directory does not answer, so nobody can say who may vote: try again";

struct Counting {
  std::size_t missing = 1;
  bool known = true;
  std::vector<core::IdentityPtr> accounts;
};

core::Outcome<core::Request> failed(core::Error error, std::string message) { return {error, std::move(message), {}}; }

}  // namespace

policy::Identity identity_of(const User& user, const policy::Policy* policy) {
  policy::Identity identity;
  identity.uid = user.uid;
  identity.user = user.name;
  identity.person = policy != nullptr ? policy->person_name(user.name, user.uid) : "uid:" + std::to_string(user.uid);
  identity.groups_known = user.groups_known;
  identity.groups_all = user.groups;
  identity.groups_any = groups_any(user);
  return identity;
}

void refresh_voters(const std::weak_ptr<void>& alive, Directory& directory, core::Core& core, const core::Id& request, const Seen& seen,
                    std::function<void(bool known)> done) {
  const auto counting = std::make_shared<Counting>();
  const auto answered = [counting, done = std::move(done)] {
    if (--counting->missing == 0) done(counting->known);
  };
  for (const core::Vote& vote : core.votes_on(request)) {
    if (vote.uid == policy::kNoUid) continue;  // a person without an account here: known by his key
    ++counting->missing;
    directory.forget(vote.uid);
    directory.by_uid(vote.uid, [alive, &core, uid = vote.uid, seen, counting, answered](const User& user) {
      if (alive.expired()) return;
      if (user.status == Status::kUnknown) counting->known = false;
      if (user.status == Status::kAbsent) core.know_voter(uid, nullptr);
      if (user.status == Status::kFound) {
        const auto now = std::make_shared<const policy::Identity>(identity_of(user, core.policy()));
        seen(now);
        core.know_voter(uid, now);
      }
      answered();
    });
  }
  answered();
}

void carry_vote(const std::weak_ptr<void>& alive, Directory& directory, core::Core& core, const std::string& vote, const Seen& seen,
                core::Done<core::Request> done) {
  const auto by = core.signed_by(vote);
  if (!by) return done(failed(by.error, by.message));
  const auto counting = std::make_shared<Counting>();
  const auto answered = [alive, &directory, &core, counting, vote, seen, request = by.value.request, done = std::move(done)] {
    if (--counting->missing != 0 || alive.expired()) return;
    if (!counting->known) return done(failed(core::Error::kUnavailable, kSilent));
    refresh_voters(alive, directory, core, request, seen, [&core, counting, vote, done](bool known) {
      if (!known) return done(failed(core::Error::kUnavailable, kSilent));
      core.vote_signed(vote, counting->accounts, done);
    });
  };
  for (const std::string& user : by.value.users) {
    ++counting->missing;
    directory.forget(user);
    directory.by_name(user, [alive, &core, counting, seen, answered](const User& found) {
      if (alive.expired()) return;
      if (found.status == Status::kUnknown) counting->known = false;
      if (found.status == Status::kFound) {
        counting->accounts.push_back(std::make_shared<const policy::Identity>(identity_of(found, core.policy())));
        seen(counting->accounts.back());
      }
      answered();
    });
  }
  answered();
}

}  // namespace jit::directory
