// SPDX-License-Identifier: Apache-2.0
// The world as the core sees it. Tests pass their own; the broker passes the real one.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "broker/core/model.h"

namespace jit::core {

// Runs something on the core's thread, later and in order; callable from any thread.
using Post = std::function<void(std::function<void()>)>;

using Conn = std::uint64_t;  // one gate connection; never reused

class Clock {
 public:
  virtual BootMs boottime() const = 0;
  virtual WallMs wall() const = 0;

 protected:
  ~Clock() = default;
};

class Random {
 public:
  virtual Id id() = 0;  // unpredictable

 protected:
  ~Random() = default;
};

// The newest head of the log that is signed: so many entries, and their root.
struct Head {
  std::uint64_t size = 0;
  std::string root;      // 64 hex digits
  std::string envelope;  // JSON; empty: none was signed yet
};

// Durable storage. done(true) means on disk; done(false) means nothing of the batch was written. Called once, later,
// on the core's thread, in the order of the commits. What may wait is on its way within 50 ms.
class Store {
 public:
  virtual void commit(Batch batch, std::function<void(bool)> done) = 0;
  // True after a write failed and until one succeeds again.
  virtual bool failing() const = 0;
  // Signed with every commit that holds a grant, before anybody is told of it.
  virtual Head head() const = 0;

 protected:
  ~Store() = default;
};

// What ended and is alive in the store all the same, which could not take the end yet.
struct Tombstone {
  Id id;
  std::variant<GrantEnd, RequestState> how;  // a grant or a request, and how it ended
  bool operator==(const Tombstone&) const = default;
};

// A second memory for ends, for while the store fails: it outlives the broker, not the boot. Called on the core's thread,
// and rarely. Whatever goes wrong, the next load() is complete or gives nothing.
class Tombstones {
 public:
  // Those of this boot. Nothing where the record is missing, damaged or cannot be written: what has ended is not known then.
  virtual std::optional<std::vector<Tombstone>> load() = 0;
  // True: durable. False: a later load() gives nothing, until a replace() succeeds.
  virtual bool add(std::span<const Tombstone> more) = 0;
  // The whole record anew. True: durable. False: it may be as it was.
  virtual bool replace(std::span<const Tombstone> all) = 0;

 protected:
  ~Tombstones() = default;
};

enum class Verdict : std::uint8_t { kDeny, kAllow, kPending, kNeeds };
std::string_view name_of(Verdict);  // "deny", "allow", "pending", "needs"

// A permit that the person may name in `via`.
struct Choice {
  std::string permit;
  bool break_glass = false;
  std::string text;                // for the person, escaped, at most kChoiceMax bytes
  std::vector<std::string> needs;  // as in an answer
};

// Why, as one stable word; the module's return code and jitctl's exit code hang on it. See cause.h for the table.
struct Answer {
  Verdict verdict = Verdict::kDeny;
  std::string cause;               // "granted", "policy", "denied", "expired", "limit", "unavailable", ...
  Id id;                           // of the request, or empty
  std::string secret;              // with kPending
  std::vector<std::string> text;   // for the person: escaped, each at most 480 bytes
  std::vector<std::string> needs;  // with kNeeds: "reason", "reason:N" (characters at least), "ticket"
  std::vector<Choice> choices;     // with kNeeds, and then nothing in needs; at most kChoicesMax
  std::uint32_t deadline_s = 0;    // with kPending
  std::string head;                // of what was decided after a wait: "SIZE:ROOT" of the signed log; empty: none is signed
  bool takes_code = false;         // with kPending: a vote code is worth asking for at the door
};

struct BindAnswer {
  bool allow = false;
  std::string cause;  // "other-key" is told to the person
  Id grant;
  BootMs end = 0;   // 0: no end (already root)
  BootMs hard = 0;
};

// Where answers go.
class Gate {
 public:
  virtual void answer(Conn conn, const Answer& answer) = 0;      // to Submit or Resume, exactly once each
  virtual void progress(Conn conn, std::vector<std::string> text) = 0;
  virtual void decided(Conn conn, const Answer& answer) = 0;     // at most once a connection
  virtual void bound(Conn conn, const BindAnswer& answer) = 0;   // to Bind, exactly once

 protected:
  ~Gate() = default;
};

// Who is told of changes (after the commit).
class Listener {
 public:
  virtual void request_changed(const Request& request) = 0;
  virtual void grant_changed(const Grant& grant) = 0;
  virtual void logged(const AuditEntry& entry) = 0;
  virtual void fact_changed(const std::string& name) = 0;

 protected:
  ~Listener() = default;
};

}  // namespace jit::core
