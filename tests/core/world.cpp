// SPDX-License-Identifier: Apache-2.0
#include "tests/core/world.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "evidence/privacy.h"
#include "evidence/text.h"

namespace jit::core_test {

const char kRules[] = R"(
schema = 1
[settings]
covers = ["sudo", "su", "ssh"]
[set]
staff = ["group:staff"]
sre = ["group:sre"]
dba = ["group:dba"]
[approval]
one = { need = [{ from = "set:sre" }], wait = "10m" }
quick = { need = [{ from = "set:sre" }], wait = "1m" }
two = { need = [{ from = "set:sre", count = 2 }], wait = "10m" }
teams = { need = [{ from = "set:sre" }, { from = "set:dba" }], wait = "10m" }
[[permit]]
id = "root"
who = ["set:staff"]
door = ["sudo", "su"]
as = ["user:root"]
approval = "one"
give = "15m"
max = "1h"
scope = "tty"
[[permit]]
id = "free"
who = ["set:staff"]
door = ["sudo"]
as = ["user:free"]
give = "15m"
max = "1h"
scope = "tty"
[[permit]]
id = "two"
who = ["set:staff"]
door = ["sudo"]
as = ["user:two"]
approval = "two"
max = "1h"
scope = "session"
[[permit]]
id = "teams"
who = ["set:staff"]
door = ["sudo"]
as = ["user:teams"]
approval = "teams"
max = "1h"
scope = "session"
[[permit]]
id = "why"
who = ["set:staff"]
door = ["sudo"]
as = ["user:why"]
approval = "one"
require = ["reason"]
max = "1h"
scope = "command"
[[permit]]
id = "quick"
who = ["set:staff"]
door = ["sudo"]
as = ["user:quick"]
approval = "quick"
claim = "1m"
max = "1h"
scope = "command"
[[permit]]
id = "in"
who = ["set:staff"]
door = ["ssh"]
approval = "one"
max = "8h"
)";

const char kPeople[] = R"(
version = 1
[[person]]
name = "bob"
users = ["bob", "bob-adm"]
[[person]]
name = "root-admin"
users = ["root"]
roles = ["admin"]
)";

std::shared_ptr<const policy::Policy> load_policy(std::string rules, std::string people) {
  const std::vector<policy::Source> files{{"test.toml", std::move(rules)}};
  const std::vector<policy::Source> persons{{"people.toml", std::move(people)}};
  policy::Policy::Input input;
  input.rules = files;
  input.people = persons;
  input.digest = [](std::string_view bytes) { return evidence::sha256_hex(bytes); };
  auto loaded = policy::Policy::load(input);
  for (const policy::Finding& finding : loaded.findings) UNSCOPED_INFO(finding.text());
  REQUIRE(loaded.policy != nullptr);
  return loaded.policy;
}

std::string rules_with(const std::string& from, const std::string& to) {
  std::string out = kRules;
  const auto at = out.find(from);
  REQUIRE(at != std::string::npos);
  return out.replace(at, from.size(), to);
}

World::World(Limits lim) : limits(lim) {
  policy = load_policy();
  core = std::make_unique<Core>(*this, *this, *this, *this, *this, *this, boot, limits);
  core->know_root(who(0));
  core->use_policy(policy);
}

World::~World() = default;

void World::must(bool ok, const char* what) const {
  if (ok) return;
  broken = true;
  FAIL_CHECK(what);
}

void World::pass(BootMs ms) { now += ms; }

void World::pass_and_tick(BootMs ms) {
  now += ms;
  core->tick();
  after();
}

void World::settle() {
  while (!queue_.empty()) write_one(!failing_writes);
}

void World::write_one(bool ok) {
  REQUIRE_FALSE(queue_.empty());
  Write write = std::move(queue_.front());
  queue_.pop_front();
  failed_ = !ok;
  if (ok) apply(write.batch);
  for (const Grant& grant : write.batch.grants) {
    if (!ok && grant.state == GrantState::kEnded) told.insert(grant.id);
  }
  write.done(ok);
}

void World::after() {
  if (disk == Disk::kPrompt) settle();
}

void World::apply(const Batch& batch) {
  held.epoch = std::max(held.epoch, batch.epoch);
  for (const Request& request : batch.requests) {
    const auto it = held.requests.find(request.id);
    if (it != held.requests.end()) {
      must(it->second.digest == request.digest, "a stored request is immutable");
      const bool final_state = it->second.state != RequestState::kPending && it->second.state != RequestState::kDetached;
      must(!final_state || it->second.state == request.state, "a request that ended stays as it ended");
    }
    must(digest_matches(request), "the digest is of the request");
    held.requests[request.id] = request;
  }
  for (const Vote& vote : batch.votes) {
    for (const Vote& old : held.votes) {
      must(!(old.request == vote.request && old.person == vote.person && old.approve == vote.approve),
           "a vote is unique on request, person and decision");
    }
    held.votes.push_back(vote);
  }
  for (const Grant& grant : batch.grants) {
    const auto it = held.grants.find(grant.id);
    must(it == held.grants.end() || it->second.state != GrantState::kEnded, "an ended grant is never written again");
    held.grants[grant.id] = grant;
  }
  for (const Fact& fact : batch.facts) held.facts[fact.name] = fact;
  for (const std::string& name : batch.cleared) held.facts.erase(name);
  for (const Absence& absence : batch.absences) {
    if (absence.until == 0) {
      held.absences.erase(absence.person);
    } else {
      held.absences[absence.person] = absence;
    }
  }
  held.nets.insert(held.nets.end(), batch.nets.begin(), batch.nets.end());
  for (AuditEntry entry : batch.entries) {
    entry.sequence = ++next_sequence_;
    held.entries.push_back(std::move(entry));
  }
}

void World::restart(bool new_boot) {
  core.reset();
  queue_.clear();
  failed_ = false;
  for (auto& [conn, heard] : heard_) heard.gone = true;
  if (new_boot) boot += "'";
  // An end that was being written, and of which nobody was told, is forgotten with the memory that held it.
  std::erase_if(ended, [&](const Id& id) { return held.grants.at(id).state != GrantState::kEnded && !told.contains(id); });
  core = std::make_unique<Core>(*this, *this, *this, *this, *this, *this, boot, limits);
  State state;
  for (const auto& [key, request] : held.requests) {
    const bool open = request.state == RequestState::kPending || request.state == RequestState::kDetached;
    const auto grant = held.grants.find(request.grant);
    const bool living = grant != held.grants.end() && grant->second.state != GrantState::kEnded;
    if (open || living) state.requests.push_back(request);
  }
  for (const Vote& vote : held.votes) {
    if (std::ranges::count(state.requests, vote.request, &Request::id) > 0) state.votes.push_back(vote);
  }
  for (const auto& [key, grant] : held.grants) {
    if (grant.state != GrantState::kEnded) state.grants.push_back(grant);
    if (grant.starts != 0) state.held.push_back({grant.subject.identity->uid, grant.subject.loginuid, grant.target->uid, grant.boot_id});
  }
  for (const auto& [key, request] : held.requests) {
    state.asked.push_back({request.subject.identity->uid, request.subject.loginuid, request.boot_id, request.created, request.created_wall});
  }
  for (const auto& [key, request] : held.requests) {
    if (request.review_due != 0 && request.reviewed_wall == 0) state.owed.push_back(request);
  }
  for (const Vote& vote : held.votes) {
    if (vote.block_s) state.blocks.emplace_back(held.requests.at(vote.request), vote);
  }
  for (const auto& [person, absence] : held.absences) state.absences.push_back(absence);
  for (const AuditEntry& entry : held.entries) {
    if (entry.type == events::kNotifyAcknowledged || entry.type == events::kNotifyUnsent) state.told.insert(entry.request);
  }
  std::set<std::uint32_t> voters;
  for (const Vote& vote : state.votes) voters.insert(vote.uid);
  core->restore(std::move(state), std::exchange(lost, {}));
  core->remember(past());
  core->use_policy(policy);
  for (const std::uint32_t uid : voters) {
    if (!forget_voters) core->know_voter(uid, who(uid));
  }
  if (!forget_root) core->know_root(who(0));
  after();
}

// What the store makes of its tables and its log.
Past World::past() const {
  Past out;
  for (const auto& [name, fact] : held.facts) out.facts.push_back(fact);
  out.nets = held.nets;
  for (const AuditEntry& entry : held.entries) {
    Past::Done done{Deed::kRequest, entry.person, entry.request, entry.boot_id, entry.boottime, entry.wall, 1};
    const bool denied = entry.type == events::kRequestDenied ||
                        (entry.type == events::kAccessDenied && entry.fields.find("\"cause\":\"policy\"") != std::string::npos);
    if (entry.type == events::kGrantCreated) done.id = entry.grant;
    if (entry.type == events::kGrantCreated) done.deed = Deed::kGranted;
    if (denied) done.deed = Deed::kDenied;
    if (denied) done.count = nlohmann::json::parse(entry.fields).value("repeated", 1U);
    if (entry.type == events::kGrantCreated && entry.fields.find("\"break_glass\":true") != std::string::npos) {
      out.done.push_back(done);
      out.done.back().deed = Deed::kBreakGlass;
    }
    if (denied || entry.type == events::kGrantCreated || entry.type == events::kRequestCreated) out.done.push_back(done);
  }
  for (const auto& [id, grant] : held.grants) {
    out.uses.push_back({grant.subject.identity->person, grant.target->uid, grant.created_wall});
  }
  return out;
}

void World::use(std::shared_ptr<const policy::Policy> next) {
  policy = std::move(next);
  core->use_policy(policy);
  after();
}

Conn World::submit(Ask ask) {
  const Conn conn = ++next_conn_;
  heard_[conn];
  ask.unseen ? static_cast<void>(core->submit_unseen(conn, ask)) : core->submit(conn, std::move(ask));
  after();
  return conn;
}

Conn World::resume(const Id& request, const std::string& secret) {
  const Conn conn = ++next_conn_;
  heard_[conn];
  core->resume(conn, request, secret);
  after();
  return conn;
}

void World::detach(Conn conn) {
  core->detach(conn);
  after();
}

void World::withdraw(Conn conn) {
  core->withdraw(conn);
  after();
}

void World::hangup(Conn conn) {
  heard_.at(conn).gone = true;
  core->hangup(conn);
  after();
}

Conn World::bind_with(BindAsk ask) {
  const Conn conn = ++next_conn_;
  heard_[conn];
  binds[conn] = ask;
  core->bind(conn, std::move(ask));
  after();
  return conn;
}

Conn World::bind(const Ask& ask) { return bind_with(bind_ask(ask)); }

BindAsk World::bind_ask(const Ask& ask) {
  return {ask.door, ask.target, ask.process, ask.subject.terminal, ask.subject.audit_session, ask.ssh_key};
}

Reply<Request> World::vote(std::uint32_t voter, const Id& request, bool approve) {
  return vote(caller(voter), request, {approve, std::nullopt, std::nullopt, approve ? "fine" : "not now"});
}

Reply<Request> World::vote(const Caller& voter, const Id& request, Ballot ballot) {
  Reply<Request> reply;
  core->vote(voter, request.text(), std::move(ballot), reply.done());
  after();
  return reply;
}

Reply<Request> World::create(std::uint32_t uid, Ask ask) {
  ask.process = {};
  ask.parent = {};
  ask.service = "jitctl";
  ask.budget_s = 0;
  Reply<Request> reply;
  core->create(caller(uid), std::move(ask), reply.done());
  after();
  return reply;
}

Reply<Request> World::cancel(const Caller& by, const Id& request) {
  Reply<Request> reply;
  core->cancel(by, request.text(), reply.done());
  after();
  return reply;
}

Reply<Request> World::extend(const Caller& by, const Id& grant, std::uint32_t for_s, const std::string& reason) {
  Ask wish;
  wish.asked_s = for_s;
  wish.reason = reason;
  Reply<Request> reply;
  core->extend(by, grant.text(), std::move(wish), reply.done());
  after();
  return reply;
}

Reply<Request> World::review(const Caller& by, const Id& request, const std::string& text) {
  Reply<Request> reply;
  core->review(by, request.text(), text, reply.done());
  after();
  return reply;
}

Reply<Absence> World::away(const Caller& by, WallMs until) {
  Reply<Absence> reply;
  core->set_away(by, until, reply.done());
  after();
  return reply;
}

void World::acknowledge(const Request& request, const std::string& channel) {
  core->acknowledged(request, channel);
  after();
}

Reply<Grant> World::end(const Caller& by, const Id& grant) {
  Reply<Grant> reply;
  core->end(by, grant.text(), reply.done());
  after();
  return reply;
}

Reply<std::vector<Grant>> World::revoke(const Caller& by, Core::Which which) {
  Reply<std::vector<Grant>> reply;
  core->revoke(by, which, "it is over", reply.done());
  after();
  return reply;
}

Id World::id() {
  Id out;
  // The counter comes first, so that ids differ within four digits.
  const std::uint64_t n = ++next_id_;
  for (std::size_t i = 0; i < 8 && !same_prefix; ++i) out.bytes[i] = static_cast<std::uint8_t>((n * 0x9E3779B97F4A7C15ULL) >> (8 * (7 - i)));
  for (std::size_t i = 0; i < 8; ++i) out.bytes[8 + i] = static_cast<std::uint8_t>(n >> (8 * i));
  return out;
}

bool World::add(std::span<const Tombstone> more) {
  if (failing_graves) graves.reset();
  if (graves) graves->insert(graves->end(), more.begin(), more.end());
  return graves.has_value();
}

bool World::replace(std::span<const Tombstone> all) {
  if (!failing_graves) graves.emplace(all.begin(), all.end());
  return !failing_graves;
}

void World::commit(Batch batch, std::function<void(bool)> done) {
  must(!batch.empty(), "an empty batch is not written");
  must(!batch.entries.empty(), "every change has its audit entry in the same transaction");
  for (const Grant& grant : batch.grants) {
    if (grant.state == GrantState::kEnded) ended.insert(grant.id);
  }
  const bool later_use = batch.requests.empty() && batch.votes.empty() && batch.grants.size() == 1 &&
                         batch.grants.front().uses > 1 && batch.entries.size() == 1 &&
                         (batch.entries.front().type == "grant.used" || batch.entries.front().type == "command.allowed");
  for (const AuditEntry& entry : batch.entries) {
    const auto fields = nlohmann::json::parse(entry.fields);
    for (auto field = fields.begin(); field != fields.end(); ++field) {
      must(evidence::privacy_of(entry.type, field.key()) != evidence::Privacy::kUndecided, ("nobody decided whether this tells of a person: " + entry.type + " " + field.key()).c_str());
    }
  }
  must(batch.may_wait == later_use, "a later use of a grant may wait in the store, and nothing else");
  queue_.push_back({std::move(batch), std::move(done)});
}

}  // namespace jit::core_test
