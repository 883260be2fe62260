// SPDX-License-Identifier: Apache-2.0
// What the world hears, judged at once: nothing is told that the disk does not hold.
#include <algorithm>

#include "evidence/envelope.h"
#include "evidence/request.h"
#include "tests/core/world.h"

namespace jit::core_test {

namespace {

IdentityPtr identity(const World& world, std::uint32_t uid, std::string user, std::vector<std::string> groups) {
  policy::Identity out{uid, std::move(user), {}, true, groups, groups};
  out.person = world.policy ? world.policy->person_name(out.user, uid) : "uid:" + std::to_string(uid);
  return std::make_shared<const policy::Identity>(std::move(out));
}

}  // namespace

IdentityPtr World::who(std::uint32_t uid) const {
  switch (uid) {
    case 0: return identity(*this, uid, "root", {"root"});
    case kAlice: return identity(*this, uid, "alice", {"staff"});
    case kBob: return identity(*this, uid, "bob", {"staff", "sre"});
    case kCarol: return identity(*this, uid, "carol", {"staff", "sre"});
    case kDave: return identity(*this, uid, "dave", {"dba"});
    case kErin: return identity(*this, uid, "erin", {"staff", "sre", "dba"});
    case kMallory: return identity(*this, uid, "mallory", {"guests"});
    case kFrank: return identity(*this, uid, "frank", {"staff"});
    case kBobAdm: return identity(*this, uid, "bob-adm", {"sre"});
    default: return identity(*this, uid, "u" + std::to_string(uid), {"staff"});
  }
}

Caller World::caller(std::uint32_t uid) const {
  Caller out;
  out.identity = who(uid);
  out.loginuid = uid == 0 ? policy::kNoUid : uid;
  out.admin = uid == 0;
  return out;
}

Ask World::ask(std::uint32_t uid, const std::string& target) const {
  Ask out;
  out.service = "sudo";
  out.subject.identity = who(uid);
  out.subject.loginuid = uid;
  out.subject.audit_session = 40 + uid;
  out.subject.tty = "pts/" + std::to_string(uid);
  out.subject.terminal = {34816 + uid, {static_cast<std::int32_t>(uid), 77}};
  out.subject.origin.kind = policy::Origin::Kind::kLocal;
  out.real_uid = uid;
  const std::uint32_t target_uid = target == "root" ? 0 : 2000 + static_cast<std::uint32_t>(target.size());
  out.target = identity(*this, target_uid, target, {target});
  out.target_verified = true;
  out.root = who(0);
  out.process = {++next_pid_, 900};
  out.parent = {static_cast<std::int32_t>(uid), 77};
  out.argv = {"sudo", "-u", target, "id"};
  out.cwd = "/home";
  out.can_ask = true;
  out.budget_s = 120;
  return out;
}

Ask World::login(std::uint32_t uid, const std::string& peer) const {
  Ask out = ask(uid);
  out.door = policy::Door::kSsh;
  out.service = "sshd";
  out.target = out.subject.identity;
  out.real_uid = 0;
  out.subject.loginuid = policy::kNoUid;
  out.subject.audit_session = policy::kNoUid;
  out.subject.tty = "ssh";
  out.subject.terminal = {};
  out.subject.origin.kind = policy::Origin::Kind::kPeer;
  out.subject.origin.peer = policy::Address::parse(peer).value();
  out.argv.clear();
  out.cwd.clear();
  out.can_ask = false;
  out.budget_s = 0;
  out.keep = true;
  return out;
}

bool digest_matches(const Request& request) { 
  return request.digest == evidence::digest_of(evidence::kRequestType, request.payload) && evidence::read_request(request.payload) &&
         evidence::read_request(request.payload)->nonce == request.nonce;
}

const Answer& World::answer(Conn conn) const {
  REQUIRE(heard(conn).answers.size() == 1);
  return heard(conn).answers.front();
}

const Answer& World::decided(Conn conn) const {
  REQUIRE(heard(conn).decided.size() == 1);
  return heard(conn).decided.front();
}

const BindAnswer& World::bound(Conn conn) const {
  REQUIRE(heard(conn).bound.size() == 1);
  return heard(conn).bound.front();
}

bool World::silent(Conn conn) const {
  const Heard& all = heard(conn);
  return all.answers.empty() && all.decided.empty() && all.progress.empty() && all.bound.empty();
}

Id World::only_request() const {
  const auto live = core->live_requests();
  REQUIRE(live.size() == 1);
  return live.front()->id;
}

const Grant& World::only_grant() const {
  const auto live = core->live_grants();
  REQUIRE(live.size() == 1);
  return *live.front();
}

std::size_t World::logged(std::string_view type) const {
  return static_cast<std::size_t>(std::ranges::count(held.entries, type, &AuditEntry::type));
}

std::vector<std::string> World::types() const {
  std::vector<std::string> out;
  for (const AuditEntry& entry : held.entries) out.push_back(entry.type);
  return out;
}

void World::answer(Conn conn, const Answer& answer) {
  Heard& to = heard_.at(conn);
  must(!to.gone, "a connection that hung up is not answered");
  must(to.answers.empty(), "a connection is answered once");
  if (answer.verdict == Verdict::kPending) {
    const auto it = held.requests.find(answer.id);
    must(it != held.requests.end(), "a request is on disk before its asker is told");
    const bool granted = it != held.requests.end() && it->second.state == RequestState::kApproved && held.grants.contains(it->second.grant);
    must(it == held.requests.end() || (answer.cause == "telling" ? granted : it->second.state == RequestState::kPending) || answer.cause == "resumed",
         "a request is pending on disk before its asker is told");
    must(answer.cause == "resumed" || answer.secret.size() == 32, "a request comes with its secret");
  }
  for (const std::string& line : answer.text) must(line.size() <= kLineMax, "a line is at most 480 bytes");
  to.answers.push_back(answer);
}

void World::progress(Conn conn, std::vector<std::string> text) {
  Heard& to = heard_.at(conn);
  must(!to.gone && to.answers.size() == 1 && to.decided.empty(), "progress comes between answer and decision");
  to.progress.push_back(std::move(text));
}

void World::decided(Conn conn, const Answer& answer) {
  Heard& to = heard_.at(conn);
  must(!to.gone, "a connection that hung up hears no decision");
  must(to.answers.size() == 1 && to.answers.front().verdict == Verdict::kPending, "who waits was told so");
  must(to.decided.empty(), "a decision is told once");
  const auto it = held.requests.find(answer.id);
  must(it != held.requests.end(), "what was decided is on disk");
  if (it != held.requests.end()) {
    if (answer.verdict == Verdict::kAllow) {
      must(it->second.state == RequestState::kApproved && held.grants.contains(it->second.grant),
           "an approval and its grant are on disk before the asker is told");
    } else {
      const bool over = answer.cause == "ended" && ended.contains(it->second.grant);  // written or not: it opens nothing
      must(answer.cause == name_of(it->second.state) || over || failed_, "an end is on disk before the asker is told");
    }
  }
  to.decided.push_back(answer);
}

void World::bound(Conn conn, const BindAnswer& answer) {
  Heard& to = heard_.at(conn);
  must(to.bound.empty(), "a Bind is answered once");
  if (answer.allow && answer.cause != "already-root" && answer.cause != "observed") {
    const auto it = held.grants.find(answer.grant);
    must(it != held.grants.end() && it->second.state == GrantState::kActive, "a grant is active on disk at its use");
    must(it == held.grants.end() || (answer.end >= it->second.expires && (answer.end == it->second.expires || it->second.on_expiry != policy::Expiry::kEnd) && now < answer.end && answer.end <= answer.hard),
         "the end told is the end on disk");
  }
  to.bound.push_back(answer);
  if (on_bound) on_bound(conn, answer);
}

void World::request_changed(const Request& request) {
  const auto it = held.requests.find(request.id);
  must(it != held.requests.end() && it->second.state == request.state && it->second.grant == request.grant,
       "the listener hears of a request what is on disk");
  told_requests.push_back(request);
}

void World::grant_changed(const Grant& grant) {
  const auto it = held.grants.find(grant.id);
  must(it != held.grants.end() && it->second.state == grant.state && it->second.expires == grant.expires,
       "the listener hears of a grant what is on disk");
  told_grants.push_back(grant);
}

void World::logged(const AuditEntry& entry) {
  const bool there = std::any_of(held.entries.rbegin(), held.entries.rend(), [&](const AuditEntry& old) {
    return old.type == entry.type && old.fields == entry.fields && old.request == entry.request;
  });
  must(there, "an entry is on disk before it is passed on");
  must(!entry.boot_id.empty() && entry.boottime > 0 && entry.wall > 0, "an entry has its times");
  told_entries.push_back(entry);
}

}  // namespace jit::core_test
