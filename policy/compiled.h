// SPDX-License-Identifier: Apache-2.0
// The policy after loading: what the files say, with names resolved. Immutable once Policy::load returns.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "policy/address.h"
#include "policy/policy.h"
#include "policy/principal.h"
#include "policy/report.h"

namespace jit::policy {

struct Named {
  Principal principal;
  Place place;
};

// One property of a rule over users; a list is OR.
struct PrincipalTest {
  std::vector<Named> named;       // as written
  std::vector<Principal> leaves;  // sets expanded; sorted by text, unique
};

struct TagTest {
  std::vector<Principal> tags;  // name and prefix are used
  bool holds = false;           // the tags of a host are fixed at load
};

struct OriginTest {
  bool local = false;
  std::vector<Text> names;  // of nets
  std::vector<Net> nets;
};

// The properties of a rule, or of its `unless`; absent ones are true. A rule is AND over them.
struct Tests {
  std::optional<PrincipalTest> who, as;
  std::optional<std::vector<Door>> door;
  std::optional<TagTest> hosts;
  std::optional<OriginTest> from;
};

struct Approval {
  Text name;
  struct Need {
    Seat seat;
    Named from;
  };
  std::vector<Need> need;
  std::optional<std::uint32_t> wait_s;
};

struct Rule {
  bool permit = false;
  std::string id;
  Place place;
  Tests tests;
  std::optional<Tests> unless;
  std::optional<Text> approval_name;
  const Approval* approval = nullptr;  // in RuleSet::approvals
  std::optional<std::uint32_t> reason_min;  // set: a reason is required; 0: of any length
  std::optional<std::uint32_t> give_s, max_s;
  std::optional<Scope> scope;
  // Permits only.
  std::optional<std::uint32_t> claim_s;
  bool unverified_as = false;
  std::string fingerprint;
  // Guards only.
  std::optional<std::string> deny;
};

struct NamedSet {
  Place place;
  std::vector<Named> members;
  std::vector<Principal> leaves;  // sorted by text, unique
};

struct NamedNets {
  Place place;
  std::vector<Net> nets;
};

// Who can fill the seats of one set, as far as people.d and static members tell.
struct Crew {
  struct Member {
    std::string person;  // as Identity.person; "user:NAME" where a user has no entry and so no uid that is known here
    std::string user;    // the user of such a one
  };
  std::vector<Member> members;
  bool open_ended = false;
};

template <class T>
using ByName = std::map<std::string, T, std::less<>>;

struct RuleSet {
  Settings settings;
  std::vector<Person> people;
  ByName<std::size_t> person_by_name, person_by_user;  // index in people
  ByName<NamedSet> sets;
  ByName<NamedNets> nets;
  ByName<Approval> approvals;
  std::vector<Rule> permits, guards;  // each sorted by id
  ByName<Crew> crews;                 // by the text of each `from` of a need
  std::string hash;

  const Rule* permit_named(std::string_view id) const;
  const Person* person_named(std::string_view name) const;
  const Person* person_with(std::string_view user) const;
  bool covers(Door door) const;
};

struct Policy::Compiled : RuleSet {};

}  // namespace jit::policy
