// SPDX-License-Identifier: Apache-2.0
#include "tests/store/samples.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>

namespace jit::test {

core::Post Mailbox::post() {
  return [this](std::function<void()> letter) {
    const std::lock_guard lock(mutex_);
    letters_.push_back(std::move(letter));
    wake_.notify_one();
  };
}

void Mailbox::run_one() {
  std::function<void()> letter;
  {
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [this] { return !letters_.empty(); });
    letter = std::move(letters_.front());
    letters_.pop_front();
  }
  letter();
}

std::size_t Mailbox::waiting() {
  const std::lock_guard lock(mutex_);
  return letters_.size();
}

std::string text_in(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// In the working folder: a test may give it a file system of its own.
Folder::Folder() {
  std::string name = std::filesystem::current_path() / "store-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
  path = name;
}

Folder::~Folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path, ignored);
}

store::Log words_log() {
  return {[](std::uint64_t size, const evidence::Hash& root, std::int64_t epoch) {
            return std::to_string(size) + " " + evidence::to_hex(root) + " " + std::to_string(epoch);
          },
          [](const core::Head&, std::int64_t) {}};
}

Opened::Opened(const std::string& path, std::chrono::milliseconds patience, store::Log log) {
  auto opened = store::Database::open(path, mail.post(), std::move(log), patience);
  if (!opened.database) throw std::runtime_error(opened.message);
  db = std::move(opened.database);
}

bool Opened::commit(core::Batch batch) {
  bool written = false;
  db->commit(std::move(batch), [&written](bool ok) { written = ok; });
  mail.run_one();
  return written;
}

bool Opened::seal() {
  bool written = false;
  db->seal([&written](bool ok) { written = ok; });
  mail.run_one();
  return written;
}

core::Id id_of(std::uint64_t number) {
  core::Id id;
  for (std::size_t i = 0; i < 8; ++i) id.bytes[i] = static_cast<std::uint8_t>(number >> (8 * (7 - i)));
  id.bytes[15] = 1;
  return id;
}

std::string all_bytes(int first) {
  std::string all;
  for (int byte = first; byte <= 0xff; ++byte) all.push_back(static_cast<char>(byte));
  return all;
}

namespace {

core::IdentityPtr identity(std::uint32_t uid) {
  auto made = std::make_shared<policy::Identity>();
  made->uid = uid;
  made->user = "user" + std::to_string(uid);
  made->person = "uid:" + std::to_string(uid);
  made->groups_known = true;
  made->groups_all = {"wheel", "", all_bytes(1)};
  made->groups_any = {"wheel", "dba", "adm"};
  return made;
}

core::Subject subject(std::uint32_t uid) {
  core::Subject made;
  made.identity = identity(uid);
  made.loginuid = uid;
  made.login_user = "login" + all_bytes(0);
  made.audit_session = 4294967294U;
  made.origin.kind = policy::Origin::Kind::kPeer;
  made.origin.peer.bytes = {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0x01};
  made.tty = "pts/1\x1b[2J" + all_bytes(0);
  made.terminal = {4294967295U, {2147483647, 18446744073709551615ULL}};
  return made;
}

}  // namespace

core::Request request(std::uint64_t number, std::uint32_t uid) {
  core::Request made;
  made.id = id_of(number);
  made.kind = core::RequestKind::kExtension;
  made.door = policy::Door::kSu;
  made.service = "su-l";
  made.subject = subject(uid);
  made.target = identity(0);
  made.target_verified = true;
  made.target_group = all_bytes(1);
  made.argv = {"/bin/sh", "", "-c", all_bytes(1), ""};
  made.cwd = "/tmp/" + all_bytes(0);
  made.reason = all_bytes(0);
  made.reason_from = core::ReasonFrom::kCommandLine;
  made.ticket = "CHG-1\n";
  made.asked_s = 4294967295U;
  made.via = "root-shell";
  made.offer = {"root-shell", "fp", {{"set:dba", 1}, {"group:sre", 2}}, true, 20, 900, 7200, 600, 601,
                policy::Scope::kSession, true, {"", "CHG-####"}, true, {"db-audit", "pager"}, 86'400, policy::Votes::kHardware,
                true, true, true, {{60, "group:lead", "set:dba", ""}, {120, "", "", "pager"}}, true, policy::Expiry::kWarn,
                3600, {300, 60}};
  made.policy_hash = "aa";
  made.boot_id = "b1";
  made.created = 9'000'000'000'000;
  made.deadline = 9'000'000'600'000;
  made.created_wall = 1'790'000'000'000 + static_cast<core::WallMs>(number);
  made.deadline_wall = made.created_wall + 600'000;
  made.process = {4194303, 77};
  made.parent = {1, 18446744073709551614ULL};
  made.digest = std::string(64, 'd');
  made.secret_hash = std::string(64, 'e');
  made.nonce = std::string(64, 'f');
  made.payload = "{\"id\":\"x\"}";
  made.ssh_key = std::string(64, 'a');
  made.urgency = core::Urgency::kCritical;
  made.asked_scope = policy::Scope::kLogin;
  made.not_before = 9'000'000'001'000;
  made.not_before_wall = made.created_wall + 1000;
  made.extends = id_of(4711);
  made.card = {100, {"never was root here before", all_bytes(1)}};
  made.typed_code = "012345";
  made.steps = 2;
  made.wrong_codes = 1;
  made.review_due = 1'790'000'000'456;
  made.reviewed_by = "bob";
  made.reviewed_why = "fine";
  made.reviewed_wall = 1'790'000'000'400;
  made.command = {true, true, true, std::string(64, 'e'), "/bin/" + all_bytes(1), 4294967295U, {"-D", "-g"}, {"LANG", all_bytes(1)}, true};
  made.recording = "/var/log/sudo-io/" + all_bytes(1);
  return made;
}

core::Vote vote(const core::Request& request, const std::string& person, bool approve) {
  core::Vote made;
  made.request = request.id;
  made.person = person;
  made.uid = 4000000000U;
  made.approve = approve;
  made.duration_s = 300;
  made.scope = policy::Scope::kTty;
  made.reason = all_bytes(0);
  made.digest = request.digest;
  made.time = 1'790'000'000'123;
  if (!approve) made.block_s = 3600;
  made.kind = core::VoteKind::kCode;
  made.key = "SHA256:x";
  made.signed_text = "jc1x";
  made.signed_digest = request.id.text() + person + (approve ? "1" : "0");
  made.host_in_doubt = true;
  made.user = all_bytes(1);
  return made;
}

core::Grant grant(std::uint64_t number, std::uint32_t uid) {
  core::Grant made;
  made.id = id_of(number);
  made.request_digest = "d";
  made.payload = "{}";
  made.digest = "g";
  made.ssh_key = std::string(64, 'b');
  made.subject = subject(uid);
  made.door = policy::Door::kPolkit;
  made.target = identity(uid);
  made.argv = {all_bytes(1)};
  made.command.known = made.command.verified = made.command.digest_bound = true;
  made.command.sha256 = std::string(64, 'c');
  made.command.path = all_bytes(1);
  made.command.options = {"-D", "-g"};
  made.command.env = {all_bytes(1)};
  made.cwd = all_bytes(0);
  made.scope = policy::Scope::kLogin;
  made.rule = "r";
  made.fingerprint = "f";
  made.policy_hash = "h";
  made.boot_id = "b1";
  made.lifetime_s = 1800;
  made.max_s = 4294967295U;
  made.created = 1;
  made.claim_until = 600'001;
  made.created_wall = 1'790'000'000'000 + static_cast<core::WallMs>(number);
  made.claim_until_wall = 3;
  made.not_before = 2;
  return made;
}

core::AuditEntry entry(const std::string& type, const std::string& person) {
  core::AuditEntry made;
  made.boottime = 5;
  made.wall = 1'790'000'000'000;
  made.boot_id = "b1";
  made.type = type;
  made.request = id_of(7);
  made.person = person;
  made.uid = 4294967294U;
  made.fields = R"({"reason":"\\x00"})";
  return made;
}

core::Batch batch(core::Request request) {
  core::Batch made;
  made.requests.push_back(std::move(request));
  return made;
}
core::Batch batch(core::Grant grant) {
  core::Batch made;
  made.grants.push_back(std::move(grant));
  return made;
}
core::Batch batch(core::Vote vote) {
  core::Batch made;
  made.votes.push_back(std::move(vote));
  return made;
}
core::Batch batch(core::AuditEntry entry) {
  core::Batch made;
  made.entries.push_back(std::move(entry));
  return made;
}

namespace {

class Text {
 public:
  Text& operator<<(const std::string& value) {
    out_ << value.size() << ':' << value << '\n';
    return *this;
  }
  Text& operator<<(std::uint64_t value) {
    out_ << value << '\n';
    return *this;
  }
  Text& operator<<(const core::Id& id) { return *this << std::string(id.bytes.begin(), id.bytes.end()); }
  Text& operator<<(const std::vector<std::string>& words) {
    *this << words.size();
    for (const std::string& word : words) *this << word;
    return *this;
  }
  Text& operator<<(const core::Process& p) { return *this << static_cast<std::uint64_t>(p.pid) << p.start; }
  Text& operator<<(const core::Terminal& t) { return *this << std::uint64_t{t.number} << t.leader; }
  Text& operator<<(const policy::Identity& i) {
    return *this << i.uid << i.user << i.person << i.groups_known << i.groups_all << i.groups_any;
  }
  Text& operator<<(const core::Subject& s) {
    const auto& address = s.origin.peer.bytes;
    *this << *s.identity << s.loginuid << s.login_user << s.audit_session << s.origin.peer.v4 << s.tty << s.terminal;
    return *this << static_cast<std::uint64_t>(s.origin.kind) << std::string(address.begin(), address.end());
  }
  template <class T>
  Text& maybe(const std::optional<T>& value) {
    return value ? *this << static_cast<std::uint64_t>(*value) : *this << std::string("none");
  }
  template <class E>
  Text& kind(E value) {
    return *this << static_cast<std::uint64_t>(value);
  }
  std::string get() const { return out_.str(); }

 private:
  std::ostringstream out_;
};

std::uint64_t u(std::int64_t value) { return static_cast<std::uint64_t>(value); }

}  // namespace

std::string text(const core::Request& r) {
  Text out;
  out << r.id << r.service << r.subject << *r.target << r.target_verified << r.target_group << r.argv << r.cwd << r.reason << r.ticket;
  out.kind(r.kind).kind(r.door).kind(r.reason_from).maybe(r.asked_s) << r.via << r.policy_hash << r.boot_id;
  const policy::Offer& o = r.offer;
  out << o.rule << o.fingerprint << o.reason_required << o.reason_min << o.give_s << o.max_s << o.wait_s << o.claim_s;
  out.kind(o.scope) << o.shortened;
  for (const policy::Seat& seat : o.seats) out << seat.set << seat.count;
  out << o.tickets << o.record << o.notify << o.review_s << o.machines << o.match << o.self << o.break_glass << o.run_max_s;
  out.kind(o.votes).kind(o.on_expiry);
  for (const policy::Step& step : o.ladder) out << step.after_s << step.add << step.to << step.notify;
  for (const std::uint32_t time : o.warn_before_s) out << time;
  out << u(r.created) << u(r.deadline) << u(r.created_wall) << u(r.deadline_wall) << r.process << r.parent;
  const core::Command& c = r.command;
  out.kind(r.urgency) << c.known << c.verified << c.digest_bound << c.path << c.words_at << c.options << c.env << c.changeable << c.sha256 << r.recording;
  out.maybe(r.asked_scope) << u(r.not_before) << u(r.not_before_wall) << r.extends << u(r.card.score) << r.card.signs << r.typed_code << r.steps;
  out << r.wrong_codes << u(r.review_due) << r.reviewed_by << r.reviewed_why << u(r.reviewed_wall);
  out << r.digest << r.nonce << r.payload << r.secret_hash << r.ssh_key << r.ended_by << r.ended_why << u(r.ended_wall) << r.grant;
  return out.kind(r.state).get();
}

std::string text(const core::Grant& g) {
  Text out;
  out << g.id << g.request << g.request_digest << g.subject << *g.target << g.argv << g.cwd << g.rule;
  out.kind(g.door).kind(g.scope) << g.fingerprint << g.policy_hash << g.boot_id << g.lifetime_s << g.max_s;
  out << u(g.created) << u(g.claim_until) << u(g.created_wall) << u(g.claim_until_wall) << u(g.not_before) << u(g.starts) << u(g.expires);
  out << u(g.starts_wall) << u(g.expires_wall) << g.terminal << g.audit_session << g.connection << g.uses << g.ssh_key;
  out << g.command.known << g.command.verified << g.command.sha256 << g.command.path << g.command.options << g.command.env;
  out << g.payload << g.digest << g.ended_by << g.ended_why << u(g.ended_wall);
  return out.kind(g.state).kind(g.end).get();
}

std::string text(const core::Vote& v) {
  Text out;
  out << v.request << v.person << v.uid << v.approve << v.reason << v.digest << u(v.time);
  out.kind(v.kind) << v.key << v.signed_text << v.signed_digest << v.host_in_doubt << v.user;
  return out.maybe(v.duration_s).maybe(v.scope).maybe(v.block_s).get();
}

std::string text(const core::AuditEntry& e) {
  Text out;
  out << e.sequence << u(e.boottime) << u(e.wall) << e.boot_id << e.type << e.request << e.grant << e.person << e.uid;
  return (out << e.fields).get();
}

}  // namespace jit::test
