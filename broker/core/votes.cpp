// SPDX-License-Identifier: Apache-2.0
// Votes and quorums. Seats are filled by distinct people; the requester never counts; a denial ends the request.
#include "broker/core/impl.h"
#include "evidence/text.h"
#include "policy/crew.h"

namespace jit::core {

namespace {

constexpr std::size_t kPrefixMin = 4;

bool has_prefix(const Id& id, std::string_view prefix) { return id.text().starts_with(prefix); }

// Who has no entry in people.d is "uid:N"; people know him by his name.
std::string shown(const policy::Identity& who) {
  const bool implicit = who.person == "uid:" + std::to_string(who.uid);
  return implicit && !who.user.empty() ? who.user + " (" + who.person + ")" : who.person;
}

std::string shown(const CastVote& cast) { return cast.voter ? shown(*cast.voter) : cast.vote.person; }

// As it is read out and typed: blanks and dashes are for the eye.
std::string digits_of(std::string_view typed) {
  std::string out;
  for (const char c : typed) {
    if (c != ' ' && c != '-') out += c;
  }
  return out;
}

constexpr std::uint32_t kCodeTries = 3;
constexpr std::uint32_t kBlockMax = 86'400;  // seconds

}  // namespace

bool is_prefix(std::string_view text) {
  return text.size() >= kPrefixMin && text.size() <= 32 &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

Core::Impl::Found Core::Impl::find_visible(const Caller& caller, std::string_view id) {
  if (!is_prefix(id)) return {nullptr, Error::kBadInput, "an id is at least 4 hex digits; see jitctl requests"};
  Found found{nullptr, Error::kNotFound, "there is no such request, or it is not yours to see"};
  if (const auto whole = Id::parse(id)) {
    Live* live = find(*whole);
    if (live != nullptr && self.may_see(caller, live->request)) return {live, Error::kNone, {}};
    return found;
  }
  for (const auto& [key, live] : requests) {
    if (!has_prefix(key, id) || !self.may_see(caller, live->request)) continue;
    if (found.live != nullptr) return {nullptr, Error::kAmbiguous, "more than one request begins so; type more of the id"};
    found = {live.get(), Error::kNone, {}};
  }
  return found;
}

Core::Impl::FoundGrant Core::Impl::find_visible_grant(const Caller& caller, std::string_view id) {
  if (!is_prefix(id)) return {nullptr, Error::kBadInput, "an id is at least 4 hex digits; see jitctl grants"};
  FoundGrant found{nullptr, Error::kNotFound, "there is no such grant, or it is not yours to see"};
  if (const auto whole = Id::parse(id)) {
    LiveGrant* live = find_grant(*whole);
    if (live != nullptr && self.may_see(caller, live->grant)) return {live, Error::kNone, {}};
    return found;
  }
  for (const auto& [key, live] : grants) {
    if (!has_prefix(key, id) || !self.may_see(caller, live->grant)) continue;
    if (found.live != nullptr) return {nullptr, Error::kAmbiguous, "more than one grant begins so; type more of the id"};
    found = {live.get(), Error::kNone, {}};
  }
  return found;
}

bool Core::Impl::by_own_key(const Live& live, const CastVote& cast) const {
  const auto signer = signer_of(cast.vote.key);
  return signer && signer->key->hardware && live.terms().self;
}

// How the policy in force knows who cast it, and nothing where the vote does not stand: its voter may fill no seat, its key is
// enrolled no more, or votes must be signed by now. Who turned out to be the requester does not count.
std::optional<std::string> Core::Impl::stands(const Live& live, const CastVote& cast, const policy::Seat& seat) const {
  if (!cast.vote.approve || !cast.voter || !may_fill(live.request, live.terms(), seat, *cast.voter)) return std::nullopt;
  if (!signed_as_wanted(live, cast.vote)) return std::nullopt;
  std::string person = cast.vote.kind == VoteKind::kLocal ? person_now(*policy(), *cast.voter) : signer_of(cast.vote.key)->person->name;
  if (same_person(live.request.subject, person) && !by_own_key(live, cast)) return std::nullopt;
  return person;
}

bool Core::Impl::complete(const Live& live) const {
  if (live.terms().seats.empty()) return true;
  std::vector<std::vector<std::string>> eligible;
  for (const policy::Seat& seat : live.terms().seats) {
    auto& persons = eligible.emplace_back();
    for (const CastVote& cast : live.votes) {
      if (auto person = stands(live, cast, seat)) persons.push_back(std::move(*person));
    }
  }
  return policy::fill_seats(live.terms().seats, eligible).complete;
}

Grant Core::Impl::grant_from(const Live& live) const {
  const Request& request = live.request;
  Grant grant;
  grant.id = random.id();
  grant.request = request.id;
  grant.request_digest = request.digest;
  grant.subject = request.subject;
  grant.door = request.door;
  grant.ssh_key = request.ssh_key;
  grant.target = request.target;
  grant.argv = request.argv;
  grant.command = request.command;
  grant.cwd = request.cwd;
  set_terms(grant, live.terms());
  for (const CastVote& cast : live.votes) {
    if (!cast.vote.approve) continue;
    grant.lifetime_s = std::min(grant.lifetime_s, cast.vote.duration_s.value_or(grant.lifetime_s));
    grant.scope = std::min(grant.scope, cast.vote.scope.value_or(grant.scope));
  }
  set_times(grant, request.not_before, live.terms().claim_s);
  std::vector<Vote> votes;
  for (const CastVote& cast : live.votes) votes.push_back(cast.vote);
  seal(grant, host, votes, head_text(store.head()));
  return grant;
}

// Why this vote does not count, the typed code apart; nothing: it does.
std::optional<std::pair<Error, std::string>> Core::Impl::refusal(const Live& live, const Caller& caller, const Ballot& ballot,
                                                                 const Signing* signing) const {
  using Why = std::pair<Error, std::string>;
  const Request& request = live.request;
  const bool own_key = signing != nullptr && signing->hardware && ballot.approve && live.terms().self;
  if (is_requester(policy(), request.subject, caller) && !own_key) {
    return Why(Error::kDenied, ballot.approve ? "nobody approves his own request; somebody else of " + texts::seats(live.terms().seats) + " must"
                                              : "this is your own request; to take it back: jitctl cancel " + texts::short_id(request.id));
  }
  if (policy() == nullptr || !may_fill_any(request, live.terms(), *caller.identity)) {
    return Why(Error::kDenied, "you fill no seat of this request; it asks " + texts::seats(live.terms().seats));
  }
  if (ballot.block_s && (ballot.approve || *ballot.block_s == 0 || *ballot.block_s > kBlockMax)) {
    return Why(Error::kBadInput, ballot.approve ? "only a denial can block" : "a block lasts from one second to 1d");
  }
  if (live.terms().reason_required && evidence::trim(ballot.reason).empty()) {
    return Why(Error::kBadInput, "the rule wants a reason of who answers, too: add -m REASON");
  }
  if (live.open() && clock.boottime() >= request.deadline) return Why(Error::kEnded, "this request has expired");
  if (!live.open() && (ballot.approve || !grants.contains(request.grant))) {
    return Why(Error::kEnded, "this request has been approved already");
  }
  if (!ballot.approve) return std::nullopt;
  if (signing == nullptr) {
    if (auto why = local_refusal(live, caller)) return Why(Error::kDenied, std::move(*why));
  } else if (live.terms().votes == policy::Votes::kHardware && !signing->hardware) {
    return Why(Error::kDenied, "the policy wants a vote that is signed with a hardware key, and this key is none: sign with one (--key FILE)");
  }
  if (is_away(*caller.identity)) {
    return Why(Error::kDenied, "you are away and fill no seat; to come back: jitctl away --until now");
  }
  const bool his_uid = std::ranges::any_of(live.votes, [&](const CastVote& cast) {
    return cast.vote.person == caller.identity->person && !is_voter(cast.vote, *caller.identity);
  });
  if (his_uid) return Why(Error::kDenied, "an account that had your uid before has approved this request already; another approver is needed");
  const auto again = std::ranges::find_if(live.votes, [&](const CastVote& cast) {
    return cast.vote.person == caller.identity->person || (cast.voter && person_now(*policy(), *cast.voter) == caller.identity->person);
  });
  if (again != live.votes.end()) {
    return Why(Error::kBadInput, signed_as_wanted(live, again->vote) ? "you have approved this request already"
                                                                     : "your approval of this request counts no more, and there is one for each person; another approver is needed");
  }
  if (ballot.duration_s && (*ballot.duration_s == 0 || *ballot.duration_s > live.terms().give_s)) {
    return Why(Error::kBadInput, "you can give at most " + policy::format_duration(live.terms().give_s));
  }
  if (ballot.scope && !request.extends.empty()) {
    return Why(Error::kBadInput, "the scope of a grant that is in use stays as it is; give a shorter time, or deny");
  }
  if (ballot.scope && *ballot.scope > live.terms().scope) {
    return Why(Error::kBadInput, "you can only narrow the scope, and it is " + std::string(policy::name_of(live.terms().scope)));
  }
  if (ballot.scope && !door_has(request.door, *ballot.scope)) {
    return Why(Error::kBadInput, "the door " + std::string(policy::name_of(request.door)) + " has no scope " +
                                     std::string(policy::name_of(*ballot.scope)));
  }
  if (live.terms().match && digits_of(ballot.typed).empty()) {
    return Why(Error::kBadInput, "this needs the code on the requester's screen: ask for it by voice, then add --typed CODE");
  }
  return std::nullopt;
}

bool Core::would_count(const Caller& caller, const Id& id, const Ballot& ballot) const {
  const Live* const live = impl_->find(id);
  return live != nullptr && may_see(caller, live->request) && !impl_->refusal(*live, caller, ballot, nullptr);
}

void Core::vote(const Caller& caller, std::string_view prefix, Ballot ballot, Done<Request> done) {
  Impl& impl = *impl_;
  auto [live, error, message] = impl.find_visible(caller, prefix);
  if (live == nullptr) return done(failure<Request>(error, message));
  impl.cast(live->request.id, caller, std::move(ballot), std::nullopt, std::move(done));
}

void Core::Impl::cast(const Id& id, const Caller& caller, Ballot ballot, std::optional<Signing> signing, Done<Request> done) {
  Live* const live = find(id);
  if (live == nullptr) return done(failure<Request>(Error::kNotFound, "there is no such request, or it is not yours to see"));
  if (live->busy) {
    live->later.push_back([this, caller, id, ballot = std::move(ballot), signing = std::move(signing), done = std::move(done)]() mutable {
      cast(id, caller, std::move(ballot), std::move(signing), std::move(done));
    });
    return;
  }
  // His vote of before a restart, and the directory has not said yet who he is: now it is known.
  for (CastVote& each : live->votes) {
    if (!each.voter && each.vote.uid == caller.identity->uid && is_voter(each.vote, *caller.identity)) each.voter = caller.identity;
  }
  // Carried twice, it is one vote.
  if (signing) {
    const bool again = std::ranges::any_of(live->votes, [&](const CastVote& each) { return each.vote.signed_digest == signing->digest; });
    if (again) {
      Outcome<Request> out;
      out.value = live->request;
      return done(std::move(out));
    }
  }
  if (ballot.approve && live->open() && policy() != nullptr && complete(*live)) return approve(*live, std::nullopt, std::move(done));
  if (auto why = refusal(*live, caller, ballot, signing ? &*signing : nullptr)) {
    return done(failure<Request>(why->first, std::move(why->second)));
  }
  Vote vote;
  vote.request = id;
  vote.person = caller.identity->person;
  vote.uid = caller.identity->uid;
  vote.user = caller.identity->user;
  vote.approve = ballot.approve;
  vote.reason = ballot.reason;
  vote.block_s = ballot.block_s;
  vote.digest = live->request.digest;
  vote.time = clock.wall();
  if (signing) {
    vote.kind = signing->kind;
    vote.key = signing->key;
    vote.signed_text = signing->text;
    vote.signed_digest = signing->digest;
  } else {
    vote.host_in_doubt = had_power(live->request.subject, vote.uid);
  }
  if (!ballot.approve) return deny_request(*live, caller, std::move(vote), std::move(done));
  if (live->terms().match && digits_of(ballot.typed) != live->request.typed_code) return wrong_code(*live, caller, vote.signed_digest, std::move(done));
  vote.duration_s = ballot.duration_s;
  vote.scope = ballot.scope;
  approve(*live, CastVote{vote, caller.identity}, std::move(done));
}

// Before the approval it ends the request, after it what came of it; a block ends what else is asked of the same people.
void Core::Impl::deny_request(Live& live, const Caller& caller, Vote vote, Done<Request> done) {
  const std::string by = shown(*caller.identity);
  const Request before = live.request;
  if (!live.open()) {
    add_block(before, vote);
    Batch cast;
    cast.entries.push_back(events::vote(before, vote));
    cast.votes.push_back(vote);
    end_grant(*find_grant(before.grant), GrantEnd::kRevoked, by, vote.reason, [before, done = std::move(done)](bool ok) {
      if (!ok) return done(failure<Request>(Error::kUnavailable, "the grant has ended, but the log could not be written"));
      Outcome<Request> out;
      out.value = before;
      done(std::move(out));
    }, std::move(cast));
  } else {
    close(live, RequestState::kDenied, by, vote.reason,
          [this, before, reason = vote.reason, by, done = std::move(done)](bool ok) mutable {
            if (!ok) return done(failure<Request>(Error::kUnavailable, "it is denied, but the log could not be written"));
            Outcome<Request> out;
            out.value = before;
            out.value.state = RequestState::kDenied;
            out.value.ended_by = by;
            out.value.ended_why = reason;
            out.value.ended_wall = clock.wall();
            done(std::move(out));
          },
          vote);
  }
  if (!vote.block_s) return;
  std::vector<Id> others;
  for (const auto& [id, other] : requests) {
    if (id != before.id && other->open() && blocked(other->request.subject, other->request.offer)) others.push_back(id);
  }
  for (const Id& id : others) {
    if (Live* other = find(id)) close(*other, RequestState::kDenied, by, vote.reason, [](bool) {});
  }
}

// Each try is durable before it is answered: a restart gives nobody more of them.
void Core::Impl::wrong_code(Live& live, const Caller& caller, const std::string& signed_digest, Done<Request> done) {
  const Id id = live.request.id;
  const auto text = [](std::uint32_t tries) {
    return "that is not the code on the requester's screen; " + std::to_string(kCodeTries - tries) + (kCodeTries - tries == 1 ? " try is left" : " tries are left");
  };
  if (std::ranges::find(live.wrong_votes, signed_digest) != live.wrong_votes.end()) return done(failure<Request>(Error::kDenied, text(live.request.wrong_codes)));
  const std::uint32_t tries = ++live.request.wrong_codes;
  if (tries >= kCodeTries) {
    const std::string why = "the typed code was wrong " + std::to_string(kCodeTries) + " times";
    log(events::vote_refused(live.request, *caller.identity, why));
    return close(live, RequestState::kDenied, "", why, [why, done = std::move(done)](bool) {
      done(failure<Request>(Error::kEnded, why + ", so the request has ended"));
    });
  }
  live.busy = true;
  Batch batch;
  batch.requests.push_back(live.request);
  batch.entries.push_back(events::vote_refused(live.request, *caller.identity, "the typed code was wrong"));
  commit(std::move(batch), [this, id, signed_digest, answer = text(tries), done = std::move(done)](bool ok) {
    if (Live* tried = find(id)) {
      if (ok && !signed_digest.empty()) tried->wrong_votes.push_back(signed_digest);
      free_later(*tried);
    }
    done(failure<Request>(ok ? Error::kDenied : Error::kUnavailable, ok ? answer : "the vote could not be stored; try again later"));
  });
}

void Core::Impl::approve(Live& live, std::optional<CastVote> cast, Done<Request> done) {
  const Id id = live.request.id;
  if (LiveGrant* held = find_grant(live.request.extends); held != nullptr && held->busy) {
    held->later.push_back([this, id, cast = std::move(cast), done = std::move(done)]() mutable {
      Live* again = find(id);
      if (again == nullptr || !again->open() || again->busy) return done(failure<Request>(Error::kUnavailable, "it is being written just now; try again"));
      approve(*again, std::move(cast), std::move(done));
    });
    return;
  }
  if (policy() == nullptr) return done(failure<Request>(Error::kUnavailable, "no policy is in force; see jitctl policy check"));
  // The whole policy is asked again at the approval: what changed since can only make it tighter.
  const Sight sight = look(live);
  const policy::Decision decision = policy()->decide(sight.view);
  auto now = tighten(decision, live.terms(), kNotAnyMore);
  if (const std::string* why = std::get_if<std::string>(&now)) {
    if (lacks_root(sight)) return done(failure<Request>(Error::kUnavailable, "the user directory does not answer: try again"));
    const std::string text = *why;
    close(live, RequestState::kCancelled, "", text,
          [text, done = std::move(done)](bool) { done(failure<Request>(Error::kEnded, text)); }, std::nullopt,
          record(sight, decision, live.request.command.words_at));
    return;
  }
  live.tighten(std::move(std::get<policy::Offer>(now)));
  const Request before = live.request;
  const bool voted_now = cast.has_value();
  Batch batch;
  if (cast) {
    batch.votes.push_back(cast->vote);
    batch.entries.push_back(events::vote(live.request, cast->vote));
    live.votes.push_back(std::move(*cast));
  }
  std::optional<Grant> grant;
  const bool extension = !live.request.extends.empty();
  if (complete(live)) {
    grant = extension ? prolonged(live) : grant_from(live);
    if (!grant) {
      if (voted_now) live.votes.pop_back();
      const std::string text = "the grant has ended meanwhile";
      return close(live, RequestState::kCancelled, "", text,
                   [text, done = std::move(done)](bool) { done(failure<Request>(Error::kEnded, text)); });
    }
    live.request.state = RequestState::kApproved;
    live.request.grant = grant->id;
    live.request.ended_wall = clock.wall();
    std::string by;
    for (const CastVote& each : live.votes) by += (by.empty() ? "" : ", ") + shown(each);
    live.request.ended_by = std::move(by);
    batch.grants.push_back(*grant);
    batch.entries.push_back(events::request(events::kRequestApproved, live.request));
    if (!extension) owe_review(live.request);
    batch.entries.push_back(events::grant(extension ? events::kGrantExtended : events::kGrantCreated, *grant,
                                          record(sight, decision, live.request.command.words_at), live.terms().break_glass));
    if (!extension) did_grant(*grant, live.terms());
  }
  batch.requests.push_back(live.request);  // in any case: that its door left may not be written yet
  live.busy = true;
  // A use that is written meanwhile would write the old end again.
  if (LiveGrant* held = find_grant(live.request.extends); held != nullptr && grant) held->busy = true;
  commit(std::move(batch), [this, id, before, voted_now, grant = std::move(grant), done = std::move(done)](bool ok) mutable {
    Live* voted = find(id);
    if (grant && voted->request.extends.empty()) wrote_grant(*grant, ok);
    if (!ok) {
      if (voted_now) voted->votes.pop_back();
      voted->request = before;
      due.emplace(before.deadline, id);  // it may have passed meanwhile
      if (voted->resume_until != 0) due.emplace(voted->resume_until, id);
      if (LiveGrant* held = find_grant(before.extends); held != nullptr && grant) free_later(*held);
      free_later(*voted);
      return done(failure<Request>(Error::kUnavailable, "the vote could not be stored; try again later"));
    }
    if (grant && !voted->request.extends.empty()) {
      // Kept as long as the grant: a denial ends that one still.
      if (LiveGrant* held = find_grant(voted->request.extends)) held->extensions.push_back(id);
      unindex(voted->request);
      prolong(std::move(*grant));
      Outcome<Request> out;
      out.value = voted->request;
      listener.request_changed(out.value);
      free_or_drop(*voted);
      return done(std::move(out));
    }
    if (grant) {
      const Grant given = *grant;
      keep_approved(voted->request);
      add_grant(std::move(*grant));
      unindex(voted->request);
      if (voted->conn != 0) {
        // A hand-over begins with the yes, not with the vote: it is what the module has 10 s to use.
        Answer answer;
        answer.verdict = Verdict::kAllow;
        answer.cause = "granted";
        answer.id = id;
        answer.text = texts::approved(voted->request, given);
        for (std::string& more : without_enforcer()) answer.text.push_back(std::move(more));
        answer.head = head_text(store.head());
        waiting.erase(voted->conn);
        const bool asks_again = voted->prompted && takes_code(voted->terms());
        give(std::exchange(voted->conn, 0), ask_of(voted->request), given.id, std::move(answer), &Gate::decided);
        if (!hand_overs.empty() && hand_overs.back().grant == given.id) hand_overs.back().asks_again = asks_again;
      }
      listener.grant_changed(given);
    } else {
      tell_waiting(*voted, {texts::line(shown(voted->votes.back()) + " approved; " +
                                        texts::seats(voted->terms().seats) + " needed in all")});
    }
    listener.request_changed(voted->request);
    Outcome<Request> out;
    out.value = voted->request;
    free_or_drop(*voted);
    done(std::move(out));
  });
}

// The grant of what was approved may have ended while that was written, or been used up by the answer.
void Core::Impl::free_or_drop(Live& live) {
  if (live.open() || find_grant(live.request.grant) != nullptr) return free_later(live);
  auto later = std::move(live.later);
  drop(live.request.id);
  for (auto& step : later) step();
}

}  // namespace jit::core
