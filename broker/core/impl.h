// SPDX-License-Identifier: Apache-2.0
// The core's memory, private to core/*.cpp.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <queue>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "broker/core/core.h"
#include "broker/core/coverage.h"
#include "broker/core/document.h"
#include "broker/core/events.h"
#include "broker/core/facts.h"
#include "broker/core/record.h"
#include "broker/core/terms.h"
#include "broker/core/texts.h"
#include "evidence/vote_code.h"

namespace jit::core {

struct HashId {
  std::size_t operator()(const Id& id) const noexcept {
    std::size_t out = 0;
    for (std::size_t i = 0; i < sizeof out; ++i) out = (out << 8) | id.bytes[i];  // random bits already
    return out;
  }
};

struct CastVote {
  Vote vote;
  IdentityPtr voter;  // null after a restart until the directory answered
};

// What makes a vote more than the word of this host.
struct Signing {
  VoteKind kind = VoteKind::kSshsig;
  std::string key;     // its fingerprint
  std::string text;    // as it came
  std::string digest;  // hex SHA-256 of what was signed
  bool hardware = false;
};

// A request that is pending, detached, or approved with a living grant.
struct Live {
  Request request;
  std::unique_ptr<const policy::Offer> tighter;  // than request.offer; none: as it was
  std::vector<CastVote> votes;
  std::vector<std::string> wrong_votes;  // digests of signed ones with a wrong code: carried twice, each was one try
  Conn conn = 0;               // who waits; 0: nobody
  BootMs resume_until = 0;     // after a restart: cancelled then; 0: no such limit
  bool one_minute_told = false;
  bool stored = true;          // false until its first commit; nobody hears of it before
  bool prompted = false;       // who waits can be asked something
  bool busy = false;           // a commit is under way; what comes meanwhile waits its turn
  std::vector<std::function<void()>> later;
  bool open() const { return request.state == RequestState::kPending || request.state == RequestState::kDetached; }
  const policy::Offer& terms() const { return tighter ? *tighter : request.offer; }
  // The question before the wait: while it stands, the module does not see that the broker was restarted.
  bool may_be_at_question() const { return terms().votes != policy::Votes::kAny || request.door == policy::Door::kSsh; }
  void tighten(policy::Offer now) {
    if (now != terms()) tighter = std::make_unique<const policy::Offer>(std::move(now));
  }
};

struct LiveGrant {
  Grant grant;
  std::vector<Id> extensions;  // requests that moved its end
  IdentityPtr root;
  BootMs warned = 0;  // the moment of the last warning of its end
  bool busy = false;
  std::vector<std::function<void()>> later;
};

// A yes on its way from account to open_session.
struct HandOver {
  std::shared_ptr<const Ask> ask;
  Id grant;  // empty: already root
  BootMs until = 0;
  bool open = false;  // sudo_jit is yet to ask: it opens no session
  bool asks_again = false;  // who asked was at the question for a vote code, and asks for the yes anew behind it
};

// An emergency access of which no channel has word yet.
struct Untold {
  Request request;
  BootMs until = 0;                        // then it is logged as unsent
  BootMs go_on_at = 0;                     // then whoever waits goes on: not later
  std::function<void(const Told&)> go_on;  // empty: nobody waits
};

struct Denials {
  BootMs until = 0;
  std::size_t count = 0;  // after the one that was logged
  std::string person;
};
using DenialKey = std::tuple<std::uint32_t, policy::Door, std::string>;

// One evaluation: the request as the policy sees it, with its facts. What it is made of must outlive it.
struct Sight {
  using Names = std::vector<std::string>;
  Sight(Senses& senses, const Clock& clock, const Ask& ask, const Grant* used = nullptr, Names absent = {});
  Sight(Senses& senses, const Clock& clock, const Request& request, const policy::Identity& root, Names absent);
  Sight(const Sight&) = delete;
  Sight& operator=(const Sight&) = delete;
  Scene scene;
  Evaluated facts;
  Names absent;
  policy::Request view;

 private:
  void judge_at(const Clock& clock, BootMs not_before);
};

struct Core::Impl {
  Core& self;
  Clock& clock;
  Random& random;
  Store& store;
  Tombstones& tombstones;
  Gate& gate;
  Listener& listener;
  std::string boot_id;
  Host host;
  Limits limits;
  IdentityPtr root = std::make_shared<policy::Identity>(policy::Identity{0, "root", "uid:0", false, {}, {}});

  std::unordered_map<Id, std::unique_ptr<Live>, HashId> requests;
  BootMs unreached_until = 0;  // until when people who are not at this host count as out of reach
  bool unreached() const { return clock.boottime() < unreached_until; }
  std::unordered_map<Id, std::unique_ptr<LiveGrant>, HashId> grants;
  std::unordered_map<Conn, Id> waiting;                  // connection -> request
  std::unordered_multimap<std::uint32_t, Id> by_uid;     // subject's uid -> open request
  std::unordered_multimap<std::uint32_t, Id> by_login;   // his loginuid, where it is another uid
  std::unordered_multimap<std::string, Id> by_person;
  std::unordered_multimap<std::uint32_t, Id> grants_of;  // subject's uid -> living grant
  std::unordered_map<std::uint32_t, std::deque<BootMs>> asked;  // the last hour's requests of a uid
  std::unordered_map<Conn, std::shared_ptr<const Ask>> asks;    // submits whose commit is under way
  std::unordered_map<Conn, std::function<void()>> deferred;     // submits and resumes that wait for a busy request
  std::deque<HandOver> hand_overs;  // the one that ends first in front
  std::map<DenialKey, Denials> denials;
  using Due = std::pair<BootMs, Id>;
  std::priority_queue<Due, std::vector<Due>, std::greater<>> due;  // may hold stale ones; looked at again when due
  std::deque<Batch> unwritten;  // ends that hold in memory and could not be written yet; uses, too
  std::map<Id, Tombstone> owed;  // ends that the store may not hold, among them those being written again
  bool buried = true;            // all of `owed` has a tombstone, or the next start takes everything for ended
  bool to_clear = false;         // the tombstones are not what a broker with nothing owed leaves
  BootMs retry_at = 0;
  Senses senses;
  std::optional<BootMs> fact_end;  // when the next fact goes stale
  std::map<policy::Door, WallMs> observing;
  std::string tags_hash;
  std::map<std::string, Absence> away;  // by person; those that are over, too
  std::vector<Block> blocks;
  std::set<std::pair<std::uint32_t, std::uint32_t>> power;  // uid -> whom he was here, in this boot
  bool power_unknown = false;  // State::put_back
  std::map<std::string, BootMs> foreign;                     // who signed what was refused, and until when that is not logged again
  std::map<Id, Request> unreviewed;  // break-glass uses without a review
  std::map<Id, Untold> untolds;
  bool login_waits_full(std::uint32_t uid) const;
  Enforcement* enforcement = nullptr;
  bool next_use_only = false;  // nobody here ends what runs

  Impl(Core& core, Clock& c, Random& r, Store& s, Tombstones& t, Gate& g, Listener& l, std::string boot, Limits lim)
      : self(core), clock(c), random(r), store(s), tombstones(t), gate(g), listener(l), boot_id(std::move(boot)), limits(lim) {}

  const policy::Policy* policy() const { return self.policy_.get(); }
  Live* find(const Id& id) {
    const auto it = requests.find(id);
    return it == requests.end() ? nullptr : it->second.get();
  }
  LiveGrant* find_grant(const Id& id) {
    const auto it = grants.find(id);
    return it == grants.end() ? nullptr : it->second.get();
  }

  // --- facts_core.cpp
  void did(const policy::Identity& who, Deed deed, const Id& id) { senses.history.add(who.person, deed, clock.boottime(), id); }
  void did_grant(const Grant& grant, const policy::Offer& offer);
  void wrote_grant(const Grant& grant, bool ok);  // false: as if it had never been given
  void undo_request(const Request& request);      // it could not be stored: as if it had never been asked
  // Pending requests, after a change of what `changed` names; nothing: of the policy, where it is another one than they were asked under.
  void look_again(std::string_view changed = {});
  void watch_facts();    // finds fact_end
  void facts_due();
  std::string record(const Sight& sight, const policy::Decision& decision, std::uint32_t words_at) const;
  FactState state_of(const policy::FactRule& rule) const;
  void fact_done(const std::string& name, const Done<FactState>& done);
  void saw_origin(const Subject& subject, policy::Door door, Batch& batch);

  // --- people.cpp
  bool is_away(const policy::Identity& who) const;
  std::vector<std::string> absent_for(const Subject& subject, const Live* live = nullptr) const;  // who voted is here
  Sight look(const Ask& ask, const Grant* used = nullptr) { return {senses, clock, ask, used, absent_for(ask.subject)}; }
  // Who is judged as root too is not judged by groups that the directory has not told.
  bool lacks_root(const Sight& sight) const { return policy::target_is_claim(sight.view) && !root->groups_known; }
  void learn_root(IdentityPtr now) {  // what is known of him stays known
    if (now->groups_known || !root->groups_known) root = std::move(now);
  }
  Sight look(const Live& live) { return {senses, clock, live.request, *root, absent_for(live.request.subject, &live)}; }
  // May he fill that seat now, the ladder's steps that have come included? Whether he asked himself is another question.
  bool may_fill(const Request& request, const policy::Offer& terms, const policy::Seat& seat, const policy::Identity& voter) const;
  bool may_fill_any(const Request& request, const policy::Offer& terms, const policy::Identity& voter) const;
  bool is_approver(const policy::Identity& who) const;  // of anything here
  bool same_person(const Subject& subject, std::string_view person) const;
  bool same_people(const Subject& a, const Subject& b) const;  // by any of their names
  static bool owns(const Caller& caller, const Subject& subject);
  std::optional<std::string> blocked(const Subject& subject, const policy::Offer& offer);
  void add_block(const Request& request, const Vote& vote);
  // Why nothing more is asked of people for him now, with its cause; nothing: it may be.
  std::optional<std::pair<std::string, std::string>> held_back(const Subject& subject, const policy::Offer& offer);

  // --- ladder.cpp
  void escalate(Live& live);

  // --- emergency.cpp
  void tell_first(const Request& request, BootMs wait, std::function<void(const Told&)> go_on);
  // conn 0: he has left.
  void begin_emergency(Conn conn, std::shared_ptr<const Ask> ask, const Request& request, const std::string& secret);
  void check_untold(const Id& id);

  // --- reviews.cpp
  std::optional<std::string> review_overdue(const Subject& subject) const;
  void owe_review(Request& request) const;
  bool may_review(const Caller& caller, const Request& request) const;

  // --- card.cpp
  Card card_of(const Ask& ask);

  // --- ahead.cpp
  struct Judged {
    policy::Decision decision;
    std::string kept;  // its record
  };
  Outcome<Judged> judge(const Ask& ask);
  bool may_be_ahead(const Ask& ask);  // could the same be asked for without a door?
  std::optional<std::string> hold_back(const Ask& ask, const policy::Offer& offer);
  void unmake(Live& made, Done<Request> done);

  // --- extend.cpp
  // The grant with its end moved as far as these votes let it; nothing: it has ended.
  std::optional<Grant> prolonged(const Live& live);
  void prolong(Grant grant);

  // --- observe.cpp
  void observe(Conn conn, const std::shared_ptr<const Ask>& ask);
  // by: "door" or "guard"
  void note_observed(const Ask& ask, std::string_view by, const std::string& rule, const std::string& would,
                     const std::string& kept);
  void note_guards(const Ask& ask, const policy::Decision& decision, const std::string& kept);

  // --- core.cpp
  std::int64_t now_s() const { return clock.wall() / 1000; }  // what the policy judges windows, rosters and keys by
  void stamp(AuditEntry& entry) const;
  void commit(Batch batch, std::function<void(bool)> done);
  void log(AuditEntry entry);  // nobody waits
  void deny(Conn conn, const Ask& ask, std::string cause, std::vector<std::string> text, Id id = {},
            const std::string& kept = {});  // kept: the record of the decision
  void note_denial(const Ask& ask, const std::string& cause, const std::string& why, const std::string& kept = {});
  // True: this is logged; false: it is one more of a flood, and counted.
  bool first_of_flood(const Ask& ask, const std::string& cause);
  void yes(Conn conn, std::shared_ptr<const Ask> ask, const Id& grant, std::vector<std::string> text);
  void hand_over(std::shared_ptr<const Ask> ask, const Id& grant, bool open = false);
  void defer(Live& live, Conn conn, std::function<void()> step);  // unless the connection is gone by then
  void free_later(Live& live);
  void free_later(LiveGrant& grant);

  // --- enforcement.cpp
  struct Ends {
    BootMs end = 0;   // of what runs
    BootMs hard = 0;  // that systemd itself holds
  };
  Ends ends_of(const Grant& grant, const Ask& ask) const;  // for this use of it
  std::vector<std::string> without_enforcer() const;       // what to tell where nobody ends what runs
  void enforce_end(const Grant& grant);
  void end_finishing(const Grant& grant, std::function<void(bool)> done);
  void watch_warnings(const LiveGrant& live);
  void warn_now(LiveGrant& live, BootMs now);

  // --- ends.cpp
  // For what ends: it holds at once in memory, has a tombstone before done(false), and is written as soon as that is
  // possible again.
  void commit_end(Batch batch, std::function<void(bool)> done);
  void keep_for_later(Batch batch);
  std::vector<Tombstone> ends_in(const Batch& batch) const;  // of this boot
  void bury(const std::vector<Tombstone>& ends);
  bool bury_all();
  void written(const std::vector<Tombstone>& ends);
  void write_again();
  bool may_use() const { return buried && !store.failing(); }  // a grant

  // --- commands.cpp: what sudo will run
  void leave_to_sudo_jit(Conn conn, std::shared_ptr<const Ask> ask);
  void submit_child(Conn conn, const std::shared_ptr<const Ask>& ask);
  void drop_hand_over(const Process& process);

  // --- submit.cpp
  void submit(Conn conn, std::shared_ptr<const Ask> ask);
  const LiveGrant* covering_grant(const Ask& ask);  // that may be used now, the store apart
  void use_grant(Conn conn, const std::shared_ptr<const Ask>& ask, const LiveGrant& live);
  bool join(Conn conn, const std::shared_ptr<const Ask>& ask);
  static bool takes_code(const policy::Offer& terms) { return terms.votes != policy::Votes::kAny; }
  void allow(Conn conn, std::shared_ptr<const Ask> ask, const policy::Decision& decision, const std::string& kept);
  void open_request(Conn conn, std::shared_ptr<const Ask> ask, const policy::Decision& decision,
                    const std::string& kept);
  std::optional<std::string> over_limit(const Ask& ask);
  std::optional<std::string> over_grants(const Subject& subject) const;  // that nobody is asked for
  std::optional<std::string> over_emergencies(const Ask& ask, const policy::Offer& offer) const;
  void count_asked(const Subject& subject);
  void uncount_asked(const Subject& subject);
  bool approved_by(const LiveGrant& grant, const Subject& subject) const;
  Request make_request(const Ask& ask, const policy::Offer& offer, RequestState state, RequestKind kind, const Id& extends = {});
  // A request that the policy itself answers with yes, and its grant.
  void set_terms(Grant& grant, const policy::Offer& offer) const;
  void set_times(Grant& grant, BootMs not_before, std::uint32_t claim_s) const;
  void keep_approved(const Request& request);
  std::pair<Request, Grant> granted_at_once(const Ask& ask, const policy::Offer& offer, RequestKind kind);
  Grant make_grant(const Ask& ask, const policy::Offer& offer);

  // --- requests.cpp
  void share_identities(Request& request) const;
  Live& add(std::unique_ptr<Live> live);
  void drop(const Id& id);  // from memory
  void unindex(const Request& request);
  void detach_now(const Id& id);
  void cancel_left(const Id& id);
  void close(Live& live, RequestState state, std::string by, std::string why, std::function<void(bool)> done,
             std::optional<Vote> vote = std::nullopt, std::string kept = {});
  void leave(Conn conn, bool keep);
  const LiveGrant* covering_approved(const Request& request);
  void tell_waiting(Live& live, std::vector<std::string> text);
  std::shared_ptr<const Ask> ask_of(const Request& request) const;
  void check_due(const Id& id);

  // --- votes.cpp
  struct Found {
    Live* live = nullptr;
    Error error = Error::kNone;
    std::string message;
  };
  Found find_visible(const Caller& caller, std::string_view id);
  // No vote: the rule asks nobody (any more).
  void approve(Live& live, std::optional<CastVote> cast, Done<Request> done);
  // signing: null where the bus alone says who it is.
  std::optional<std::pair<Error, std::string>> refusal(const Live& live, const Caller& caller, const Ballot& ballot, const Signing* signing) const;
  std::optional<std::string> local_refusal(const Live& live, const Caller& caller) const;
  void cast(const Id& id, const Caller& caller, Ballot ballot, std::optional<Signing> signing, Done<Request> done);
  bool had_power(const Subject& subject, std::uint32_t voter) const;
  void note_power(std::uint32_t uid, std::uint32_t loginuid, std::uint32_t target);
  bool by_own_key(const Live& live, const CastVote& cast) const;  // by one that may approve what its owner asks
  bool signed_as_wanted(const Live& live, const Vote& vote) const;  // by a key that is in force now, where the terms want one
  std::optional<std::string> stands(const Live& live, const CastVote& cast, const policy::Seat& seat) const;
  void deny_request(Live& live, const Caller& caller, Vote vote, Done<Request> done);
  void wrong_code(Live& live, const Caller& caller, const std::string& signed_digest, Done<Request> done);
  bool complete(const Live& live) const;
  void free_or_drop(Live& live);
  Grant grant_from(const Live& live) const;

  // --- signed_votes.cpp
  struct Signer {
    const policy::Person* person = nullptr;
    const policy::Key* key = nullptr;
  };
  std::optional<Signer> signer_of(const std::string& fingerprint) const;  // whose key may be used now
  std::optional<Signer> signer_of(const evidence::ReadCode& code) const;
  struct Carried {
    Signer signer;
    Signing signing;
    Ballot ballot;
    std::string digest;  // of the request
    std::string request, host, boot;  // as the vote names them; a code has the digest only, which covers them
  };
  Outcome<Carried> open_vote(std::string_view text) const;
  Outcome<Carried> open_envelope(std::string_view text) const;
  Outcome<Carried> open_code(std::string_view text) const;
  void note_foreign(const Carried& carried, const std::string& why);

  // --- grants.cpp
  void add_grant(Grant grant);
  void drop_grant(const Id& id);
  struct FoundGrant {
    LiveGrant* live = nullptr;
    Error error = Error::kNone;
    std::string message;
  };
  FoundGrant find_visible_grant(const Caller& caller, std::string_view id);
  void end_grant(LiveGrant& live, GrantEnd end, std::string by, std::string why, std::function<void(bool)> done,
                 Batch with = {});  // what is written along
  // The yes, by which of the gate's two ways it is told.
  using Tell = void (Gate::*)(Conn, const Answer&);
  void give(Conn conn, std::shared_ptr<const Ask> ask, const Id& grant, Answer answer, Tell tell);
  void bind(Conn conn, BindAsk ask);
  void bind_now(Conn conn, const HandOver& hand, const BindAsk& ask);
  // starts: the first use. conn 0: nobody waits for the answer.
  void claim(Conn conn, LiveGrant& live, const HandOver& hand, const BindAsk& ask, BootMs starts);
  void expire_hand_overs();
  std::vector<policy::Seat> seats_behind(const Grant& grant) const;
};

inline constexpr const char* kUnwritable = "the audit log cannot be written, so nothing can be granted now";

// Whose quotas an attempt uses: the real uid's and, after su, those of who logged in.
std::vector<std::uint32_t> quota_of(std::uint32_t uid, std::uint32_t loginuid);
bool promptless(const Ask& ask);  // an ssh login that waits without a word
bool one_uid(std::uint32_t a, std::uint32_t b);  // no uid is nobody's
// Does an approver's uid, loginuid or person make him the requester? People as the policy in force knows them, too.
bool is_requester(const policy::Policy* policy, const Subject& subject, const Caller& caller);
bool is_prefix(std::string_view id);  // 4 to 32 hex digits
IdentityPtr identity_of_person(const std::string& person);  // who has no account here
// Is the account that has the uid of the vote now the one that voted, or the same person's?
bool is_voter(const Vote& vote, const policy::Identity& account);
// Who this is by the policy in force, which may know more than at the time of the look-up.
std::string person_now(const policy::Policy& policy, const policy::Identity& identity);

template <class T>
Outcome<T> failure(Error error, std::string message) {
  return {error, std::move(message), {}};
}

}  // namespace jit::core
