// SPDX-License-Identifier: Apache-2.0
// A world for the core: a clock set by hand, counting ids, a disk that answers when told, and a gate and a listener
// that write down what they hear and fail the test where it was not on disk yet.
#pragma once

#include "tests/catch.h"
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "broker/core/core.h"
#include "broker/core/events.h"

namespace jit::core_test {

using namespace jit::core;

// permits by target; see world.cpp
extern const char kRules[];
extern const char kPeople[];
std::shared_ptr<const policy::Policy> load_policy(std::string rules = kRules, std::string people = kPeople);
bool digest_matches(const Request& request);
// kRules with one text for another; the test fails where the first is not in it.
std::string rules_with(const std::string& from, const std::string& to);

inline constexpr std::uint32_t kAlice = 1000, kBob = 1001, kCarol = 1002, kDave = 1003, kErin = 1004, kMallory = 1005,
                               kFrank = 1006, kBobAdm = 1101;

struct Heard {
  std::vector<Answer> answers;
  std::vector<Answer> decided;
  std::vector<std::vector<std::string>> progress;
  std::vector<BindAnswer> bound;
  bool gone = false;
};

struct OnDisk {
  std::map<Id, Request> requests;
  std::vector<Vote> votes;
  std::map<Id, Grant> grants;
  std::vector<AuditEntry> entries;
  std::map<std::string, Fact> facts;
  std::vector<SeenNet> nets;
  std::map<std::string, Absence> absences;
  std::int64_t epoch = 1;
};

template <class T>
struct Reply {
  std::shared_ptr<std::vector<Outcome<T>>> got = std::make_shared<std::vector<Outcome<T>>>();
  Done<T> done() const {
    return [kept = got](Outcome<T> out) { kept->push_back(std::move(out)); };
  }
  bool called() const { return !got->empty(); }
  const Outcome<T>& one() const {
    REQUIRE(got->size() == 1);
    return got->front();
  }
  std::string error() const { return std::string(name_of(one().error)); }
};

class World : public Clock, public Random, public Store, public Tombstones, public Gate, public Listener {
 public:
  enum class Disk { kPrompt, kHeld };

  explicit World(Limits limits = {});
  virtual ~World();

  // --- knobs
  BootMs now = 5'000'000;
  Disk disk = Disk::kPrompt;
  Head signed_head;
  Core::Lost lost;              // what is found at the next start
  bool forget_voters = false;   // the directory does not answer at the next start
  bool forget_root = false;     // nor for root
  bool same_prefix = false;     // ids that begin alike
  bool failing_writes = false;  // every commit that completes now fails
  bool failing_graves = false;  // every tombstone that is written now fails
  void pass(BootMs ms);         // the clock only
  void pass_and_tick(BootMs ms);
  void settle();                // the disk answers everything
  void write_one(bool ok = true);
  std::size_t in_flight() const { return queue_.size(); }
  // A new core on what the disk holds; what was in flight is lost.
  void restart(bool new_boot = false);
  void use(std::shared_ptr<const policy::Policy> policy);
  Past past() const;

  // --- people
  IdentityPtr who(std::uint32_t uid) const;
  Caller caller(std::uint32_t uid) const;

  // --- doing
  Ask ask(std::uint32_t uid, const std::string& target = "root") const;  // sudo, on a terminal, waits
  Ask login(std::uint32_t uid, const std::string& peer = "192.0.2.7") const;  // ssh, no prompt, no wait, keep
  Conn submit(Ask ask);  // an unseen one that the core does not take is silent
  Conn resume(const Id& id, const std::string& secret);
  void detach(Conn conn);
  void withdraw(Conn conn);
  void hangup(Conn conn);
  Conn bind(const Ask& ask);
  Conn bind_with(BindAsk ask);
  static BindAsk bind_ask(const Ask& ask);
  Reply<Request> vote(std::uint32_t voter, const Id& id, bool approve = true);
  Reply<Request> vote(const Caller& voter, const Id& id, Ballot ballot);
  Reply<Request> create(std::uint32_t uid, Ask ask);
  Reply<Request> cancel(const Caller& caller, const Id& id);
  Reply<Grant> end(const Caller& caller, const Id& id);
  Reply<Request> extend(const Caller& caller, const Id& grant, std::uint32_t for_s, const std::string& reason = "more");
  Reply<Request> review(const Caller& caller, const Id& id, const std::string& text = "fine");
  void acknowledge(const Request& request, const std::string& channel);
  Reply<Absence> away(const Caller& caller, WallMs until);
  Reply<std::vector<Grant>> revoke(const Caller& caller, Core::Which which);

  // --- looking
  const Heard& heard(Conn conn) const { return heard_.at(conn); }
  const Answer& answer(Conn conn) const;   // the only one
  const Answer& decided(Conn conn) const;  // the only one
  const BindAnswer& bound(Conn conn) const;
  bool silent(Conn conn) const;  // has heard nothing at all
  std::string said(Conn conn) const { return std::string(name_of(answer(conn).verdict)) + " " + answer(conn).cause; }
  Id only_request() const;  // the only open one
  const Grant& only_grant() const;  // the only living one
  std::size_t logged(std::string_view type) const;  // entries on disk
  std::vector<std::string> types() const;           // of all entries on disk, in order

  OnDisk held;
  std::optional<std::vector<Tombstone>> graves{std::in_place};  // nothing: missing or damaged
  std::vector<Request> told_requests;
  std::vector<Grant> told_grants;
  std::vector<AuditEntry> told_entries;
  std::vector<std::string> told_facts;
  std::unique_ptr<Core> core;
  std::shared_ptr<const policy::Policy> policy;
  std::string boot = "boot-1";
  WallMs stepped = 0;  // by somebody who set the clock
  Limits limits;
  std::set<Id> ended;  // grants that this core has ended, written or not
  std::set<Id> told;   // those whose end was not written and was told all the same
  std::map<Conn, BindAsk> binds;
  std::function<void(Conn, const BindAnswer&)> on_bound;
  mutable bool broken = false;  // something was told that must not be

  // --- ports
  BootMs boottime() const override { return now; }
  WallMs wall() const override { return 1'700'000'000'000 + now + stepped; }
  core::Id id() override;
  void commit(Batch batch, std::function<void(bool)> done) override;
  bool failing() const override { return failed_; }
  Head head() const override { return signed_head; }
  std::optional<std::vector<Tombstone>> load() override { return graves; }
  bool add(std::span<const Tombstone> more) override;
  bool replace(std::span<const Tombstone> all) override;
  void answer(Conn conn, const Answer& answer) override;
  void progress(Conn conn, std::vector<std::string> text) override;
  void decided(Conn conn, const Answer& answer) override;
  void bound(Conn conn, const BindAnswer& answer) override;
  void request_changed(const Request& request) override;
  void grant_changed(const Grant& grant) override;
  void logged(const AuditEntry& entry) override;
  void fact_changed(const std::string& name) override { told_facts.push_back(name); }

 private:
  struct Write {
    Batch batch;
    std::function<void(bool)> done;
  };
  void apply(const Batch& batch);
  void after();  // lets a prompt disk answer
  void must(bool ok, const char* what) const;

  std::deque<Write> queue_;
  std::map<Conn, Heard> heard_;
  Conn next_conn_ = 0;
  std::uint64_t next_id_ = 0;
  std::uint64_t next_sequence_ = 0;
  mutable std::int32_t next_pid_ = 1000;
  bool failed_ = false;
};

}  // namespace jit::core_test
