// SPDX-License-Identifier: Apache-2.0
// Who may fill a seat now, and who may not: the requester by any name, who is away, who was blocked.
#include "broker/core/impl.h"
#include "policy/crew.h"

namespace jit::core {

namespace {

constexpr std::size_t kAwayMax = 4096;
constexpr std::size_t kBlocksMax = 4096;
constexpr WallMs kAwayLongest = WallMs{366} * 86'400'000;

// All names by which people.d may know somebody: as it was looked up, as the policy in force says, and the same for the
// user as whom he logged in.
std::vector<std::string> persons_of(const policy::Policy* policy, const policy::Identity& who, std::uint32_t loginuid,
                                    const std::string& login_user) {
  std::vector<std::string> out{who.person};
  if (policy != nullptr) out.push_back(person_now(*policy, who));
  if (loginuid == policy::kNoUid || loginuid == who.uid) return out;
  out.push_back("uid:" + std::to_string(loginuid));
  if (policy != nullptr) out.push_back(policy->person_name(login_user, loginuid));
  return out;
}

std::string absent_name(const Absence& absence) {
  return absence.person.starts_with("uid:") && !absence.user.empty() ? "user:" + absence.user : absence.person;
}

}  // namespace

std::string person_now(const policy::Policy& policy, const policy::Identity& identity) {
  if (identity.user.empty() && identity.uid == policy::kNoUid) return identity.person;  // without an account: known by his key
  return policy.person_name(identity.user, identity.uid);
}

bool one_uid(std::uint32_t a, std::uint32_t b) { return a == b && a != policy::kNoUid; }

bool is_voter(const Vote& vote, const policy::Identity& account) {
  if (vote.user.empty() || vote.user == account.user) return true;
  return vote.person == account.person && !vote.person.starts_with("uid:");
}

bool is_requester(const policy::Policy* policy, const Subject& subject, const Caller& caller) {
  const policy::Identity& asked = *subject.identity;
  const policy::Identity& voter = *caller.identity;
  if (one_uid(asked.uid, voter.uid) || one_uid(subject.loginuid, voter.uid) || one_uid(asked.uid, caller.loginuid) ||
      one_uid(subject.loginuid, caller.loginuid)) {
    return true;
  }
  const auto asking = persons_of(policy, asked, subject.loginuid, subject.login_user);
  const auto voting = persons_of(policy, voter, caller.loginuid, caller.login_user);
  return std::ranges::any_of(voting, [&](const std::string& one) { return std::ranges::find(asking, one) != asking.end(); });
}

bool Core::Impl::same_person(const Subject& subject, std::string_view person) const {
  const auto names = persons_of(policy(), *subject.identity, subject.loginuid, subject.login_user);
  return std::ranges::find(names, person) != names.end();
}

bool Core::Impl::same_people(const Subject& a, const Subject& b) const {
  const auto names = persons_of(policy(), *b.identity, b.loginuid, b.login_user);
  return std::ranges::any_of(names, [&](const std::string& name) { return same_person(a, name); });
}

// From inside a session he is its target (root, postgres), and the kernel still knows as whom he logged in.
bool Core::Impl::owns(const Caller& caller, const Subject& subject) {
  if (caller.identity->uid == subject.identity->uid) return true;
  return caller.loginuid != policy::kNoUid && (caller.loginuid == subject.identity->uid || caller.loginuid == subject.loginuid);
}

bool Core::owns(const Caller& caller, const Subject& subject) { return Impl::owns(caller, subject); }

const policy::Offer* Core::terms_of(const Id& request) const {
  const Live* const live = impl_->find(request);
  return live != nullptr && live->open() ? &live->terms() : nullptr;
}

std::vector<std::uint32_t> Core::voters() const {
  std::vector<std::uint32_t> out;
  for (const auto& [id, live] : impl_->requests) {
    if (!live->open()) continue;
    for (const CastVote& cast : live->votes) out.push_back(cast.vote.uid);
  }
  std::ranges::sort(out);
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

bool Core::Impl::is_away(const policy::Identity& who) const {
  const auto until = [&](const std::string& person) {
    const auto found = away.find(person);
    return found != away.end() && found->second.until > clock.wall();
  };
  return until(who.person) || (policy() != nullptr && until(person_now(*policy(), who)));
}

std::vector<std::string> Core::Impl::absent_for(const Subject& subject, const Live* live) const {
  std::vector<std::string> out;
  for (const auto& each : away) {
    const Absence& absence = each.second;
    if (absence.until <= clock.wall()) continue;
    const bool voted = live != nullptr && std::ranges::any_of(live->votes, [&](const CastVote& cast) { return cast.vote.person == absence.person; });
    if (!voted) out.push_back(absent_name(absence));
  }
  // Who logged in here and became somebody else (su) is asked nothing about himself.
  if (policy() != nullptr && subject.loginuid != policy::kNoUid && subject.loginuid != subject.identity->uid) {
    const std::string person = policy()->person_name(subject.login_user, subject.loginuid);
    out.push_back(person.starts_with("uid:") && !subject.login_user.empty() ? "user:" + subject.login_user : person);
  }
  return out;
}

bool Core::Impl::may_fill(const Request& request, const policy::Offer& terms, const policy::Seat& seat,
                          const policy::Identity& voter) const {
  if (policy()->may_fill(seat.set, voter, now_s(), terms.machines)) return true;
  return std::ranges::any_of(terms.ladder, [&](const policy::Step& step) {
    return !step.add.empty() && step.to == seat.set && request.created + BootMs{step.after_s} * 1000 <= clock.boottime() &&
           policy()->may_fill(step.add, voter, now_s(), terms.machines);
  });
}

bool Core::Impl::may_fill_any(const Request& request, const policy::Offer& terms, const policy::Identity& voter) const {
  return std::ranges::any_of(terms.seats, [&](const policy::Seat& seat) { return may_fill(request, terms, seat, voter); });
}

bool Core::Impl::is_approver(const policy::Identity& who) const {
  if (policy() == nullptr) return false;
  const auto fills = [&](std::string_view set) { return policy()->may_fill(set, who, now_s()); };
  for (const auto& [name, approval] : policy()->rules().approvals) {
    for (const auto& need : approval.need) {
      if (fills(need.seat.set)) return true;
    }
    for (const auto& rung : approval.escalate) {
      if (!rung.step.add.empty() && fills(rung.step.add)) return true;
    }
  }
  return false;
}

bool Core::may_vote(const Caller& caller, const Request& request) const {
  if (!policy_ || is_requester(policy_.get(), request.subject, caller)) return false;
  return impl_->may_fill_any(request, request.offer, *caller.identity);
}

void Core::set_away(const Caller& caller, WallMs until, Done<Absence> done) {
  Impl& impl = *impl_;
  const policy::Identity& who = *caller.identity;
  const WallMs now = impl.clock.wall();
  if (until != 0 && (until <= now || until > now + kAwayLongest)) {
    return done(failure<Absence>(Error::kBadInput, "until must lie ahead, within a year"));
  }
  if (until != 0 && !impl.is_approver(who)) {
    return done(failure<Absence>(Error::kDenied, "you fill no seat here, so nobody waits for you"));
  }
  std::erase_if(impl.away, [&](const auto& each) { return each.second.until <= now; });
  if (until != 0 && impl.away.size() >= kAwayMax && !impl.away.contains(who.person)) {
    return done(failure<Absence>(Error::kLimit, "too many people are away; ask an admin"));
  }
  Absence absence{who.person, who.user, until};
  Batch batch;
  batch.absences.push_back(absence);
  batch.entries.push_back(events::away(who, until));
  impl.commit(std::move(batch), [&impl, absence, done = std::move(done)](bool ok) {
    if (!ok) return done(failure<Absence>(Error::kUnavailable, "it could not be stored; try again later"));
    if (absence.until == 0) {
      impl.away.erase(absence.person);
    } else {
      impl.away[absence.person] = absence;
    }
    Outcome<Absence> out;
    out.value = absence;
    // Those who wait for him alone are told now, not at their deadline.
    impl.look_again("an approver is away");
    done(std::move(out));
  });
}

std::optional<WallMs> Core::away_until(const Caller& caller) const {
  const auto found = impl_->away.find(caller.identity->person);
  if (found == impl_->away.end() || found->second.until <= impl_->clock.wall()) return std::nullopt;
  return found->second.until;
}

void Core::Impl::add_block(const Request& request, const Vote& vote) {
  if (!vote.block_s) return;
  Block block;
  block.persons = persons_of(policy(), *request.subject.identity, request.subject.loginuid, request.subject.login_user);
  for (const policy::Seat& seat : request.offer.seats) block.sets.push_back(seat.set);
  block.by = vote.person;
  block.why = vote.reason;
  block.boot_id = boot_id;
  const WallMs length = WallMs{*vote.block_s} * 1000;
  block.until_wall = vote.time + length;
  // Of this boot or another: so much of it is left as the wall clock says, and never more than its whole length.
  block.until = clock.boottime() + std::clamp<WallMs>(block.until_wall - clock.wall(), 0, length);
  std::erase_if(blocks, [&](const Block& old) { return old.until <= clock.boottime(); });
  if (blocks.size() >= kBlocksMax) blocks.erase(blocks.begin());
  blocks.push_back(std::move(block));
}

std::optional<std::string> Core::Impl::blocked(const Subject& subject, const policy::Offer& offer) {
  const BootMs now = clock.boottime();
  for (const Block& block : blocks) {
    const bool meant = std::ranges::any_of(block.persons, [&](const std::string& person) { return same_person(subject, person); });
    if (block.until <= now || !meant) continue;
    const bool same_seats = std::ranges::any_of(offer.seats, [&](const policy::Seat& seat) {
      return std::ranges::find(block.sets, seat.set) != block.sets.end();
    });
    if (!same_seats) continue;
    const auto left = static_cast<std::uint32_t>((block.until - now + 999) / 1000);
    return block.by + " denied such a request and blocks more of them for " + policy::format_duration(left) +
           (block.why.empty() ? "" : ": " + block.why);
  }
  return std::nullopt;
}

std::optional<std::pair<std::string, std::string>> Core::Impl::held_back(const Subject& subject, const policy::Offer& offer) {
  // An emergency is neither blocked nor held back; it is reviewed.
  if (offer.break_glass) return std::nullopt;
  if (auto why = review_overdue(subject)) return std::pair("review-overdue", std::move(*why));
  if (auto why = blocked(subject, offer)) return std::pair("blocked", std::move(*why));
  return std::nullopt;
}

}  // namespace jit::core
