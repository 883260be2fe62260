// SPDX-License-Identifier: Apache-2.0
// The bus service with the real core, store and directory, and nobody at the gate: bus_harness DATABASE RULES PEOPLE.
// Writes "ready" when it serves; ends when stdin does. One line of stdin is one command:
//   reload             takes RULES and PEOPLE again, and writes it down; answers "reload N ms"
//   attempt USER UID DOOR [observe]  one who can be asked stands at that door and wants to be root; observe: the PAM line
//                      only observes
//   folded UID DOOR N CAUSE  N more attempts of his there, of that cause, are told of in one entry; answers "folded ... written"
//   ended USER UID N   that many requests of his, asked long ago, have been denied just now; answers "ended N written"
//   burst              10,000 changes of each living request; answers "burst N ms"
#include <poll.h>
#include <unistd.h>

#include <ctime>
#include <deque>
#include <fstream>
#include <iostream>
#include <mutex>
#include <random>
#include <sstream>

#include "broker/bus/bus.h"
#include "broker/core/events.h"
#include "broker/directory/voters.h"
#include "broker/outbox/outbox.h"
#include "evidence/checkpoint.h"
#include "evidence/host_key.h"
#include "evidence/request.h"
#include "evidence/text.h"

using namespace jit;

namespace {

std::int64_t milliseconds(clockid_t clock) {
  timespec ts{};
  clock_gettime(clock, &ts);
  return std::int64_t{ts.tv_sec} * 1000 + ts.tv_nsec / 1'000'000;
}

struct World final : core::Clock, core::Random, core::Tombstones, core::Gate, core::Listener {
  std::random_device device;
  bus::Service* service = nullptr;
  core::BootMs boottime() const override { return milliseconds(CLOCK_BOOTTIME); }
  core::WallMs wall() const override { return milliseconds(CLOCK_REALTIME); }
  core::Id id() override {
    core::Id out;
    for (auto& byte : out.bytes) byte = static_cast<std::uint8_t>(device());
    return out;
  }
  std::optional<std::vector<core::Tombstone>> load() override { return std::vector<core::Tombstone>{}; }
  bool add(std::span<const core::Tombstone>) override { return true; }
  bool replace(std::span<const core::Tombstone>) override { return true; }
  void answer(core::Conn, const core::Answer&) override {}
  void progress(core::Conn, std::vector<std::string>) override {}
  void decided(core::Conn, const core::Answer&) override {}
  void bound(core::Conn, const core::BindAnswer&) override {}
  void request_changed(const core::Request& request) override { service->request_changed(request); }
  void grant_changed(const core::Grant& grant) override { service->grant_changed(grant); }
  void logged(const core::AuditEntry& entry) override {
    if (service != nullptr) service->logged(entry);
  }
  void fact_changed(const std::string& name) override { service->fact_changed(name); }
};

class Loop {
 public:
  Loop() { if (pipe(pipe_) != 0) throw std::runtime_error("pipe"); }
  core::Post post() {
    return [this](std::function<void()> todo) {
      const std::lock_guard lock(mutex_);
      queue_.push_back(std::move(todo));
      if (queue_.size() == 1 && write(pipe_[1], "x", 1) != 1) std::abort();
    };
  }
  // Until stdin ends.
  void run(core::Core& core, const std::function<void(const std::string&)>& command) {
    std::string input;
    for (;;) {
      int timeout = -1;
      if (const auto due = core.next_tick()) timeout = static_cast<int>(std::max<std::int64_t>(0, *due - milliseconds(CLOCK_BOOTTIME)));
      pollfd fds[2] = {{pipe_[0], POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
      poll(fds, 2, timeout);
      if (fds[0].revents != 0) {
        std::deque<std::function<void()>> todo;
        {
          const std::lock_guard lock(mutex_);
          char one = 0;
          if (read(pipe_[0], &one, 1) != 1) std::abort();
          todo.swap(queue_);
        }
        for (const auto& next : todo) next();
      }
      if (fds[1].revents != 0) {
        char chunk[256];
        const ssize_t got = read(STDIN_FILENO, chunk, sizeof chunk);
        if (got <= 0) return;
        input.append(chunk, static_cast<std::size_t>(got));
        for (std::size_t end = 0; (end = input.find('\n')) != std::string::npos; input.erase(0, end + 1)) {
          command(input.substr(0, end));
        }
      }
      core.tick();
    }
  }

 private:
  int pipe_[2] = {-1, -1};
  std::mutex mutex_;
  std::deque<std::function<void()>> queue_;
};

core::Ask attempt(const std::string& line) {
  std::istringstream words(line);
  std::string verb, user, door, observe;
  auto who = std::make_shared<policy::Identity>();
  words >> verb >> user >> who->uid >> door >> observe;
  who->user = user;
  who->person = "uid:" + std::to_string(who->uid);
  who->groups_known = true;
  core::Ask out;
  out.door = policy::door_named(door).value();
  out.service = door;
  out.subject.identity = who;
  out.subject.loginuid = out.real_uid = who->uid;
  out.subject.origin.kind = policy::Origin::Kind::kLocal;
  out.target = std::make_shared<policy::Identity>(policy::Identity{0, "root", "uid:0", true, {}, {}});
  out.target_verified = true;
  out.argv = {"sudo", "id"};
  out.can_ask = true;
  out.observe = observe == "observe";
  return out;
}

core::Batch ended(const std::string& line, core::Random& random) {
  std::istringstream words(line);
  std::string verb, user;
  std::uint32_t uid = 0;
  int count = 0;
  words >> verb >> user >> uid >> count;
  core::Batch out;
  for (int i = 0; i < count; ++i) {
    core::Request& one = out.requests.emplace_back();
    one.id = random.id();
    one.service = "sudo";
    one.subject.identity = one.target = std::make_shared<policy::Identity>(policy::Identity{uid, user, user, true, {}, {}});
    one.created_wall = one.deadline_wall = 1;
    one.state = core::RequestState::kDenied;
    one.ended_wall = milliseconds(CLOCK_REALTIME);
  }
  return out;
}

core::Batch folded(const std::string& line) {
  std::istringstream words(line);
  std::string verb, door, cause;
  std::uint32_t uid = 0;
  std::size_t count = 0;
  words >> verb >> uid >> door >> count;
  std::getline(words >> std::ws, cause);
  core::AuditEntry entry = core::events::denials(uid, "uid:" + std::to_string(uid), policy::door_named(door).value(), cause, count);
  entry.boot_id = "boot";
  entry.boottime = milliseconds(CLOCK_BOOTTIME);
  entry.wall = milliseconds(CLOCK_REALTIME);
  core::Batch out;
  out.entries.push_back(std::move(entry));
  return out;
}

policy::Source source(const char* path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return {path, text.str()};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  Loop loop;
  World world;
  const evidence::HostKey key = evidence::HostKey::generate();
  const auto sign = [&](std::uint64_t size, const evidence::Hash& root, std::int64_t epoch) {
    evidence::Checkpoint head;
    head.size = size;
    head.root = root;
    head.epoch = epoch;
    head.host_id = key.id();
    return evidence::to_json(key.seal(evidence::kCheckpointType, payload_of(head), evidence::kCheckpointNamespace));
  };
  auto opened = store::Database::open(argv[1], loop.post(), {sign, [](const core::Head&, std::int64_t) {}});
  if (!opened.database) {
    std::cerr << opened.message << "\n";
    return 1;
  }
  core::Core core(world, world, *opened.database, world, world, world, "boot", core::Limits{});
  std::string error;
  const auto load = [&] {
    const policy::Source rules = source(argv[2]);
    const policy::Source people = source(argv[3]);
    policy::Policy::Input input;
    input.rules = {&rules, 1};
    input.people = {&people, 1};
    input.digest = [](std::string_view bytes) { return evidence::sha256_hex(bytes); };
    auto loaded = policy::Policy::load(input);
    error = loaded.findings.empty() ? "" : loaded.findings.front().text();
    if (loaded.policy) core.use_policy(loaded.policy, evidence::sha256_hex(""));  // a host without tags
  };
  load();
  if (!error.empty()) std::cerr << error << "\n";
  core.restore(opened.database->load_live(), {});
  directory::Directory directory(loop.post());
  directory.by_uid(0, [&core](const directory::User& root) {
    core.know_root(std::make_shared<const policy::Identity>(directory::identity_of(root, core.policy())));
  });
  core.use_host({key.id(), "testhost"});
  const auto status = [&] {
    return "{\"state\":\"running\",\"host\":{\"id\":\"" + key.id() + "\",\"name\":\"testhost\"},\"policy\":{\"rules\":" + std::to_string(core.policy() ? core.policy()->rule_count() : 0) +
           ",\"hash\":\"" + (core.policy() ? core.policy()->hash() : "") + "\",\"in_force\":\"the files\",\"error_count\":" + (error.empty() ? "0" : "1") + ",\"errors\":[" +
           (error.empty() ? "" : "\"refused\"") + "]},\"requests\":" + std::to_string(core.live_requests().size()) + "}";
  };
  const auto load_again = [&](const std::function<void(std::string)>& done) {
    load();
    done(status());
  };
  bus::Admin admin{status, load_again, [&](const core::IdentityPtr&, const std::function<void(std::string)>& done) { load_again(done); },
                   [&](const core::Request& request) { return evidence::to_json(key.seal(evidence::kRequestType, request.payload, evidence::kRequestNamespace)); },
                   [&](std::string_view type, const std::string& payload, std::string_view purpose) { return std::optional(key.seal(type, payload, purpose)); }};
  outbox::Outbox outbox(core, world, "boot", [&] { return opened.database.get(); }, {admin.envelope, admin.seal});
  outbox.use_host(key.id(), "testhost", {});
  admin.outbox = &outbox;
  bus::Service service(loop.post(), core, directory, [&] { return opened.database.get(); }, {key.id(), "testhost", key.public_key().text}, admin);
  world.service = &service;
  service.start();
  std::cout << "ready" << std::endl;
  core::Conn conn = 0;
  loop.run(core, [&](const std::string& line) {
    if (line == "reload") {
      load();
      core.note(core::events::kPolicyLoaded, "policy", core.policy()->hash());
    }
    if (line.starts_with("attempt ")) core.submit(++conn, attempt(line));
    const auto write = [&](core::Batch batch) {
      opened.database->commit(std::move(batch), [line](bool ok) { std::cout << line << (ok ? " written" : " failed") << std::endl; });
    };
    if (line.starts_with("ended ")) return write(ended(line, world));
    if (line.starts_with("folded ")) return write(folded(line));
    // How long the core's thread takes for a burst of changes: no state of the bus may show in it.
    const std::int64_t start = milliseconds(CLOCK_MONOTONIC);
    if (line == "burst") {
      for (int i = 0; i < 10'000; ++i) {
        for (const core::Request* request : core.live_requests()) service.request_changed(*request);
      }
    }
    std::cout << line << " " << milliseconds(CLOCK_MONOTONIC) - start << " ms" << std::endl;
  });
  return 0;
}
