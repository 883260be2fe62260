// SPDX-License-Identifier: Apache-2.0
// The decision point: text in, values out. No file, clock, environment or log; safe to call from any thread.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace jit::policy {

// (uid_t)-1: no such user, "unset" in /proc/PID/loginuid. Never a valid subject or target.
inline constexpr std::uint32_t kNoUid = 4294967295U;

enum class Door : std::uint8_t { kSudo, kSu, kSsh, kLogin, kPolkit };
enum class Scope : std::uint8_t { kCommand, kTty, kSession, kLogin };  // narrowest first
enum class Outcome : std::uint8_t { kDeny, kAllow, kApproval, kNeeds };
enum class Votes : std::uint8_t { kAny, kSigned, kHardware };       // the weakest kind that counts; strictest last
enum class Expiry : std::uint8_t { kEnd, kFinish, kWarn };          // what becomes of a running program

std::string_view name_of(Door door);    // "sudo", "su", "ssh", "login", "polkit"
std::string_view name_of(Scope scope);  // "command", "tty", "session", "login"
std::string_view name_of(Outcome outcome);  // "deny", "allow", "approval", "needs"
std::string_view name_of(Votes votes);      // "any", "signed", "hardware"
std::string_view name_of(Expiry expiry);    // "end", "finish", "warn"
std::optional<Door> door_named(std::string_view name);
std::optional<Scope> scope_named(std::string_view name);
// The door of a PAM service (sudo and sudo-i are one door); nothing for a service that is no door of ours.
std::optional<Door> door_of_service(std::string_view pam_service);

// One positive integer and s, m, h or d ("90s", "30m"); nothing for anything else, for 0, and above 10 years.
std::optional<std::uint32_t> parse_duration(std::string_view text);
std::string format_duration(std::uint32_t seconds);  // "1h30m", "45s"

// A user as the directory knows him now.
struct Identity {
  std::uint32_t uid = kNoUid;
  std::string user;                      // empty: the directory does not know this uid
  std::string person;                    // from people.d; "uid:N" where he has no entry there
  bool groups_known = false;             // false: every group test is unknown
  std::vector<std::string> groups_all;   // what both NSS and the kernel say: for tests that can only open
  std::vector<std::string> groups_any;   // what either says: for tests that can only close
  bool operator==(const Identity&) const = default;
};

struct Address {
  std::array<std::uint8_t, 16> bytes{};  // IPv4 as IPv4-mapped IPv6, zone dropped
  bool v4 = false;
  static std::optional<Address> parse(std::string_view text);
  std::string text() const;
  bool operator==(const Address&) const = default;
};

struct Origin {
  enum class Kind : std::uint8_t { kUnknown, kLocal, kPeer } kind = Kind::kUnknown;
  Address peer;
  bool operator==(const Origin&) const = default;
};

// What runs, as the door knows it. Only sudo knows a command; elsewhere every `run` is unknown.
struct Command {
  bool known = false;                    // false: the rest means nothing
  bool verified = false;                 // false: read from sudo's command line, a claim
  std::string_view path;                 // absolute, its folder resolved; empty: unknown (a shell, or a bare name)
  std::span<const std::string> words;    // after argv[0]
  std::span<const std::string> options;  // of sudo, those that change the meaning: "-g", "-D", "-R", "-s", "-i", "-e"
  std::span<const std::string> env;      // names of the environment additions
  bool digest_bound = false;             // its SHA-256 is bound: file and all parents are root's
};

// The value of a fact, and how old it is.
using Value = std::variant<bool, std::int64_t, double, std::string>;
struct Reading {
  Value value;
  std::uint64_t age_s = 0;
  std::optional<std::uint64_t> for_s;  // how long whoever set it vouches for it
};

// The information point. Must not allocate; what it returns must stay valid during the call that reads it.
class Facts {
 public:
  // Null: never set, or cleared; for a built-in fact: cannot be told.
  virtual const Reading* find(std::string_view name) const = 0;

 protected:
  ~Facts() = default;
};

// What is asked. Views and pointers must outlive the call only.
struct Request {
  Door door = Door::kSudo;
  const Identity* subject = nullptr;  // never null
  const Identity* target = nullptr;   // never null; at ssh and login the same as subject
  const Identity* root = nullptr;     // never null; rules see it too where the target is only a claim
  bool target_verified = false;       // false: read from sudo's command line
  Origin from;
  std::string_view reason;            // as typed; empty: none
  std::string_view ticket;
  bool reason_from_environment = false;  // shown, and never enough for break-glass
  std::string_view urgency = "normal";   // "low", "normal", "high", "critical"
  bool can_ask = false;               // the front end can ask for missing text or a choice
  std::optional<std::uint32_t> asked_s;
  std::string_view via;               // a rule id, or empty
  Command command;
  std::int64_t now = 0;               // Unix time, seconds; windows, rosters and keys are judged by it
  std::int64_t seats_at = 0;          // the same, for whether people can fill the seats: they vote before `now`; 0: `now`
  const Facts* facts = nullptr;       // null: nothing was ever set, and no built-in fact can be told
  std::span<const std::string> absent;  // fill no seat now: persons, and "user:NAME" of who has no entry in people.d
  // Which obligations can be honoured here.
  bool recorder = false;              // sudo's I/O log is on for this call
  bool can_notify = false;            // a message to a channel can be queued durably
  bool can_review = false;            // a review that is owed can be kept
};

// One set of a quorum: count distinct people out of set.
struct Seat {
  std::string set;  // as written in `from`: "set:sre", "group:wheel", "user:bob", "person:bob"
  std::uint32_t count = 1;
  bool operator==(const Seat&) const = default;
};

// One step of a ladder: either more candidates for the seats of `to`, or a message.
struct Step {
  std::uint32_t after_s = 0;  // from the submit on
  std::string add, to;        // principals as written; empty for a message
  std::string notify;         // a channel
  bool operator==(const Step&) const = default;
};

// The terms on which one permit, narrowed by every guard, says yes.
struct Offer {
  std::string rule;         // the permit's id
  std::string fingerprint;  // of the permit and of all that it names; differs when any of it changed
  std::vector<Seat> seats;  // empty: nobody is asked
  bool reason_required = false;
  std::uint32_t reason_min = 0;  // code points of the trimmed text
  std::uint32_t give_s = 0;      // what this request gets unless an approver narrows it
  std::uint32_t max_s = 0;
  std::uint32_t wait_s = 0;      // time to vote
  std::uint32_t claim_s = 0;     // time from the last approval to the first use
  Scope scope = Scope::kTty;
  bool shortened = false;        // more than max was asked
  std::vector<std::string> tickets;  // each pattern must match the whole ticket; "": any text will do
  bool record = false;
  std::vector<std::string> notify;   // channels, sorted, unique
  std::uint32_t review_s = 0;        // 0: none is owed
  Votes votes = Votes::kAny;
  bool machines = false;             // machine approvers count
  bool match = false;                // a vote must carry the typed code
  bool self = false;                 // the requester's own hardware key may fill one seat
  std::vector<Step> ladder;          // by time; only those before wait_s
  bool break_glass = false;
  Expiry on_expiry = Expiry::kEnd;
  std::uint32_t run_max_s = 0;       // with kFinish and kWarn: the longest that a running program may go on
  std::vector<std::uint32_t> warn_before_s;  // longest first
  bool operator==(const Offer&) const = default;
};

// A guard in mode "observe", and what it would have done.
struct Observed {
  std::string rule;
  std::string would;  // "deny: why", "ask 1 of set:sre", ...; for people
  bool operator==(const Observed&) const = default;
};

// A fact that was read for a decision.
struct Attribute {
  std::string name;
  std::string value;  // as a literal of the language; empty where it was unknown
  bool known = false;
  bool operator==(const Attribute&) const = default;
};

struct Decision {
  Outcome outcome = Outcome::kDeny;
  std::optional<Offer> offer;          // none only with kDeny; with kNeeds: what it would become
  Outcome then = Outcome::kDeny;       // with kNeeds: what it becomes once nothing is missing
  std::vector<std::string> missing;    // with kNeeds: of "reason", "ticket", "choice"
  std::vector<Offer> choices;          // with "choice": what can be named in `via`, the preferred one first
  std::vector<std::string> why;        // for people: deny texts, or what did not match; not escaped
  std::vector<std::string> rules;      // ids that decided: the permit, and every guard that applied
  std::vector<std::string> near;       // ids of the permits that came nearest, where none matched
  std::vector<Observed> observed;
  std::vector<Attribute> read;         // sorted by name
};

// A place in a text, 1-based; line 0: the file as a whole.
struct Finding {
  std::string code;  // "E01"
  std::string file;
  std::uint32_t line = 0;
  std::uint32_t column = 0;
  std::string message;  // what, why, what to write instead
  std::string other;    // "file:line:column" of the second place, or empty
  std::string witness;  // a request that shows it, as lines of a [[test]] (at, request, facts); or empty
  std::string text() const;  // "file:line:column: E01 message (other place: ...)"
};

struct Source {
  std::string name;  // as it should stand in a finding
  std::string text;
};

// A key of a person, as people.d says; whether its bytes are good is the business of who verifies votes.
struct Key {
  std::string id;
  std::string kind;         // "ssh", "webauthn"
  std::string public_text;
  bool hardware = false;    // "sk-" types of ssh, and webauthn
  bool verify_required = false;
  std::optional<std::int64_t> not_before, not_after, revoked;  // Unix time, seconds
  std::string fingerprint = {};  // as the JudgeKey said; empty: nobody looked
  bool usable(std::int64_t now) const;
};

// What somebody who knows keys says of one.
struct KeyVerdict {
  std::string wrong;        // behind "the key": "is a certificate; ..."; empty: it can be used
  std::string fingerprint;  // the same for the same key
};
using JudgeKey = std::function<KeyVerdict(const Key&)>;

struct Person {
  std::string name;
  std::vector<std::string> users;
  std::vector<std::string> roles;  // "admin", "auditor"
  bool machine = false;
  std::vector<Key> keys;
};

// A file of people.d, and the version that it says.
struct PeopleFile {
  std::string name;  // as its Source
  std::int64_t version = 0;
  std::string base() const { return name.substr(name.rfind('/') + 1); }
};

// [fact.NAME]
struct FactRule {
  std::string name;
  enum class Type : std::uint8_t { kBool, kInt, kFloat, kString } type = Type::kBool;
  std::optional<std::uint32_t> fresh_s;
  std::optional<Value> initial;
  std::vector<std::string> by;  // "user:NAME", "uid:N" or a provider's name
};

struct Settings {
  std::string timezone = "UTC";
  std::vector<Door> covers;
  std::vector<std::string> rescue;
};

struct Rule;
struct RuleSet;  // policy/compiled.h
struct Evaluation;  // policy/evaluate.h

// All files together, compiled; immutable.
class Policy {
 public:
  struct Input {
    std::span<const Source> rules;      // policy.d, masks and overrides already applied
    std::span<const Source> people;     // people.d
    std::span<const std::string> tags;  // of this host, without "tag:"
    std::function<std::string(std::string_view)> digest;  // hex SHA-256
    std::span<const Source> calendars = {};  // by file name ("holidays.ics"), what /etc/jit/calendars holds
    std::span<const Source> rosters = {};    // by file name, what /etc/jit/rosters holds
    std::int64_t now = 0;                    // Unix time, seconds: calendars are expanded from a year back to three ahead
    std::function<std::string(std::string_view)> real_folder = {};  // realpath of a folder; empty: as it is written
    JudgeKey judge_key = {};                 // of each key of people.d; empty: keys are only text, for questions about rules
  };
  struct Loaded {
    std::shared_ptr<const Policy> policy;  // null when any finding is an error
    std::vector<Finding> findings;
  };
  static Loaded load(const Input& input);
  ~Policy();
  Policy(const Policy&) = delete;
  Policy& operator=(const Policy&) = delete;

  // Total: every request gets an answer; what no permit matches is denied.
  Decision decide(const Request& request) const;

  // The same as references into this policy (evaluate.h): nothing is allocated once `out` has been used.
  void evaluate(const Request& request, Evaluation& out) const;
  // Of two permits that both match the request: is the offer of `a` preferred to that of `b`?
  bool prefers(const Rule& a, const Rule& b, const Request& request) const;

  // Does the permit that gave a grant still say yes to this request, with no guard's deny? Nothing: yes.
  // Otherwise why not, for people. A permit that is gone or whose fingerprint changed says no.
  std::optional<std::string> refuses_use(std::string_view rule, std::string_view fingerprint,
                                         const Request& request) const;

  // Is this user still one of those that the permit is for, whatever else it says? True also where that cannot be told, and
  // where the permit is gone: what it gave is judged at its next use.
  bool may_hold(std::string_view permit, const Identity& holder, std::int64_t now) const;

  // May this user fill a seat of that set at this time? (Whether he is the requester is the caller's question.)
  // `machines`: as the offer says.
  bool may_fill(std::string_view set, const Identity& voter, std::int64_t now, bool machines = false) const;

  // The persons (as Identity.person) who are members by name; groups cannot be listed: open_ended is then true.
  // A user without an entry in people.d stands as "user:NAME": his uid, and so his "uid:N", is not known here.
  struct Members {
    std::vector<std::string> persons;
    bool open_ended = false;
  };
  Members members(std::string_view set, std::int64_t now) const;

  std::span<const FactRule> facts() const;  // declared ones, by name

  const Settings& settings() const;
  bool covers(Door door) const;
  std::span<const Person> people() const;
  std::span<const PeopleFile> people_files() const;
  const Person* person_of(std::string_view user) const;                // null: implicit person uid:N
  std::string person_name(std::string_view user, std::uint32_t uid) const;
  bool has_role(std::string_view user, std::string_view role) const;   // uid 0 is the caller's business
  const std::string& hash() const;   // hex SHA-256 over all inputs
  std::size_t rule_count() const;
  const RuleSet& rules() const;      // for the static checks; lives as long as this

 private:
  struct Compiled;
  explicit Policy(std::unique_ptr<const Compiled> compiled);
  std::unique_ptr<const Compiled> compiled_;
};

// people.d by itself.
struct PeopleSet {
  std::vector<Person> people;
  std::vector<PeopleFile> files;
  std::vector<Finding> findings;
};
PeopleSet load_people(std::span<const Source> sources, const JudgeKey& judge_key = {});

// Can these people, one seat each, fill all seats? eligible[i] lists who may fill seats[i]; a count of n is n seats.
// Bipartite matching: a person in two sets fills one seat.
struct Filled {
  bool complete = false;
  std::vector<std::vector<std::string>> by_seat;  // parallel to seats
};
Filled fill_seats(std::span<const Seat> seats, std::span<const std::vector<std::string>> eligible);

}  // namespace jit::policy
