// SPDX-License-Identifier: Apache-2.0
// What one permit offers, narrowed by every guard that applies. Only references to the rules: nothing is allocated once the
// lists have grown to what a policy needs, but for what people read.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "policy/compiled.h"
#include "policy/crew.h"

namespace jit::policy {

enum class Fault : std::uint8_t { kDenied, kScope, kRecord, kNotify, kReview, kReason, kTicket, kSeats };

// Why an offer is not one; rendered for people only where somebody reads it.
struct Flaw {
  Fault fault = Fault::kDenied;
  const Rule* rule = nullptr;  // kDenied, kScope: the rule that says so
};

class Terms {
 public:
  void begin(const RuleSet& policy, const Rule& permit, Door door);
  void add(const Rule& rule);  // the permit itself first, then each guard, in the order of ids
  // Guards alone, to be added to the terms of many permits at once: at most `flaws` of their flaws are kept, denials first.
  void begin_guards(const RuleSet& policy, Door door);
  void finish_guards(std::size_t flaws);
  void add(const Terms& guards);
  void finish(const Request& request);

  bool asks_people() const { return !seats_.empty(); }
  std::uint32_t seat_count() const;
  std::uint32_t requirement_count() const;
  std::uint32_t give_of_rules() const { return give_of_rules_; }  // before what was asked: orders offers
  bool lacks_reason() const { return lacks_reason_; }
  bool lacks_ticket() const { return lacks_ticket_; }
  const std::vector<Flaw>& flaws() const { return flaws_; }

  const std::vector<SeatRef>& seats() const { return seats_; }  // by name
  Quorum quorum(std::span<const std::string> absent = {}) const { return {seats_, votes_, machines_, self_, absent}; }

  Filling can_fill(const RuleSet& policy, const Request& request) const;  // for people
  Filling::Answer can_fill(const RuleSet& policy, const Request& request, Seating& room) const;

  Offer render() const;

 private:
  void reset(const RuleSet& policy, Door door, Scope scope);
  void add_seat(const SeatRef& seat);
  void add_step(const Step& step);
  void add_approval(const Approval& approval);
  void add_requirements(const Requirements& require);

  const RuleSet* policy_ = nullptr;
  const Rule* permit_ = nullptr;
  Door door_ = Door::kSudo;
  std::vector<SeatRef> seats_;
  std::vector<const std::string*> tickets_, notify_;  // by text, unique
  std::vector<const Step*> ladder_;
  std::vector<Flaw> flaws_;
  std::optional<std::uint32_t> reason_min_, review_s_, give_, max_, wait_;
  std::uint32_t give_of_rules_ = 0, give_s_ = 0, max_s_ = 0, wait_s_ = 0;
  Votes votes_ = Votes::kAny;
  Scope scope_ = Scope::kTty;
  bool approvals_ = false, machines_ = false, self_ = false, match_ = false, record_ = false;
  bool shortened_ = false, lacks_reason_ = false, lacks_ticket_ = false;
};

// The terms of a permit with these guards, whatever a request asks for and wherever it could be honoured.
Terms terms_of(const RuleSet& policy, const Rule& permit, std::span<const Rule* const> guards, Door door);

bool door_has(Door door, Scope scope);
std::size_t reason_length(std::string_view reason);                      // code points of the trimmed text
bool ticket_fits(std::string_view pattern, std::string_view ticket);     // the whole of it; # is a digit, "" any text

}  // namespace jit::policy
