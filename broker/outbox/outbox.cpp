// SPDX-License-Identifier: Apache-2.0
#include "broker/outbox/outbox.h"

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "broker/core/events.h"
#include "evidence/outcome.h"
#include "evidence/text.h"

namespace jit::outbox {
namespace {

using core::Error;
using Json = nlohmann::ordered_json;
namespace events = core::events;

constexpr std::size_t kChunk = 200;      // entries of the log that are read at once
constexpr std::size_t kLooked = 20'000;  // in one call: the core's thread has other things to do
constexpr std::size_t kWhyMax = 400;
constexpr core::BootMs kComesBack = core::BootMs{3600} * 1000;  // one that has not by then was taken away
constexpr core::WallMs kKeepHere = core::WallMs{60} * 1000;
constexpr const char* kHere = "notify.here";  // beside the places of couriers: when the notifier was here last, in seconds of Unix time

bool opens(std::string_view type) { return type == events::kRequestCreated || type == events::kRequestEscalated; }

bool ends(std::string_view type) {
  return type == events::kRequestApproved || type == events::kRequestDenied || type == events::kRequestExpired || type == events::kRequestCancelled;
}

bool concerns(Courier courier, const core::AuditEntry& entry) {
  if (courier == Courier::kNotify) return concerns_notifier(entry);
  // By another policy a vote can count that was refused before: each page says which one is in force.
  return opens(entry.type) || ends(entry.type) || entry.type == events::kPolicyLoaded;
}

// Whom it asks now: the seats, and what the steps that were taken have added.
std::set<std::string> sets_of(const core::Request& request) {
  std::set<std::string> out;
  for (const policy::Seat& seat : request.offer.seats) out.insert(seat.set);
  for (std::size_t i = 0; i < std::min<std::size_t>(request.steps, request.offer.ladder.size()); ++i) {
    if (!request.offer.ladder[i].add.empty()) out.insert(request.offer.ladder[i].add);
  }
  return out;
}

Error no_database(std::string& message) {
  message = "there is no database now: jitctl status says why";
  return Error::kUnavailable;
}

Error unread(std::string& message) {
  message = "the database cannot be read now: jitctl status says why";
  return Error::kUnavailable;
}

// A read that fails finds nothing, too: what follows from that is not done.
class Reads {
 public:
  explicit Reads(const store::Database& database) : database_(database), before_(database.failed_reads()) {}
  bool failed() const { return database_.failed_reads() != before_; }

 private:
  const store::Database& database_;
  const std::uint64_t before_;
};

Error has_left(std::string& message) {
  message = "the connection has gone";
  return Error::kUnavailable;
}

}  // namespace

std::string_view name_of(Courier courier) { return courier == Courier::kRelay ? "relay" : "notify"; }

// Of this machine: no directory elsewhere gives these names to somebody with a number of its own.
std::optional<Courier> courier_of(const policy::Identity& who) {
  constexpr std::uint32_t kFirstOfPeople = 1000;
  if (who.uid == 0 || who.uid >= kFirstOfPeople) return std::nullopt;
  if (who.user == "_jit-relay") return Courier::kRelay;
  if (who.user == "_jit-notify") return Courier::kNotify;
  return std::nullopt;
}

Outbox::Outbox(core::Core& core, const core::Clock& clock, std::string boot_id, std::function<store::Database*()> database, Sealing sealing)
    : core_(core), clock_(clock), boot_id_(std::move(boot_id)), database_(std::move(database)), sealing_(std::move(sealing)) {}

Moment Outbox::now() const { return {clock_.wall(), clock_.boottime(), boot_id_}; }

void Outbox::use_host(std::string id, std::string name, evidence::PrivateFields hide) {
  host_id_ = std::move(id);
  host_name_ = std::move(name);
  hide_ = hide;
}

std::string Outbox::head() const {
  const policy::Policy* const policy = core_.policy();
  const std::string members = Json{{"host", {{"id", host_id_}, {"name", evidence::escape(host_name_)}}}, {"policy", policy != nullptr ? policy->hash() : ""}}.dump();
  return members.substr(1, members.size() - 2);
}

// Empty: it cannot be signed now.
std::string Outbox::request_entry(const core::Request& request, const Moment& now) const {
  const std::string envelope = sealing_.envelope(request);
  if (envelope.empty()) return {};
  Json sets = Json::array();
  for (const std::string& set : sets_of(request)) sets.push_back(evidence::escape(set));
  // Whose signed votes could count: those of people with a key. A courier looks for them where it was away.
  Json voters = Json::array();
  if (const policy::Policy* const policy = core_.policy(); policy != nullptr) {
    for (const policy::Person& person : policy->people()) {
      if (!person.keys.empty()) voters.push_back(evidence::escape(person.name));
    }
  }
  return Json{{"request", request.id.text()}, {"digest", request.digest}, {"sets", std::move(sets)}, {"voters", std::move(voters)},
              {"left_ms", now.left_until_deadline(request)}, {"envelope", envelope}}
      .dump();
}

// The members of an entry, without the braces; empty: it is carried to nobody.
std::string Outbox::entry(Courier courier, const core::AuditEntry& entry, const Moment& now) {
  store::Database* const database = database_();
  if (database == nullptr) return {};
  if (courier == Courier::kNotify) {
    return notice_of(entry, {[&](const core::Id& id) { return database->request(id); }, [&](const core::Id& id) { return database->grant(id); }, hide_, now});
  }
  const auto request = entry.request.empty() ? std::nullopt : database->request(entry.request);
  if (!request || request->payload.empty() || request->offer.seats.empty()) return {};
  const bool open = request->state == core::RequestState::kPending || request->state == core::RequestState::kDetached;
  if (opens(entry.type)) {
    const std::string members = open ? request_entry(*request, now) : std::string();
    return members.empty() ? members : members.substr(1, members.size() - 2);
  }
  evidence::Outcome outcome;
  outcome.request = request->id.text();
  outcome.digest = request->digest;
  outcome.host_id = host_id_;
  outcome.state = core::name_of(request->state);
  outcome.by = request->ended_by;
  outcome.why = request->ended_why;
  outcome.ended_ms = std::max<core::WallMs>(request->ended_wall, 0);
  const auto envelope = open ? std::nullopt : sealing_.seal(evidence::kOutcomeType, payload_of(outcome), evidence::kOutcomeNamespace);
  if (!envelope) return {};
  const std::string members = Json{{"request", outcome.request}, {"digest", outcome.digest}, {"state", outcome.state}, {"envelope", evidence::to_json(*envelope)}}.dump();
  return members.substr(1, members.size() - 2);
}

// Who never carried begins with what is open, which open() tells, and what comes behind it; so does everybody where the
// database was put back.
std::optional<std::uint64_t> Outbox::place(Courier courier, store::Database& database) {
  State& state = of(courier);
  const Reads reads(database);
  const auto known = carried(courier, database);
  const std::uint64_t last = database.last_sequence();
  if (reads.failed()) return std::nullopt;
  state.carried = known;
  if (!state.carried || *state.carried > last) {
    state.carried = last;
    database.keep_carried(std::string(name_of(courier)), last);
  }
  return state.carried;
}

// The log is in order: what is of this boot stands behind all that is not.
std::uint64_t Outbox::first_of_boot(store::Database& database) {
  if (first_ != 0) return first_;
  const Reads reads(database);
  std::uint64_t before = 0;  // all up to here is of earlier ones
  std::uint64_t upto = database.last_sequence() + 1;
  const std::uint64_t end = upto;
  while (before + 1 < upto) {
    store::AuditFilter filter;
    filter.after = before + (upto - before) / 2 - 1;
    filter.limit = 1;
    const auto found = database.entries(filter);
    if (found.empty() || found.front().boot_id == boot_id_) {
      upto = filter.after + 1;
    } else {
      before = found.front().sequence;
    }
  }
  if (upto < end && !reads.failed()) first_ = upto;
  return upto;
}

core::Outcome<std::string> Outbox::open(Courier courier, const std::string& after) {
  if (!after.empty() && !core::Id::parse(after)) return {Error::kBadInput, "after: give the id that the last answer named", {}};
  // Before what is open is looked at: what is made from now on is told by next().
  if (store::Database* const database = database_(); database != nullptr && after.empty() && !place(courier, *database)) {
    std::string message;
    return {unread(message), std::move(message), {}};
  }
  auto requests = core_.live_requests();
  std::ranges::sort(requests, {}, [](const core::Request* request) { return request->id; });
  const Moment now = this->now();
  std::string entries;
  std::string last;
  std::size_t count = 0;
  bool more = false;
  for (const core::Request* const request : requests) {
    if (request->offer.seats.empty() || request->id.text() <= after) continue;
    more = count == kPage || entries.size() >= kPageBytes;
    if (more) break;
    const std::string one = request_entry(*request, now);
    if (one.empty()) continue;
    entries += (entries.empty() ? "" : ",") + one;
    last = request->id.text();
    ++count;
  }
  return {Error::kNone, {}, "{" + head() + ",\"entries\":[" + entries + "],\"next\":\"" + (more ? last : std::string()) + "\"}"};
}

core::Outcome<std::string> Outbox::next(Courier courier, const std::string& connection, std::uint64_t after) {
  const Moment now = this->now();
  core::Outcome<std::string> out;
  if (!present_.contains(connection)) return {has_left(out.message), std::move(out.message), {}};
  store::Database* const database = database_();
  if (database == nullptr) return {no_database(out.message), std::move(out.message), {}};
  State& state = of(courier);
  state.waiting.clear();
  state.last = connection;
  if (courier == Courier::kNotify) keep_here(now.wall);
  const Reads reads(*database);
  if (after == 0) after = place(courier, *database).value_or(0);
  // Before the log is read: the writer goes on meanwhile, and nothing that it adds is passed over.
  const std::uint64_t last = database->last_sequence();
  const std::uint64_t first = first_of_boot(*database);
  std::string entries;
  std::size_t count = 0;
  std::size_t looked = 0;
  bool all = false;
  while (!all && !reads.failed() && looked < kLooked && count < kPage && entries.size() < kPageBytes) {
    store::AuditFilter filter;
    filter.after = after;
    filter.limit = kChunk;
    // Those of earlier boots can be told by their date alone.
    const bool earlier = after + 1 < first;
    if (earlier) filter.since = now.wall - kOld;
    auto found = database->entries(filter);
    const bool full = found.size() == kChunk;
    if (earlier) std::erase_if(found, [&](const core::AuditEntry& each) { return each.sequence >= first; });
    for (const core::AuditEntry& each : found) {
      if (count >= kPage || entries.size() >= kPageBytes) break;
      after = each.sequence;
      if (!concerns(courier, each) || now.left_of(each, kOld) == 0) continue;
      const std::string members = entry(courier, each, now);
      if (members.empty()) continue;
      entries += std::string(entries.empty() ? "" : ",") + "{\"seq\":" + std::to_string(each.sequence) + ",\"type\":\"" + each.type + "\"," + members + "}";
      ++count;
    }
    looked += found.size();
    const bool taken = found.empty() || after == found.back().sequence;
    if (earlier && taken && (!full || found.size() < kChunk)) {
      after = first - 1;
    } else {
      all = !full && taken;
    }
  }
  if (reads.failed()) return {unread(out.message), std::move(out.message), {}};
  // What is too old was passed over.
  if (all && entries.empty()) after = std::max(after, last);
  if (all) state.waiting = connection;
  out.value = "{" + head() + ",\"entries\":[" + entries + "],\"next\":" + std::to_string(after) + ",\"more\":" + (all ? "false" : "true") + "}";
  return out;
}

core::Outcome<bool> Outbox::done(Courier courier, std::uint64_t sequence) {
  std::string message;
  store::Database* const database = database_();
  if (database == nullptr) return {no_database(message), std::move(message), false};
  // Beyond the log's end it would never be told of anything again.
  const Reads reads(*database);
  const std::uint64_t last = database->last_sequence();
  if (reads.failed()) return {unread(message), std::move(message), false};
  if (sequence > last) return {Error::kBadInput, "the log has no such entry", false};
  of(courier).carried = sequence;
  database->keep_carried(std::string(name_of(courier)), sequence);
  return {Error::kNone, {}, true};
}

core::Outcome<bool> Outbox::reachable(Courier courier, const std::string& connection, bool reached, std::string why, core::WallMs now) {
  std::string message;
  if (!present_.contains(connection)) return {has_left(message), std::move(message), false};
  if (why.size() > kWhyMax || !evidence::valid_utf8(why)) return {Error::kBadInput, "why: a text of at most " + std::to_string(kWhyMax) + " bytes", false};
  of(courier).last = connection;
  note_reach(courier, reached, std::move(why), now);
  if (courier == Courier::kRelay) core_.say_reach(reached);
  return {Error::kNone, {}, true};
}

void Outbox::note_reach(Courier courier, bool reached, std::string why, core::WallMs now) {
  Reach& reach = of(courier).reach;
  if (!reach.known || reach.reached != reached) reach.since = now;
  reach.known = true;
  reach.reached = reached;
  reach.why = reached ? std::string() : std::move(why);
}

// Of other messages nothing depends on it.
core::Outcome<bool> Outbox::acknowledged(Courier courier, std::uint64_t sequence, const std::string& channel) {
  std::string message;
  store::Database* const database = database_();
  if (database == nullptr) return {no_database(message), std::move(message), false};
  if (courier != Courier::kNotify) return {Error::kBadInput, "only the notifier has channels", false};
  store::AuditFilter filter;
  filter.after = sequence == 0 ? 0 : sequence - 1;
  filter.limit = 1;
  const Reads reads(*database);
  const auto found = database->entries(filter);
  if (reads.failed()) return {unread(message), std::move(message), false};
  if (found.empty() || found.front().sequence != sequence) return {Error::kBadInput, "the log has no such entry", false};
  const auto request = found.front().type == events::kRequestCreated ? database->request(found.front().request) : std::nullopt;
  if (reads.failed()) return {unread(message), std::move(message), false};
  if (!request || !request->offer.break_glass) return {Error::kNone, {}, true};
  // Another one of this host was told, too; the rule does not name it.
  if (std::ranges::find(request->offer.notify, channel) == request->offer.notify.end()) return {Error::kNone, {}, true};
  // A courier may say it twice.
  store::AuditFilter before;
  before.request = request->id;
  before.type = events::kNotifyAcknowledged;
  const bool known = std::ranges::any_of(database->entries(before), [&](const core::AuditEntry& each) {
    const auto fields = Json::parse(each.fields, nullptr, false);
    return fields.is_object() && fields.value("notify", std::string()) == evidence::escape(channel);
  });
  if (reads.failed()) return {unread(message), std::move(message), false};
  if (!known) core_.acknowledged(*request, channel);
  return {Error::kNone, {}, true};
}

std::optional<std::uint64_t> Outbox::carried(Courier courier, store::Database& database) {
  const State& state = of(courier);
  return state.carried ? state.carried : database.carried(std::string(name_of(courier)));
}

void Outbox::keep_here(core::WallMs now) {
  State& state = of(Courier::kNotify);
  store::Database* const database = database_();
  if (database == nullptr || std::abs(now - state.kept) < kKeepHere) return;
  state.kept = now;
  database->keep_carried(kHere, static_cast<std::uint64_t>(std::max<core::WallMs>(now, 0) / 1000));
}

// Judged by when it was here last, over starts of the broker and of the host: where it was taken away, nobody is told.
bool Outbox::notifies(core::WallMs now) {
  State& state = of(Courier::kNotify);
  if (!state.last.empty()) {
    keep_here(now);
    return true;
  }
  // Once: only this broker writes it, and each decision asks.
  if (store::Database* const database = state.gone == 0 && !state.gone_read ? database_() : nullptr) {
    const Reads reads(*database);
    if (const auto here = database->carried(kHere)) state.gone = static_cast<core::WallMs>(*here) * 1000;
    state.gone_read = !reads.failed();
  }
  return state.gone != 0 && std::abs(now - state.gone) < kOld;
}

std::vector<std::string> Outbox::logged(const core::AuditEntry& entry) {
  std::vector<std::string> out;
  for (const Courier courier : {Courier::kRelay, Courier::kNotify}) {
    State& state = of(courier);
    if (!state.waiting.empty() && concerns(courier, entry)) out.push_back(std::exchange(state.waiting, {}));
  }
  return out;
}

void Outbox::left(const std::string& connection, core::WallMs now) {
  present_.erase(connection);
  for (const Courier courier : {Courier::kRelay, Courier::kNotify}) {
    State& state = of(courier);
    if (state.waiting == connection) state.waiting.clear();
    if (state.last != connection) continue;
    state.last.clear();
    state.gone = now;
    if (courier == Courier::kNotify) keep_here(now);
    if (!state.reach.known) continue;
    note_reach(courier, false, "jit-" + std::string(name_of(courier)) + " does not run", now);
    if (courier == Courier::kRelay) core_.say_reach(false, clock_.boottime() + kComesBack);
  }
}

void Outbox::lost(core::WallMs now) {
  for (const State& state : state_) {
    if (const std::string last = state.last; !last.empty()) left(last, now);
  }
  present_.clear();
}

}  // namespace jit::outbox
