// SPDX-License-Identifier: Apache-2.0
// Requests, quorums and grants as state machines. No I/O, one thread, the clock is a parameter.
// Rules: a request is immutable once submitted; every change is durable before anyone is told of it; what fails denies.
#pragma once

#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "broker/core/enforcement.h"
#include "broker/core/history.h"
#include "broker/core/limits.h"
#include "broker/core/model.h"
#include "broker/core/ports.h"
#include "policy/explain.h"

namespace jit::evidence {
struct Opening;
}

namespace jit::core {

// One attempt at a door, with everything derived by the broker or reported by the module.
struct Ask {
  policy::Door door = policy::Door::kSudo;
  std::string service;
  Subject subject;
  std::uint32_t real_uid = policy::kNoUid;  // of the asking process
  IdentityPtr target;
  IdentityPtr root;
  bool target_verified = false;
  std::string target_group;  // of sudo's -g, as sudo resolved it; empty: the target's own
  Process process;
  Process parent;
  std::vector<std::string> argv;
  Command command;
  std::string cwd;
  std::string reason;
  ReasonFrom reason_from = ReasonFrom::kNone;
  std::string ticket;
  Urgency urgency = Urgency::kNormal;
  std::optional<std::uint32_t> asked_s;
  std::optional<policy::Scope> asked_scope;  // ahead of time
  std::string via;
  std::string ssh_key;  // at ssh: hex SHA-256 of the keys proven so far; empty: not known yet
  bool can_ask = false;
  std::uint32_t budget_s = 0;  // 0: nobody waits here
  bool keep = false;           // with budget 0: leave a detached request behind (ssh), else refuse
  BootMs not_before = 0;       // ahead of time: no use before; 0: at once
  bool resolves = false;       // sudo_jit is loaded in this sudo and asks before anything runs: until then nobody is asked
  bool resolved = false;       // sudo_jit asks, with what sudo will run
  bool child = false;          // what a program under sudo starts: answered at once
  std::string recording;       // where sudo records this call; empty: it does not
  bool observe = false;        // the PAM line ignores the answer: decided and logged, and nothing comes of it
  bool unseen = false;         // nobody has looked at the files that its command names: what hangs on them is unknown
};

struct BindAsk {
  policy::Door door = policy::Door::kSudo;
  IdentityPtr user;  // PAM_USER at open_session: the true target
  Process process;
  Terminal terminal;
  std::uint32_t audit_session = policy::kNoUid;
  std::string ssh_key = {};  // at ssh: as in Ask; empty: no key opened this login
};

// A caller on the system bus. Uid from the bus, the rest from the directory and people.d.
struct Caller {
  IdentityPtr identity;
  std::uint32_t loginuid = policy::kNoUid;  // of the calling process; kNoUid: unset or unknown
  std::string login_user;                   // its name, where it is another uid than the identity's
  bool admin = false;
  bool auditor = false;
  bool in_session = true;  // the call comes from a login session of his, or nobody keeps these here (no logind)
};

struct Ballot {
  bool approve = false;
  std::optional<std::uint32_t> duration_s;
  std::optional<policy::Scope> scope;
  std::string reason;
  std::string typed = {};                // the code that the requester's terminal shows, as told by voice
  std::optional<std::uint32_t> block_s = {};  // with a denial: nothing more is asked of these seats for that person so long
};

enum class Error : std::uint8_t { kNone, kBadInput, kNotFound, kDenied, kAmbiguous, kEnded, kLimit, kUnavailable };
std::string_view name_of(Error);  // "BadInput", ...: the last part of org.pamjit.Error.NAME

template <class T>
struct Outcome {
  Error error = Error::kNone;
  std::string message;  // for people: what, why, what to do next
  T value{};
  explicit operator bool() const { return error == Error::kNone; }
};
template <class T>
using Done = std::function<void(Outcome<T>)>;

// A declared fact as it stands.
struct FactState {
  policy::FactRule rule;
  std::optional<Fact> set;  // none: it has its initial value, or none
  bool known = false;
  std::optional<std::int64_t> age_s;
};

// A request that counts against the hourly limit of these two.
struct Asked {
  std::uint32_t uid = policy::kNoUid;
  std::uint32_t loginuid = policy::kNoUid;
  std::string boot_id;
  BootMs created = 0;
  WallMs created_wall = 0;
};

// Who had word of an emergency access when it went on.
struct Told {
  std::string channel;                // empty: none, of those that were to be told
  std::vector<std::string> channels;  // these; empty: none was to be
};

// Has a door grants of that scope?
bool door_has(policy::Door door, policy::Scope scope);

// What is only supposed where the policy is asked for an explanation.
struct Suppose {
  std::optional<std::int64_t> at_s;                          // Unix time, seconds; none: now. Counts and ages are of now
  std::map<std::string, policy::Value, std::less<>> facts;   // instead of those that are
  std::size_t nearest = 0;                                   // permits to be named with what each lacks
};
struct Explained {
  policy::Decision decision;
  std::vector<policy::NearMiss> near;  // the nearest first
  std::string policy_hash;             // empty: none is in force
  std::int64_t at_s = 0;
};

struct State {
  std::vector<Request> requests;  // pending, detached, and approved with a living grant
  std::vector<Vote> votes;        // on those
  std::vector<Grant> grants;      // unclaimed and active
  std::vector<Asked> asked;       // all requests of the last hour, of this boot or by the wall clock
  std::vector<Request> owed;      // break-glass uses whose review is owed, of any boot
  std::vector<std::pair<Request, Vote>> blocks;  // denials that block, of any boot; those that have ended too
  std::vector<Absence> absences;
  // Grants that were used, of any boot: who (and as whom he logged in) was whom.
  struct Held {
    std::uint32_t uid, loginuid, target;
    std::string boot_id;
  };
  std::vector<Held> held;
  bool put_back = false;  // the log was lost or put back in this boot: anybody may have been anybody
  std::set<Id> told;  // emergency accesses that the log has as told to a channel, or as unsent
};

class Core {
 public:
  Core(Clock& clock, Random& random, Store& store, Tombstones& tombstones, Gate& gate, Listener& listener,
       std::string boot_id, Limits limits);

  // --- once, at start: what the database held. Of another boot: requests cancelled, grants void, in one transaction.
  // Of this boot: grants stay; a pending request has limits.resume_ms to be resumed, then it is cancelled, or left to its
  // deadline where its requester may stand at the module's question. What has a tombstone ends again; where these cannot
  // be read, every grant is void and every request cancelled.
  // A database that was lost or put back: all that is open in it is void, whatever its boot.
  struct Lost {
    std::string cause;       // a word; empty: it is as it was left
    std::int64_t epoch = 0;  // of the database from now on
  };
  void restore(State state, const Lost& lost);

  // Once for each database: what was done here before, and what was set.
  void remember(Past past);
  void use_host(Host host);  // before the first request; of those from now on
  // Of what a request hides from the relay: for whoever may see it here.
  std::vector<evidence::Opening> openings(const Request& request) const;
  void use_limits(const Limits& limits);  // at any time; what is over a new one stays
  // Null: nobody here ends what runs, and who is let through is told so. Until this is called nothing is said of it.
  void use_enforcement(Enforcement* enforcement);
  void end_again(const std::vector<Grant>& ended);  // after restore(): as they are stored, the newest ones
  void use_load(std::function<std::optional<double>()> load);  // the 1-minute load average
  // Whether somebody carries messages to channels: `notify` is honoured when it is queued, and the log is the queue.
  void use_notifier(std::function<bool()> there);

  // A channel took the message of this emergency access.
  void acknowledged(const Request& request, const std::string& channel);

  void know_voter(std::uint32_t uid, IdentityPtr identity);  // of votes that were restored
  void know_root(IdentityPtr root);                          // what the directory says of uid 0; claims that wait are judged then
  void note(std::string_view type, std::string_view name, std::string_view value);  // an audit entry of one field
  void note(std::string_view type, const policy::Identity& by, std::string_view name, std::string_view value);

  // --- policy; null: everything is denied. Pending requests are evaluated again and can only get tighter.
  // tags_hash: of the host's tags, for the record of each decision.
  void use_policy(std::shared_ptr<const policy::Policy> policy, std::string tags_hash = {});
  const policy::Policy* policy() const { return policy_.get(); }

  // --- the gate
  void submit(Conn conn, Ask ask);
  // One that is `unseen`. True: taken. False: it must be seen first, and nothing was done.
  bool submit_unseen(Conn conn, Ask& ask);
  void resume(Conn conn, const Id& id, std::string_view secret);
  void detach(Conn conn);
  void withdraw(Conn conn);
  void hangup(Conn conn);  // without Detach or Withdraw before: cancels
  void bind(Conn conn, BindAsk ask);

  // --- the bus; a prefix is resolved among what the caller may see, so "not yours" and "not there" answer alike
  void create(const Caller& caller, Ask ask, Done<Request> done);
  void cancel(const Caller& caller, std::string_view id, Done<Request> done);
  void vote(const Caller& caller, std::string_view id, Ballot ballot, Done<Request> done);
  // A vote that its person signed: the JSON of an envelope, or a vote code. Anybody may carry it; the signature says whose it is.
  struct SignedBy {
    std::string person;
    std::vector<std::string> users;  // whose look-ups vote_signed wants: groups are of accounts
    Id request;                      // empty: nothing that lives here is meant
  };
  Outcome<SignedBy> signed_by(std::string_view vote) const;
  void vote_signed(std::string_view vote, const std::vector<IdentityPtr>& accounts, Done<Request> done);
  // More of a grant that is in use; `wish`: its reason, ticket, urgency and asked_s.
  void extend(const Caller& caller, std::string_view grant, Ask wish, Done<Request> done);
  // Settles what a break-glass use owes; not by who did it.
  void review(const Caller& caller, std::string_view id, std::string text, Done<Request> done);
  // The caller fills no seat until then; 0: he is back.
  void set_away(const Caller& caller, WallMs until, Done<Absence> done);
  void end(const Caller& caller, std::string_view grant, Done<Grant> done);
  struct Which {
    std::string id, user, person;
    bool all = false;
  };
  void revoke(const Caller& caller, const Which& which, std::string reason, Done<std::vector<Grant>> done);

  // What the log, and what has ended, tell of a person goes; the log's proofs hold. removed: how much the log tells of him.
  void erase(const Caller& caller, const std::string& person, std::uint64_t removed, Done<bool> done);

  // --- facts. A change is durable first, then pending requests are evaluated again. Who may set: the users and uids in
  // `by`, the provider of that name (the user jit-fact-NAME), and an admin where no provider owns the fact.
  void set_fact(const Caller& caller, const std::string& name, policy::Value value, std::optional<std::uint32_t> for_s,
                Done<FactState> done);
  void clear_fact(const Caller& caller, const std::string& name, Done<FactState> done);
  static bool may_set(const Caller& caller, const policy::FactRule& rule);
  bool may_see(const Caller& caller, std::string_view fact) const;
  std::vector<FactState> facts(const Caller& caller) const;  // that he may set; all for admins and auditors

  // --- what runs under a grant
  // Nothing: it is over. end: of the grant; a program that may finish goes on beyond it.
  std::optional<GrantState> held_state(const Id& grant, BootMs& end) const;
  void enforced(const EndReport& report, Done<bool> done);  // done: it is written down
  // What the directory says now of whom a living grant is for, and of whom it gives; null: there is no such account.
  void account_is(const Id& grant, IdentityPtr subject, IdentityPtr target);

  // Whether people who are not at this host can be asked now; who waits is told where they cannot, and when they can again.
  // until: on the boot clock; afterwards nobody is told any more that they cannot. For what may have been taken away for good.
  void say_reach(bool reached, BootMs until = std::numeric_limits<BootMs>::max());

  // --- look, never wait
  Explained explain(Ask ask, const Suppose& suppose) const;
  std::vector<std::pair<policy::Door, WallMs>> observing() const;  // doors that only observe, and when that was last seen
  bool may_see(const Caller& caller, const Request& request) const;
  bool may_see(const Caller& caller, const Grant& grant) const;
  static bool owns(const Caller& caller, const Subject& subject);  // it is his, also from inside the session it opened
  bool may_vote(const Caller& caller, const Request& request) const;
  // Would vote() take this, if the typed code is right?
  bool would_count(const Caller& caller, const Id& request, const Ballot& ballot) const;
  const policy::Offer* terms_of(const Id& request) const;  // as they stand now; null: it is not open
  std::vector<std::uint32_t> voters() const;               // of what is open
  std::vector<const Request*> live_requests() const;  // pending and detached, oldest first
  const Request* live_request(const Id& id) const;    // null: it is none of these
  std::vector<const Grant*> live_grants() const;      // unclaimed and active, oldest first
  const Grant* live_grant(const Id& id) const;
  bool has_live_grants() const;  // asked at each turn of the loop
  GrantState state_of(const Id& grant) const;         // ended: also where there never was such a one
  std::vector<Vote> votes_on(const Id& request) const;
  std::vector<Vote> standing_votes(const Id& request) const;  // those whose key is in force still, or that need none
  std::vector<const Request*> owed_reviews(const Caller& caller) const;  // that he may see; the one due first in front
  std::vector<policy::Key> keys_of(const Caller& caller) const;  // that may sign now
  std::optional<WallMs> away_until(const Caller& caller) const;
  std::size_t waiting() const;  // connections that wait
  bool ends_are_safe() const;   // false: something has ended and is written nowhere; no grant is used meanwhile

  // --- time
  void tick();  // does what is due
  std::optional<BootMs> next_tick() const;

  ~Core();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
  std::shared_ptr<const policy::Policy> policy_;
};

}  // namespace jit::core
