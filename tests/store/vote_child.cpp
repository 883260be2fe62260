// SPDX-License-Identifier: Apache-2.0
// The broker's way from a request to a grant by signed votes, in a process that kills itself.
//   live FOLDER KIND N  asks, votes and is let in, one after the other, until the N-th point of that kind:
//                         verified   the signature of a vote was found good, and the vote counts nowhere yet
//                         write      something is about to be written into the database or its log
//                         sync       it is about to be made durable
//                         synced     it is durable, and nobody was told
//                       Votes of a life before are carried again first, as approvers do who heard no answer. It prints what it
//                       was told: "vote DIGEST", "grant REQUEST".
//   look FOLDER         prints what is there: "grant ID VOTE...", "entry ID" of the log, and writes the log to FOLDER/log.jsonl
#include <dlfcn.h>
#include <openssl/evp.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>

#include "broker/core/core.h"
#include "broker/core/events.h"
#include "broker/host.h"
#include "broker/store/host_key_file.h"
#include "broker/store/log_keeper.h"
#include "broker/store/tombstone_file.h"
#include "evidence/grant.h"
#include "evidence/request.h"
#include "evidence/text.h"
#include "evidence/vote.h"
#include "tests/store/samples.h"

namespace {

std::atomic<const char*> deadly = "";  // a kind of point
std::atomic<int> left = 0;

// Called on the writer's thread too.
void point(const char* kind) {
  if (std::strcmp(deadly, kind) == 0 && --left == 0) ::kill(::getpid(), SIGKILL);
}

}  // namespace

// SQLite and evidence/ call these; the product knows nothing.
extern "C" int fdatasync(int fd) {
  point("sync");
  const int done = static_cast<int>(::syscall(SYS_fdatasync, fd));
  point("synced");
  return done;
}
extern "C" ssize_t pwrite64(int fd, const void* bytes, std::size_t size, off64_t at) {
  point("write");
  return ::syscall(SYS_pwrite64, fd, bytes, size, at);
}
extern "C" int EVP_DigestVerify(EVP_MD_CTX* context, const unsigned char* signature, std::size_t size, const unsigned char* text, std::size_t text_size) {
  static const auto real = reinterpret_cast<decltype(&EVP_DigestVerify)>(::dlsym(RTLD_NEXT, "EVP_DigestVerify"));
  const int good = real(context, signature, size, text, text_size);
  if (good == 1) point("verified");
  return good;
}

namespace {

using namespace jit;

constexpr char kBoot[] = "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0";
constexpr int kRounds = 400;  // more than any life has

constexpr char kRules[] = R"(
schema = 1
[settings]
covers = ["sudo"]
[set]
staff = ["group:staff"]
sre = ["group:sre"]
[approval]
one = { need = [{ from = "set:sre" }], wait = "10m", votes = "signed" }
two = { need = [{ from = "set:sre", count = 2 }], wait = "10m", votes = "signed" }
[[permit]]
id = "root"
who = ["set:staff"]
door = ["sudo"]
as = ["user:root"]
approval = "one"
max = "1h"
scope = "command"
[[permit]]
id = "two"
who = ["set:staff"]
door = ["sudo"]
as = ["user:two"]
approval = "two"
max = "1h"
scope = "command"
)";

const std::pair<const char*, std::uint32_t> kVoters[] = {{"bob", 1001}, {"carol", 1002}};

evidence::HostKey key_of(std::uint32_t uid) {
  return std::move(*evidence::HostKey::from_secret(evidence::Bytes(evidence::kSecretBytes, static_cast<std::uint8_t>(uid))));
}

std::shared_ptr<const policy::Policy> load_policy() {
  std::string people = "version = 1\n";
  for (const auto& [name, uid] : kVoters) {
    people += "[[person]]\nname = \"" + std::string(name) + "\"\nusers = [\"" + name + "\"]\n[[person.key]]\nid = \"one\"\nkind = \"ssh\"\npublic = \"" +
              key_of(uid).public_key().text + "\"\n";
  }
  const std::vector<policy::Source> rules{{"test.toml", kRules}};
  const std::vector<policy::Source> persons{{"people.toml", people}};
  policy::Policy::Input input;
  input.rules = rules;
  input.people = persons;
  input.digest = [](std::string_view bytes) { return evidence::sha256_hex(bytes); };
  return policy::Policy::load(input).policy;
}

core::IdentityPtr person(const std::string& name, std::uint32_t uid, std::vector<std::string> groups) {
  policy::Identity out{uid, name, name, true, groups, groups};
  return std::make_shared<const policy::Identity>(std::move(out));
}

void say(const std::string& line) {
  if (::write(STDOUT_FILENO, line.data(), line.size()) != static_cast<ssize_t>(line.size())) ::_exit(3);
}

class Life final : public core::Gate, public core::Listener {
 public:
  explicit Life(const std::string& folder)
      : folder_(folder), keeper_(folder + "/head", kBoot, clock_, [](const core::Head&, const std::string& why) {
          if (!why.empty()) ::_exit(4);
        }), graves_(folder + "/ends", kBoot) {
    key_ = store::load_host_key(folder + "/host.key").key;
    if (!key_) ::_exit(5);
    keeper_.use_key(key_);
    auto opened = store::Database::open(folder + "/jit.db", mail_.post(), keeper_.log());
    if (!opened.database) {
      std::cerr << opened.message << "\n";
      ::_exit(6);
    }
    db_ = std::move(opened.database);
    const auto judged = keeper_.judge(*db_);
    if (!judged.cause.empty()) {
      std::cerr << judged.cause << ": " << judged.text << "\n";
      ::_exit(7);
    }
    epoch_ = judged.epoch;
  }

  [[noreturn]] void go(const char* kind, int number) {
    core::Limits limits;
    limits.requests_per_hour = limits.pending_per_uid = 1'000'000;
    core_ = std::make_unique<core::Core>(clock_, random_, *db_, graves_, *this, *this, kBoot, limits);
    core_->use_host({key_->id(), "web1", epoch_});
    core_->restore(db_->load_live(), {"", epoch_});
    core_->remember(db_->past());
    core_->use_policy(load_policy());
    for (const auto& [name, uid] : kVoters) core_->know_voter(uid, person(name, uid, {"sre"}));
    // A broker that is killed before its boot's first head is out voids all at its next start: that is another test's.
    bool sealed = false;
    db_->seal([&](bool good) { sealed = good; });
    wait_for(sealed);
    left = number;
    deadly = kind;
    std::ifstream sent(folder_ + "/votes");
    for (std::string vote; std::getline(sent, vote);) carry(vote);
    for (int round = 0; round < kRounds; ++round) ask(round);
    std::cerr << "it was never killed\n";
    ::_exit(8);
  }

  void look() {
    bool sealed = false;
    db_->seal([&](bool good) { sealed = good; });
    mail_.run_one();
    if (!sealed) ::_exit(9);
    for (const core::Grant& grant : db_->grants({false, 0, {}, 10'000})) {
      std::string line = "grant " + grant.id.text();
      const auto read = evidence::read_grant(grant.payload);
      if (!read) ::_exit(15);
      for (const std::string& vote : read->votes) line += " " + vote;
      say(line + "\n");
    }
    for (const core::AuditEntry& entry : db_->entries({0, 0, {}, "", std::string(core::events::kGrantCreated), false, 10'000})) say("entry " + entry.grant.text() + "\n");
    std::ofstream out(folder_ + "/log.jsonl");
    const auto put = [&out](const evidence::ExportLine& line) { out << evidence::to_line(line) << "\n"; };
    put(evidence::LogLine{{key_->id(), key_->public_key().text, "web1"}, 1, {}});
    const auto seal = [this](std::string_view type, const std::string& payload, std::string_view purpose) { return std::optional(key_->seal(type, payload, purpose)); };
    std::uint64_t last = 0;
    for (const std::uint64_t end = db_->last_sequence(); last < end;) {
      const auto lines = db_->lines(last, end, 100, seal, last);
      if (!lines) throw std::runtime_error(db_->last_error());
      for (const evidence::ExportLine& each : *lines) put(each);
    }
    put(evidence::EndLine{last});
    std::ofstream(folder_ + "/host_key") << key_->public_key().text << "\n";
    std::ofstream signers(folder_ + "/allowed_signers");
    for (const auto& [name, uid] : kVoters) signers << name << " " << key_of(uid).public_key().text << "\n";
  }

 private:
  // Until the store has answered all that it was given for this.
  void wait_for(const bool& done) {
    while (!done) mail_.run_one();
  }

  void ask(int round) {
    core::Ask ask;
    const bool two = round % 2 == 1;
    ask.service = "sudo";
    ask.subject.identity = person("alice", 1000, {"staff"});
    ask.subject.loginuid = ask.real_uid = 1000;
    ask.subject.tty = "pts/1";
    ask.subject.terminal = {34817, {1000, 77}};
    ask.subject.origin.kind = policy::Origin::Kind::kLocal;
    ask.target = two ? person("two", 2000, {"two"}) : person("root", 0, {"root"});
    ask.root = person("root", 0, {"root"});
    ask.target_verified = true;
    ask.process = {5000 + round, 900};
    ask.parent = {1000, 77};
    ask.argv = {"sudo", "id", std::to_string(::getpid()), std::to_string(round)};
    ask.can_ask = true;
    ask.budget_s = 60;
    answered_ = decided_ = false;
    core_->submit(static_cast<core::Conn>(round) + 1, std::move(ask));
    wait_for(answered_);
    const auto request = db_->request(request_);
    if (!request) ::_exit(10);
    for (std::size_t i = 0; i <= (two ? 1U : 0U); ++i) {
      const std::string vote = sign(*request, kVoters[i].first, kVoters[i].second);
      std::ofstream(folder_ + "/votes", std::ios::app) << vote << "\n";
      if (!carry(vote)) ::_exit(11);
      say("vote " + evidence::sha256_hex(vote) + "\n");
    }
    wait_for(decided_);
    say("grant " + request_.text() + "\n");
  }

  bool carry(const std::string& vote) {
    const auto by = core_->signed_by(vote);
    if (!by) ::_exit(12);
    bool told = false;
    bool good = false;
    std::vector<core::IdentityPtr> accounts;
    for (const auto& [name, uid] : kVoters) {
      if (by.value.person == name) accounts.push_back(person(name, uid, {"sre"}));
    }
    core_->vote_signed(vote, accounts, [&](const core::Outcome<core::Request>& out) {
      told = true;
      good = static_cast<bool>(out);
    });
    wait_for(told);
    return good;
  }

  static std::string sign(const core::Request& request, const std::string& name, std::uint32_t uid) {
    const evidence::HostKey key = key_of(uid);
    evidence::Vote vote;
    vote.digest = request.digest;
    vote.request = request.id.text();
    vote.host_id = evidence::read_request(request.payload)->host_id;
    vote.boot_id = request.boot_id;
    vote.approve = true;
    vote.reason = "fine";
    vote.person = name;
    vote.key_id = key.fingerprint();
    vote.typed = request.typed_code;
    return evidence::to_json(key.seal(evidence::kVoteType, evidence::payload_of(vote), evidence::kVoteNamespace));
  }

  void answer(core::Conn, const core::Answer& answer) override {
    if (answer.verdict != core::Verdict::kPending) {
      std::cerr << "not asked: " << answer.cause << "\n";
      ::_exit(13);
    }
    request_ = answer.id;
    answered_ = true;
  }
  void decided(core::Conn, const core::Answer& answer) override {
    if (answer.verdict != core::Verdict::kAllow) ::_exit(14);
    decided_ = true;
  }
  void progress(core::Conn, std::vector<std::string>) override {}
  void bound(core::Conn, const core::BindAnswer&) override {}
  void request_changed(const core::Request&) override {}
  void grant_changed(const core::Grant&) override {}
  void logged(const core::AuditEntry&) override {}
  void fact_changed(const std::string&) override {}

  const std::string folder_;
  broker::SystemClock clock_;
  broker::SystemRandom random_;
  std::shared_ptr<const evidence::HostKey> key_;
  store::LogKeeper keeper_;
  store::TombstoneFile graves_;
  test::Mailbox mail_;
  std::unique_ptr<store::Database> db_;
  std::unique_ptr<core::Core> core_;
  std::int64_t epoch_ = 1;
  core::Id request_;
  bool answered_ = false, decided_ = false;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  Life life(argv[2]);
  if (std::strcmp(argv[1], "look") == 0) {
    life.look();
    return 0;
  }
  if (argc != 5) return 2;
  life.go(argv[3], std::atoi(argv[4]));
}
