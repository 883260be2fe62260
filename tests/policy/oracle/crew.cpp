// SPDX-License-Identifier: Apache-2.0
// "enough distinct eligible people can fill the seats, as far as people.d and static members tell"
#include <algorithm>
#include <set>

#include "tests/policy/oracle/oracle.h"

namespace jit::policy::oracle {
namespace {

// Who can be told to be in a set, and whether there may be others.
struct Crew {
  std::set<std::string> persons;  // "user:NAME" for a user without an entry
  bool open = false;              // "group enumeration is never needed: what cannot be told is "cannot tell""
};

const Person* person_of(const Model& model, const std::string& user) {
  for (const Person& person : model.people) {
    if (std::ranges::count(person.users, user) > 0) return &person;
  }
  return nullptr;
}

void add(const Model& model, const Name& name, std::int64_t now, Crew& crew) {
  switch (name.kind) {
    case Name::Kind::kGroup: crew.open = true; return;
    case Name::Kind::kPerson:
      for (const Person& person : model.people) {
        if (name_is(name, person.name)) crew.persons.insert(person.name);
      }
      return;
    case Name::Kind::kUser:
      // Whose a bare uid is, only the directory tells.
      crew.open = crew.open || name.glob || uid_of(name);
      if (uid_of(name)) return;
      for (const Person& person : model.people) {
        for (const std::string& user : person.users) {
          if (name_is(name, user)) crew.persons.insert(person.name);
        }
      }
      if (!name.glob && person_of(model, name.name) == nullptr) crew.persons.insert(name.text());
      return;
    case Name::Kind::kSet: break;
  }
  const Set& set = set_named(model, name.name);
  for (const Name& member : set.members) add(model, member, now, crew);
  // "a set whose roster is stale has nobody"
  if (!set.roster || stale(*set.roster, now)) return;
  for (const Shift& shift : set.roster->shifts) {
    if (now < shift.from || now >= shift.to) continue;
    for (const Name& member : shift.who) add(model, member, now, crew);
  }
}

// "asked ahead of time: people vote now, whatever time the rest is judged by"
std::int64_t votes_at(const Request& request) { return request.seats_at == 0 ? request.now : request.seats_at; }

bool usable(const Key& key, std::int64_t now) {
  return (!key.not_before || now >= *key.not_before) && (!key.not_after || now < *key.not_after) && (!key.revoked || now < *key.revoked);
}

bool has_key(const Person& person, bool hardware, std::int64_t now) {
  return std::ranges::any_of(person.keys, [&](const Key& key) { return usable(key, now) && (key.hardware || !hardware); });
}

// "`self = "hardware-key"` is the one exception, for hosts with one admin: his own touch-verified key fills one seat".
// A machine has nobody who touches a key.
bool counts_himself(const Person& person, const Offer& terms, const Request& request) {
  return terms.self && !person.machine && has_key(person, true, votes_at(request));
}

// "eligible = in the set, with a key of the demanded kind where `votes` asks one; a user without a person may vote
// locally"; "The requester never counts"; who is absent fills no seat
bool eligible(const Model& model, const std::string& name, const Offer& terms, const Request& request) {
  if (name != request.subject->person && std::ranges::count(request.absent, name) > 0) return false;
  if (name.starts_with("user:")) return terms.votes == Votes::kAny && name != "user:" + request.subject->user;
  const auto person = std::ranges::find(model.people, name, &Person::name);
  if (person->machine && !terms.machines) return false;
  if (terms.votes != Votes::kAny && !has_key(*person, terms.votes == Votes::kHardware, votes_at(request))) return false;
  return name != request.subject->person || counts_himself(*person, terms, request);
}

// By trying everything: one distinct person for each seat from `at` on.
bool seated(const std::vector<std::set<std::string>>& seats, std::size_t at, std::set<std::string>& used) {
  if (at == seats.size()) return true;
  for (const std::string& person : seats[at]) {
    if (!used.insert(person).second) continue;
    if (seated(seats, at + 1, used)) return true;
    used.erase(person);
  }
  return false;
}

}  // namespace

Fill fill(const Model& model, const Offer& terms, const Request& request) {
  std::vector<std::set<std::string>> told, possible;
  for (const Seat& seat : terms.seats) {
    Crew crew;
    add(model, seat_name(seat.set), votes_at(request), crew);
    std::erase_if(crew.persons, [&](const std::string& name) { return !eligible(model, name, terms, request); });
    // Whether the requester is in a group is told by his request.
    const auto self = std::ranges::find(model.people, request.subject->person, &Person::name);
    if (self != model.people.end() && counts_himself(*self, terms, request) && in_seat(model, seat.set, *request.subject, votes_at(request))) {
      crew.persons.insert(self->name);
    }
    for (std::uint32_t n = 0; n < seat.count; ++n) {
      told.push_back(crew.persons);
      if (!crew.open) {
        possible.push_back(crew.persons);
      } else if (terms.votes != Votes::kAny) {
        // Only people.d gives keys, so it tells who at most can be in a group and vote so.
        std::set<std::string> keyed;
        for (const Person& person : model.people) {
          if (eligible(model, person.name, terms, request)) keyed.insert(person.name);
        }
        possible.push_back(std::move(keyed));
      }  // else strangers may fill it
    }
  }
  std::set<std::string> used;
  if (seated(told, 0, used)) return Fill::kYes;
  used.clear();
  return seated(possible, 0, used) ? Fill::kCannotTell : Fill::kNo;
}

bool may_fill(const Model& model, const std::string& seat, const Identity& voter, std::int64_t now, bool machines) {
  const Person* person = voter.user.empty() ? nullptr : person_of(model, voter.user);
  if (person != nullptr && person->machine && !machines) return false;
  return in_seat(model, seat, voter, now);
}

}  // namespace jit::policy::oracle
