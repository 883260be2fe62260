// SPDX-License-Identifier: Apache-2.0
// What a new broker makes of what the store held, and of what had ended without being written there.
#include "broker/core/impl.h"

namespace jit::core {

namespace {

constexpr const char* kRestarted = "the host was restarted";
constexpr const char* kPutBack = "the log of this host was lost or put back";
constexpr const char* kUnwritten = "it ended while the log could not be written";
constexpr const char* kLost = "what had ended before a restart of the broker is not known any more";

}  // namespace

void Core::restore(State state, const Lost& lost) {
  Impl& impl = *impl_;
  const BootMs now = impl.clock.boottime();
  const WallMs wall = impl.clock.wall();
  const auto tombstones = impl.tombstones.load();
  std::map<Id, Tombstone> ended;
  if (tombstones) {
    for (const Tombstone& end : *tombstones) ended.emplace(end.id, end);
  }
  // Without a record there may have been an end in it, so all that could have ended has.
  const auto end_of = [&]<class How>(const Id& id, How when_lost) -> std::optional<How> {
    if (!tombstones) return when_lost;
    const auto found = ended.find(id);
    if (found == ended.end()) return std::nullopt;
    const How* how = std::get_if<How>(&found->second.how);
    return how != nullptr ? *how : when_lost;
  };
  const char* const why = tombstones ? kUnwritten : kLost;
  const bool all = !lost.cause.empty();

  Batch batch;
  const auto end_request = [&](Request& request, RequestState how, const char* text) {
    request.state = how;
    request.ended_why = text;
    request.ended_wall = wall;
    std::string_view type = events::kRequestCancelled;
    if (how == RequestState::kDenied) type = events::kRequestDenied;
    if (how == RequestState::kExpired) type = events::kRequestExpired;
    batch.entries.push_back(events::request(type, request));
    batch.requests.push_back(request);
  };
  const auto end_grant = [&](Grant& grant, GrantEnd how, const char* text) {
    grant.state = GrantState::kEnded;
    grant.end = how;
    grant.ended_why = text;
    grant.ended_wall = wall;
    batch.entries.push_back(events::grant(events::kGrantEnded, grant));
    if (grant.boot_id == impl.boot_id) impl.enforce_end(grant);
    batch.grants.push_back(std::move(grant));
  };

  for (Request& request : state.requests) {
    auto live = std::make_unique<Live>();
    live->request = std::move(request);
    if (all || live->request.boot_id != impl.boot_id) {
      if (live->open()) end_request(live->request, RequestState::kCancelled, all ? kPutBack : kRestarted);
      continue;
    }
    if (live->open()) {
      if (const auto how = end_of(live->request.id, RequestState::kCancelled)) {
        end_request(live->request, *how, why);
        continue;
      }
    }
    if (live->request.state == RequestState::kPending) {
      live->resume_until = now + impl.limits.resume_ms;
      impl.due.emplace(live->resume_until, live->request.id);
    }
    for (const Vote& vote : state.votes) {
      if (vote.request != live->request.id) continue;
      // A person without an account here is known by his key alone.
      const bool no_account = vote.kind != VoteKind::kLocal && vote.uid == policy::kNoUid;
      live->votes.push_back({vote, no_account ? identity_of_person(vote.person) : nullptr});
    }
    impl.add(std::move(live));
  }
  impl.power_unknown = state.put_back;
  for (const State::Held& held : state.held) {
    if (held.boot_id == impl.boot_id) impl.note_power(held.uid, held.loginuid, held.target);
  }
  for (Grant& grant : state.grants) {
    if (all || grant.boot_id != impl.boot_id) {
      end_grant(grant, GrantEnd::kVoid, all ? kPutBack : kRestarted);
    } else if (const auto how = end_of(grant.id, GrantEnd::kVoid)) {
      end_grant(grant, *how, why);
    } else {
      impl.add_grant(std::move(grant));
    }
  }
  for (const auto& [id, live] : impl.requests) {
    if (live->open() || live->request.extends.empty()) continue;
    if (LiveGrant* held = impl.find_grant(live->request.extends)) held->extensions.push_back(id);
  }
  // An approved request stays for its grant only.
  std::vector<Id> stale;
  for (const auto& [id, live] : impl.requests) {
    if (!live->open() && impl.find_grant(live->request.grant) == nullptr) stale.push_back(id);
  }
  for (const Id& id : stale) impl.drop(id);

  const auto watch = [&](const Request& request) {
    if (request.kind != RequestKind::kBreakGlass || request.state != RequestState::kApproved || request.boot_id != impl.boot_id) return;
    if (!all && !state.told.contains(request.id)) impl.tell_first(request, 0, [](const Told&) {});
  };
  for (const auto& [id, live] : impl.requests) watch(live->request);
  for (const Request& request : state.owed) watch(request);
  for (Request& request : state.owed) {
    const Id id = request.id;
    impl.unreviewed.insert_or_assign(id, std::move(request));
  }
  for (const auto& [request, vote] : state.blocks) {
    if (vote.time + WallMs{*vote.block_s} * 1000 > wall) impl.add_block(request, vote);
  }
  for (Absence& absence : state.absences) {
    const std::string person = absence.person;
    if (absence.until > wall) impl.away.insert_or_assign(person, std::move(absence));
  }

  // The hour goes on. Of another boot only the wall clock tells; where it was set back, that says nothing.
  std::vector<std::pair<BootMs, const Asked*>> asked;
  for (const Asked& one : state.asked) {
    const BootMs age = one.boot_id == impl.boot_id ? now - one.created : wall - one.created_wall;
    if (age >= 0 && age < kHourMs) asked.emplace_back(now - age, &one);
  }
  std::ranges::sort(asked, {}, &std::pair<BootMs, const Asked*>::first);
  for (const auto& [when, one] : asked) {
    for (const std::uint32_t uid : quota_of(one->uid, one->loginuid)) impl.asked[uid].push_back(when);
  }

  const std::vector<Tombstone> again = impl.ends_in(batch);
  for (const Tombstone& end : again) impl.owed.emplace(end.id, end);
  impl.to_clear = !tombstones || !tombstones->empty();
  if (!tombstones && !again.empty()) {
    batch.entries.push_back(events::note(events::kEndsLost, "ended", std::to_string(again.size())));
  }
  if (all) {
    batch.entries.push_back(events::rolled_back(lost.cause, lost.epoch));
    batch.epoch = lost.epoch;
  }
  batch.entries.push_back(events::note(events::kBrokerStarted, "boot", impl.boot_id));
  // Nothing of this is in memory, so it has ended whether or not it is written at once; the record that says so (or is
  // not there) stays until it is.
  impl.commit_end(std::move(batch), [](bool) {});
}

}  // namespace jit::core
