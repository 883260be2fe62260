// SPDX-License-Identifier: Apache-2.0
// The nouns of the broker: requests, votes, grants, audit entries. Plain values.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "evidence/request.h"
#include "policy/policy.h"

namespace jit::core {

using BootMs = std::int64_t;  // CLOCK_BOOTTIME, milliseconds; decides
using WallMs = std::int64_t;  // Unix time, milliseconds; for people only

// 128 random bits, written as 32 lower-case hex digits.
struct Id {
  std::array<std::uint8_t, 16> bytes{};
  std::string text() const;
  static std::optional<Id> parse(std::string_view text);  // exactly 32 lower-case hex digits
  bool empty() const { return *this == Id{}; }
  auto operator<=>(const Id&) const = default;
};

// A process that cannot be confused with another one of this boot.
struct Process {
  std::int32_t pid = 0;
  std::uint64_t start = 0;  // clock ticks since boot, proc(5) stat field 22
  bool operator==(const Process&) const = default;
};

// A terminal and its creation: the terminal session that owns it, by its leader and the leader's start.
struct Terminal {
  std::uint32_t number = 0;  // tty_nr of proc(5); 0: no terminal
  Process leader;            // session leader
  bool operator==(const Terminal&) const = default;
};

enum class ReasonFrom : std::uint8_t { kNone, kPrompt, kEnvironment, kCommandLine };
enum class RequestKind : std::uint8_t { kElevation, kLogin, kAhead, kExtension, kBreakGlass };
enum class RequestState : std::uint8_t { kPending, kDetached, kApproved, kDenied, kExpired, kCancelled };
enum class GrantState : std::uint8_t { kUnclaimed, kActive, kEnded };
enum class GrantEnd : std::uint8_t { kNone, kExpired, kRevoked, kReturned, kVoid };

std::string_view name_of(ReasonFrom);
std::string_view name_of(RequestKind);
std::string_view name_of(RequestState);  // "pending", "detached", "approved", "denied", "expired", "cancelled"
std::string_view name_of(GrantState);    // "approved" (unclaimed), "active", "ended"
std::string_view name_of(GrantEnd);      // "", "expired", "revoked", "returned", "void"

enum class Urgency : std::uint8_t { kLow, kNormal, kHigh, kCritical };
std::string_view name_of(Urgency);  // "low", "normal", "high", "critical"
std::optional<Urgency> urgency_named(std::string_view name);

using IdentityPtr = std::shared_ptr<const policy::Identity>;

struct Subject {
  IdentityPtr identity;                      // never null in a request
  std::uint32_t loginuid = policy::kNoUid;
  std::string login_user;                    // of the loginuid, where it is another uid; empty: it has no name
  std::uint32_t audit_session = policy::kNoUid;  // (unsigned)-1: none
  policy::Origin origin;
  std::string tty;                           // as the host program names it; display only
  Terminal terminal;
};

// What runs, as the door knows it. Its words after the program's name are those of argv from words_at on.
struct Command {
  bool known = false;         // false: the rest means nothing
  bool verified = false;      // false: read from sudo's command line, a claim
  bool digest_bound = false;  // only root can change the program, and its SHA-256 is known
  std::string sha256;         // of the program, hex; empty: not bound
  std::string path;           // absolute, its folder resolved; empty: unknown (a shell, or not found)
  std::uint32_t words_at = 0;
  std::vector<std::string> options;  // of sudo, those that change the meaning, as their short form: "-g", "-D"; sorted
  std::vector<std::string> env;      // names of the environment additions; sorted
  bool changeable = false;    // who asks can change a file that it runs or reads, or nobody can tell
  bool operator==(const Command&) const = default;
};

// The risk card of a request, computed on the host when it was made.
struct Card {
  std::int64_t score = 0;          // 0 to 100
  std::vector<std::string> signs;  // what makes it so, for people; the weightiest first
  bool operator==(const Card&) const = default;
};

// The host, as what it signs names it.
struct Host {
  std::string id = std::string(32, '0');  // of its key
  std::string name;
  std::int64_t epoch = 1;  // of its database: it rises when one was lost or put back
  evidence::PrivateFields hide = {};    // what requests do not say openly
  std::string secret = {};     // its alone: of the salts of what is hidden
};

// Immutable from submit on; `payload` is what is signed, and `digest` covers it.
struct Request {
  Id id;
  RequestKind kind = RequestKind::kElevation;
  policy::Door door = policy::Door::kSudo;
  std::string service;  // PAM service; "jitctl" for one made ahead of time
  Subject subject;
  IdentityPtr target;
  bool target_verified = false;
  std::string target_group;  // of sudo's -g, as sudo resolved it; empty: the target's own
  std::vector<std::string> argv;  // bytes as they came
  Command command;
  std::string cwd;
  std::string reason;
  ReasonFrom reason_from = ReasonFrom::kNone;
  std::string ticket;
  Urgency urgency = Urgency::kNormal;
  std::optional<std::uint32_t> asked_s;
  std::optional<policy::Scope> asked_scope;  // the offer's is that, where it is narrower than the rule's
  std::string via;
  policy::Offer offer;
  std::string policy_hash;
  std::string boot_id;
  BootMs created = 0;
  BootMs deadline = 0;
  WallMs created_wall = 0;
  WallMs deadline_wall = 0;
  BootMs not_before = 0;       // no use of it before; 0: at once
  WallMs not_before_wall = 0;
  Id extends;                  // the grant whose end it would move; empty: none
  Card card;
  std::string recording;  // where sudo records the call that asked; empty: it does not
  Process process;  // who asked; zero for one made ahead of time
  Process parent;
  std::string ssh_key;      // at ssh: hex SHA-256 of the key that was proven when it was asked; empty: none was known then
  std::string nonce;        // 64 hex digits
  std::string payload;      // evidence/request.h
  std::string digest;       // hex SHA-256 of its PAE
  std::string secret_hash;  // hex SHA-256 of the resume secret; empty: none
  std::string typed_code;   // six digits for the requester's eyes only; empty: none is asked. Not part of the digest,
                            // which would give it away

  // What changes.
  RequestState state = RequestState::kPending;
  std::string ended_by;   // for people: who, or empty
  std::string ended_why;  // for people
  WallMs ended_wall = 0;
  Id grant;               // empty until approved
  std::uint32_t steps = 0;        // of the ladder, taken
  std::uint32_t wrong_codes = 0;  // votes that carried another code
  WallMs review_due = 0;          // 0: no review is owed
  std::string reviewed_by;        // for people
  std::string reviewed_why;
  WallMs reviewed_wall = 0;       // 0: not reviewed
};

enum class VoteKind : std::uint8_t { kLocal, kSshsig, kWebauthn, kCode };
std::string_view name_of(VoteKind);  // "local", "sshsig", "webauthn", "code"

struct Vote {
  Id request;
  std::string person;
  std::uint32_t uid = policy::kNoUid;
  bool approve = false;
  std::optional<std::uint32_t> duration_s;
  std::optional<policy::Scope> scope;
  std::string reason;
  std::string digest;  // of the request that was voted on
  WallMs time = 0;
  std::optional<std::uint32_t> block_s = {};  // of a denial: so long nothing more is asked of these seats for that person
  VoteKind kind = VoteKind::kLocal;
  std::string key = {};          // fingerprint of the key that signed it; empty: local, the broker says who it was
  std::string signed_text = {};  // the envelope or the code, as it came
  std::string signed_digest = {};  // hex SHA-256 of what was signed: one vote is taken once
  bool host_in_doubt = false;    // local, and the requester was root or the voter here before, in this boot
  std::string user = {};         // the name of the account then, for its uid may be another's one day; empty: not known
};

// A denial that also blocks: what would ask one of these sets is refused.
struct Block {
  std::vector<std::string> persons;  // who is blocked, by each name of his
  std::vector<std::string> sets;   // of the seats of the request that was denied
  std::string by, why;             // for people
  std::string boot_id;
  BootMs until = 0;
  WallMs until_wall = 0;           // counts after a restart of the host
};

// An approver who is away fills no seat.
struct Absence {
  std::string person;
  std::string user;   // for who has no entry in people.d: policies know him by it
  WallMs until = 0;  // 0: he is back
};

struct Grant {
  Id id;
  Id request;  // empty where the policy asked nobody
  std::string request_digest;
  Subject subject;
  policy::Door door = policy::Door::kSudo;
  IdentityPtr target;
  std::vector<std::string> argv;  // bound where the scope is command
  Command command;                // bound with it
  std::string cwd;
  policy::Scope scope = policy::Scope::kTty;
  std::string rule;
  std::string fingerprint;
  std::string policy_hash;
  std::string boot_id;
  std::uint32_t lifetime_s = 0;
  std::uint32_t max_s = 0;
  policy::Expiry on_expiry = policy::Expiry::kEnd;  // what becomes of a running program
  std::uint32_t run_max_s = 0;                      // how long it may go on, where it may
  std::vector<std::uint32_t> warn_before_s;         // longest first
  BootMs created = 0;
  BootMs claim_until = 0;
  WallMs created_wall = 0;
  WallMs claim_until_wall = 0;
  BootMs not_before = 0;  // 0: at once
  std::string payload;    // evidence/grant.h: as it was given
  std::string digest;     // hex SHA-256 of its PAE

  // What changes.
  GrantState state = GrantState::kUnclaimed;
  GrantEnd end = GrantEnd::kNone;
  BootMs starts = 0;   // first use; 0: unclaimed
  BootMs expires = 0;  // 0: unclaimed
  WallMs starts_wall = 0;
  WallMs expires_wall = 0;
  // Bound at first use, by the scope.
  Terminal terminal;
  std::uint32_t audit_session = policy::kNoUid;
  Process connection;  // scope login: the process that holds the login
  std::string ssh_key;  // at ssh: the request's, else that of the first use
  std::uint32_t uses = 0;
  std::string ended_by;
  std::string ended_why;
  WallMs ended_wall = 0;
};

// One event. `fields` are canonical JSON text (sorted keys, every text escaped); the store gives the sequence.
struct AuditEntry {
  std::uint64_t sequence = 0;
  BootMs boottime = 0;
  WallMs wall = 0;
  std::string boot_id;
  std::string type;    // "request.created"; the list is broker/audit/events.h
  Id request;          // empty: none
  Id grant;
  std::string person;  // whom it is about
  std::uint32_t uid = policy::kNoUid;
  std::string fields;
};

// The value of a declared fact, as somebody set it.
struct Fact {
  std::string name;
  policy::Value value;
  std::string set_by;  // the person, or the provider's user name
  std::uint32_t uid = policy::kNoUid;
  std::string boot_id;
  BootMs set = 0;
  WallMs set_wall = 0;
  std::optional<std::uint32_t> for_s;
};

// A network from which a person has come in by ssh: IPv4 cut to 24 bits, IPv6 to 64.
struct SeenNet {
  std::string person;
  policy::Address net;
  WallMs last = 0;
};

// What one transaction writes. A request or grant is inserted, or its changing part updated; a fact or a net takes
// the place of the one before.
struct Batch {
  std::vector<Request> requests;
  std::vector<Vote> votes;
  std::vector<Grant> grants;
  std::vector<AuditEntry> entries;
  std::vector<Fact> facts;
  std::vector<std::string> cleared;  // names of facts
  std::vector<SeenNet> nets;
  std::vector<Absence> absences;
  std::vector<std::string> erased;   // persons of whom the log, and what has ended, tell no more
  std::int64_t epoch = 0;  // of the database from now on; 0: as it is
  bool may_wait = false;  // nobody waits for it: it is written with the next ones, soon at the latest
  bool empty() const {
    return requests.empty() && votes.empty() && grants.empty() && entries.empty() && facts.empty() && cleared.empty() &&
           nets.empty() && absences.empty() && erased.empty() && epoch == 0;
  }
};

}  // namespace jit::core
