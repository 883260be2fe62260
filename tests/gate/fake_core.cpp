// SPDX-License-Identifier: Apache-2.0
#include "tests/gate/fake_core.h"

#include <chrono>
#include <stdexcept>

#include "evidence/text.h"

namespace jit::core {

struct Core::Impl {};

Core::Core(Clock&, Random&, Store&, Tombstones&, Gate&, Listener&, std::string, Limits) {}
Core::~Core() = default;

void Core::use_policy(std::shared_ptr<const policy::Policy> policy, std::string) { policy_ = std::move(policy); }
void Core::submit(Conn conn, Ask ask) { test::Notes::get().add({"submit", conn, std::move(ask), {}, {}, {}}); }
// A living grant covers what is asked for in this folder.
bool Core::submit_unseen(Conn conn, Ask& ask) {
  if (ask.cwd != "/covered") return false;
  submit(conn, std::move(ask));
  return true;
}
void Core::resume(Conn conn, const Id& id, std::string_view secret) {
  test::Notes::get().add({"resume", conn, {}, {}, id.text(), std::string(secret)});
}
void Core::detach(Conn conn) { test::Notes::get().add({"detach", conn, {}, {}, {}, {}}); }
void Core::withdraw(Conn conn) { test::Notes::get().add({"withdraw", conn, {}, {}, {}, {}}); }
void Core::hangup(Conn conn) { test::Notes::get().add({"hangup", conn, {}, {}, {}, {}}); }
std::vector<Vote> Core::votes_on(const Id&) const { return {}; }
std::optional<GrantState> Core::held_state(const Id&, BootMs&) const { return std::nullopt; }
std::vector<const Grant*> Core::live_grants() const { return {}; }
bool Core::has_live_grants() const { return false; }
void Core::enforced(const EndReport&, Done<bool>) {}
void Core::know_voter(std::uint32_t, IdentityPtr) {}
Outcome<Core::SignedBy> Core::signed_by(std::string_view vote) const {
  if (vote != "jc1good") return {Error::kBadInput, "this vote does not count: \\x1b", {}};
  return {Error::kNone, {}, {"bob", {"bob"}, {}}};
}
void Core::vote_signed(std::string_view vote, const std::vector<IdentityPtr>& accounts, Done<Request> done) {
  test::Notes::get().add({"vote", accounts.size(), {}, {}, std::string(vote), {}});
  done({Error::kNone, {}, {}});
}
void Core::bind(Conn conn, BindAsk ask) { test::Notes::get().add({"bind", conn, {}, std::move(ask), {}, {}}); }

}  // namespace jit::core

namespace jit::test {
namespace {

struct World final : core::Clock, core::Random, core::Store, core::Tombstones, core::Gate, core::Listener {
  core::BootMs boottime() const override { return 0; }
  core::WallMs wall() const override { return 0; }
  core::Id id() override { return {}; }
  void commit(core::Batch, std::function<void(bool)>) override {}
  bool failing() const override { return false; }
  core::Head head() const override { return {}; }
  std::optional<std::vector<core::Tombstone>> load() override { return std::vector<core::Tombstone>{}; }
  bool add(std::span<const core::Tombstone>) override { return true; }
  bool replace(std::span<const core::Tombstone>) override { return true; }
  void answer(core::Conn, const core::Answer&) override {}
  void progress(core::Conn, std::vector<std::string>) override {}
  void decided(core::Conn, const core::Answer&) override {}
  void bound(core::Conn, const core::BindAnswer&) override {}
  void request_changed(const core::Request&) override {}
  void grant_changed(const core::Grant&) override {}
  void logged(const core::AuditEntry&) override {}
  void fact_changed(const std::string&) override {}
};

}  // namespace

Notes& Notes::get() {
  static Notes notes;
  return notes;
}

void Notes::reset() {
  const std::lock_guard lock(mutex_);
  told_.clear();
  keep_ = true;
  react_ = nullptr;
}

void Notes::add(Told told) {
  std::function<void(const Told&)> then;
  {
    const std::lock_guard lock(mutex_);
    if (keep_) told_.push_back(told);
    then = react_;
    changed_.notify_all();
  }
  if (then) then(told);
}

void Notes::keep_nothing() {
  const std::lock_guard lock(mutex_);
  keep_ = false;
}

void Notes::on_each(std::function<void(const Told&)> react) {
  const std::lock_guard lock(mutex_);
  react_ = std::move(react);
}

std::vector<Told> Notes::all() {
  const std::lock_guard lock(mutex_);
  return told_;
}

int Notes::count(const std::string& what) {
  int found = 0;
  for (const auto& told : all()) found += told.what == what ? 1 : 0;
  return found;
}

Told Notes::wait(const std::string& what, int n) {
  std::unique_lock lock(mutex_);
  Told found;
  const bool came = changed_.wait_for(lock, std::chrono::seconds(60), [&] {
    int left = n;
    for (const auto& told : told_) {
      if (told.what == what && --left == 0) {
        found = told;
        return true;
      }
    }
    return false;
  });
  if (!came) throw std::runtime_error("the core was not told: " + what);
  return found;
}

core::Core make_core() {
  static World world;
  return core::Core(world, world, world, world, world, world, "boot", {});
}

}  // namespace jit::test
