// SPDX-License-Identifier: Apache-2.0
#include "broker/bus/documents.h"

#include <algorithm>

#include "evidence/hidden.h"

namespace jit::bus {

namespace {

using core::Error;
using core::Outcome;

constexpr std::size_t kCandidates = 256;   // rows looked at for one prefix
constexpr std::size_t kVotersMax = 4096;

bool open(const core::Request& request) {
  return request.state == core::RequestState::kPending || request.state == core::RequestState::kDetached;
}

template <class T>
Outcome<T> pick(std::vector<T> found, const std::string& prefix, const char* what, const std::string& failure) {
  if (found.size() == 1) return {Error::kNone, {}, std::move(found.front())};
  if (found.empty()) {
    if (!failure.empty()) return {Error::kUnavailable, "the database cannot be read: " + failure, {}};
    return {Error::kNotFound, std::string("no ") + what + " " + prefix + " that you may see", {}};
  }
  std::string message = prefix + " is the beginning of several: ";
  for (std::size_t i = 0; i < found.size() && i < 8; ++i) message += (i == 0 ? "" : ", ") + found[i].id.text();
  if (found.size() > 8) message += ", ...";
  return {Error::kAmbiguous, message + "; give more digits", {}};
}

template <class T>
bool holds(const std::vector<T>& all, const core::Id& id) {
  return std::any_of(all.begin(), all.end(), [&](const T& one) { return one.id == id; });
}

}  // namespace

Outcome<core::Request> Documents::find_request(const core::Caller& caller, const std::string& prefix) const {
  std::vector<core::Request> found;
  const auto whole = core::Id::parse(prefix);
  for (const core::Request* request : whole ? std::vector{core_.live_request(*whole)} : core_.live_requests()) {
    if (request != nullptr && request->id.text().starts_with(prefix) && core_.may_see(caller, *request)) found.push_back(*request);
  }
  store::Database* const database = database_();
  if (database != nullptr && (!whole || found.empty())) {
    const auto ids = whole ? std::vector<core::Id>{*whole} : database->request_ids(prefix, kCandidates);
    for (const core::Id& id : ids) {
      if (holds(found, id)) continue;
      auto request = database->request(id);
      if (request && core_.may_see(caller, *request)) found.push_back(std::move(*request));
    }
  }
  return pick(std::move(found), prefix, "request", failure());
}

Outcome<core::Grant> Documents::find_grant(const core::Caller& caller, const std::string& prefix) const {
  std::vector<core::Grant> found;
  const auto whole = core::Id::parse(prefix);
  for (const core::Grant* grant : whole ? std::vector{core_.live_grant(*whole)} : core_.live_grants()) {
    if (grant != nullptr && grant->id.text().starts_with(prefix) && core_.may_see(caller, *grant)) found.push_back(*grant);
  }
  store::Database* const database = database_();
  if (database != nullptr && (!whole || found.empty())) {
    const auto ids = whole ? std::vector<core::Id>{*whole} : database->grant_ids(prefix, kCandidates);
    for (const core::Id& id : ids) {
      if (holds(found, id)) continue;
      auto grant = database->grant(id);
      if (grant && core_.may_see(caller, *grant)) found.push_back(std::move(*grant));
    }
  }
  return pick(std::move(found), prefix, "grant", failure());
}

std::string Documents::failure() const {
  const store::Database* const database = database_();
  return database == nullptr ? "there is none that can be used (jitctl status says why)" : database->last_error();
}

Json Documents::document(const core::Request& request, Form form) const {
  const auto votes = votes_on(request);
  const auto counted = open(request) ? core_.standing_votes(request.id) : votes;
  return request_json(request, {votes, filled_by(request, counted), core_.state_of(request.grant), core_.terms_of(request.id)}, host_, Now::read(), form);
}

Json Documents::document(const core::Request& request, const core::Caller& caller) const {
  Json out = document(request, Form::kWhole);
  const bool his = core::Core::owns(caller, request.subject);
  if (his && open(request) && !request.typed_code.empty()) out["typed_code"] = request.typed_code;
  if (const auto openings = core_.openings(request); !openings.empty()) out["openings"] = evidence::to_json(openings);
  return out;
}

Json Documents::document(const core::Grant& grant, Form form) const {
  return grant_json(grant, host_, Now::read(), form);
}

void Documents::remember(const core::IdentityPtr& voter) {
  if (voters_.size() >= kVotersMax) voters_.clear();  // then static sets and the vote itself must do
  voters_[voter->uid] = voter;
}

std::vector<core::Vote> Documents::votes_on(const core::Request& request) const {
  auto votes = core_.votes_on(request.id);
  store::Database* const database = database_();
  return votes.empty() && !open(request) && database != nullptr ? database->votes(request.id) : votes;
}

// For display: the core has counted by itself. A voter of before a restart may fill any set that people.d cannot list.
bool Documents::may_fill(const std::string& set, const core::Vote& vote, bool machines) const {
  const policy::Policy* const policy = core_.policy();
  if (policy == nullptr) return true;
  const std::int64_t then = vote.time / 1000;
  const auto known = voters_.find(vote.uid);
  if (known != voters_.end() && known->second->person == vote.person) {
    return policy->may_fill(set, *known->second, then, machines);
  }
  const auto members = policy->members(set, then);
  return members.open_ended ||
         std::find(members.persons.begin(), members.persons.end(), vote.person) != members.persons.end();
}

bool Documents::may_fill(const core::Request& request, const std::string& set, const core::Vote& vote) const {
  if (may_fill(set, vote, request.offer.machines)) return true;
  const auto& ladder = request.offer.ladder;
  return std::any_of(ladder.begin(), ladder.end(), [&](const policy::Step& step) {
    return !step.add.empty() && step.to == set && may_fill(step.add, vote, request.offer.machines);
  });
}

std::vector<std::vector<std::string>> Documents::filled_by(const core::Request& request,
                                                           const std::vector<core::Vote>& votes) const {
  const auto& seats = request.offer.seats;
  std::vector<std::vector<std::string>> eligible(seats.size());
  for (std::size_t i = 0; i < seats.size(); ++i) {
    for (const core::Vote& vote : votes) {
      if (vote.approve && may_fill(request, seats[i].set, vote)) eligible[i].push_back(vote.person);
    }
  }
  return policy::fill_seats(seats, eligible).by_seat;
}

}  // namespace jit::bus
