// SPDX-License-Identifier: Apache-2.0
// Decisions of the past, made again by another policy: which of them would be others, by person and rule. Pure: whoever
// reads the log hands them in as values.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/evaluate.h"
#include "policy/policy.h"

namespace jit::policy::analysis {

// The facts that one decision read, as it read them. Of any other nothing is known, whatever its initial value is: what
// it was at that time nobody wrote down.
class PastFacts final : public Facts {
 public:
  const Reading* find(std::string_view name) const override;
  void add(std::string name, std::optional<Value> value);  // nothing: it was unknown
  void clear() { held_.clear(); }
  bool has(std::string_view name) const { return at(name) != nullptr; }

 private:
  struct Held {
    std::string name;
    std::optional<Reading> reading;
  };
  const Held* at(std::string_view name) const;
  std::vector<Held> held_;
};

// The terms of an offer, as far as a record holds them.
struct Given {
  std::vector<Seat> seats;
  Votes votes = Votes::kAny;
  std::vector<std::string> require;  // as a rule writes them
  std::uint32_t give_s = 0, max_s = 0, wait_s = 0;
  Scope scope = Scope::kTty;
  bool operator==(const Given&) const = default;
};
Given given(const Offer& offer);

// What one policy said.
struct Answer {
  Outcome outcome = Outcome::kDeny;
  Outcome then = Outcome::kDeny;     // with kNeeds
  std::vector<std::string> missing;  // with kNeeds
  std::string rule;                  // of the offer; empty: there was none
  std::vector<std::string> rules;    // that decided, that of the offer too
  std::optional<Given> terms;        // none: no offer, or one whose terms were not recorded
  std::string text() const;          // "approval by p-root with cap", "deny by freeze"; for people
};

// One decision: what it was made from, and what came of it.
struct Past {
  std::string person;            // whom it was about, by the policy of that time
  Door door = Door::kSudo;
  Identity subject, target;      // whose persons the replaying policy names
  Identity root{0, "root", {}, false, {}, {}};  // matters where the target was only claimed
  bool target_verified = false;
  Origin from;
  std::size_t reason_length = 0;  // code points; the text itself decides nothing
  bool reason_from_environment = false;
  std::string ticket, urgency = "normal", via;
  bool can_ask = false;
  std::optional<std::uint32_t> asked_s;
  bool command_known = false, command_verified = false, digest_bound = false;
  std::string path;
  std::vector<std::string> words, options, env;
  std::int64_t now = 0;           // Unix time, seconds
  std::int64_t seats_at = 0;      // as in a request
  bool recorder = false, can_notify = false, can_review = false;
  std::vector<std::string> absent;
  PastFacts facts;
  Answer answer;
  std::string time, id;           // of the entry, for people

  bool claimed() const { return door == Door::kSudo && !target_verified; }
};

struct Change {
  std::string person;                // as it was then
  std::string before, after;         // Answer::text(), and the terms where nothing else differs; not escaped
  Answer from, to;                   // of the first one
  std::vector<std::string> unknown;  // facts that the policy read now and nobody recorded then
  std::size_t count = 0;
  std::string time, id;              // of the first one
};

class Replay {
 public:
  // The policy must outlive this.
  explicit Replay(const Policy& policy) : policy_(policy) {}
  void add(Past& past);  // fills in the persons

  std::size_t decisions() const { return decisions_; }
  std::size_t changed() const { return changed_; }
  // Fact -> how many decisions would have read it, and did not record it.
  const std::map<std::string, std::size_t, std::less<>>& unknown() const { return unknown_; }
  std::vector<Change> changes() const;  // by person, then by what was said before and now

 private:
  struct Key {
    std::string person, before, after;
    std::vector<std::string> unknown;
    auto operator<=>(const Key&) const = default;
  };
  bool same(const Past& past, const Request& request);

  const Policy& policy_;
  Evaluation evaluation_;
  std::vector<const Rule*> rules_;
  std::vector<std::string> missing_facts_;
  std::string reason_;
  std::size_t decisions_ = 0, changed_ = 0;
  std::map<std::string, std::size_t, std::less<>> unknown_;
  std::map<Key, Change> changes_;
};

}  // namespace jit::policy::analysis
