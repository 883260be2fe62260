// SPDX-License-Identifier: Apache-2.0
#include "broker/bus/link.h"

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <system_error>
#include <thread>
#include <utility>

#include "broker/bus/json.h"
#include "broker/bus/objects.h"
#include "broker/bus/size_guard.h"
#include "dbus/system_bus.h"

namespace jit::bus {

namespace {

using namespace std::chrono_literals;

constexpr char kName[] = "org.pamjit.Broker1";
constexpr char kBus[] = "org.freedesktop.DBus";
constexpr char kPolkit[] = "org.freedesktop.PolicyKit1";
constexpr char kAction[] = "org.pamjit.vote";  // dbus/org.pamjit.policy
constexpr auto kCallTimeout = 5s;
constexpr auto kPasswordTimeout = 100s;  // jitctl waits 120 s for a vote
constexpr int kRetryMs = 1000;
constexpr auto kFirstTry = 2s;

void log(int level, const std::string& text) { sd_journal_print(level, "bus: %s", wire_text(text).c_str()); }

}  // namespace

struct Link::Session {
  std::unique_ptr<sdbus::IConnection> connection;
  std::unique_ptr<sdbus::IProxy> bus;
  std::unique_ptr<sdbus::IProxy> polkit;
  std::unique_ptr<Objects> objects;
  std::unique_ptr<SizeGuard> guard;
};

Link::Link(core::Post post, std::weak_ptr<Intake> intake)
    : post_(std::move(post)), intake_(std::move(intake)), event_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (event_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
}

Link::~Link() { close(event_); }

void Link::start() {
  // What a large message took goes back to the system at once; glibc would raise this limit to it and keep the memory.
  mallopt(M_MMAP_THRESHOLD, 256 * 1024);
  std::promise<void> done;
  ended_ = done.get_future();
  const std::future<void> tried = tried_.get_future();
  // Signals are the main thread's business: this thread inherits a mask with all of them blocked.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread([self = shared_from_this(), done = std::move(done)]() mutable {
    self->run();
    done.set_value();
  }).detach();
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  // Who started the broker may call it at once. A bus that does not answer keeps nobody at the doors waiting for long.
  tried.wait_for(kFirstTry);
}

void Link::has_tried() {
  if (std::exchange(first_try_, false)) tried_.set_value();
}

void Link::stop() {
  stopping_ = true;
  wake();
  // A call to a bus that is stopped ends after kCallTimeout; a handshake may hang longer. The thread owns what it uses.
  if (ended_.valid()) ended_.wait_for(kCallTimeout + 1s);
}

void Link::wake() const {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(event_, &one, sizeof one);  // EAGAIN: it is awake already
}

void Link::run() {
  while (!stopping_) {
    std::string why;
    try {
      serve();
    } catch (const sdbus::Error& error) {
      why = error.getName() + ": " + error.getMessage();
    }
    has_tried();
    pending_.clear();
    per_sender_.clear();
    session_.reset();
    bool was = false;
    {
      const std::lock_guard lock(mutex_);
      was = connected_;
      connected_ = false;
      answers_.clear();
      signals_.clear();
      more_.clear();
      checks_.clear();
    }
    if (stopping_) break;
    if (was || !told_) log(LOG_WARNING, "not on the system bus (" + why + "): jitctl cannot reach us, the doors go on; trying again");
    told_ = true;
    post([](Intake& intake) { intake.lost(); });
    wait(-1, 0, kRetryMs);
  }
}

// Until the bus goes away (an error is thrown) or stop().
void Link::serve() {
  session_ = std::make_unique<Session>();
  Session& session = *session_;
  session.connection = dbus::connect_system_bus();
  session.connection->setMethodCallTimeout(kCallTimeout);
  session.bus = dbus::make_proxy(*session.connection, kBus, "/org/freedesktop/DBus");
  dbus::finish_registration(*session.bus);
  session.polkit = dbus::make_proxy(*session.connection, kPolkit, "/org/freedesktop/PolicyKit1/Authority");
  dbus::finish_registration(*session.polkit);
  // Only departures: a name whose new owner is empty.
  dbus::add_match(
      *session.connection, "type='signal',sender='org.freedesktop.DBus',interface='org.freedesktop.DBus',member='NameOwnerChanged',arg2=''",
      [this](sdbus::Message& message) {
        std::string name;
        message >> name;
        if (!name.starts_with(':')) return;
        post([name = std::move(name)](Intake& intake) { intake.left(name); });
      });
  session.objects = std::make_unique<Objects>(*session.connection, *this);
  session.guard = std::make_unique<SizeGuard>(session.objects->any_message());
  session.connection->requestName(dbus::ServiceName(kName));
  {
    const std::lock_guard lock(mutex_);
    connected_ = true;
  }
  told_ = false;
  has_tried();
  log(LOG_NOTICE, std::string("on the system bus as ") + kName);
  while (!stopping_) {
    while (dbus::process_one(*session.connection)) {
      if (stopping_) return;
    }
    auto poll = session.connection->getEventLoopPollData();
    // What is queued inside sd-bus has no limit that suits us: hand over more only when it is empty.
    if ((poll.events & POLLOUT) == 0) {
      send_queued();
      poll = session.connection->getEventLoopPollData();
    }
    if (!wait(poll.fd, poll.events, poll.getPollTimeout())) return;
  }
}

bool Link::wait(int fd, short events, int timeout_ms) {
  pollfd fds[2] = {{event_, POLLIN, 0}, {fd, events, 0}};
  if (poll(fds, fd < 0 ? 1 : 2, timeout_ms) > 0 && (fds[0].revents & POLLIN) != 0) {
    std::uint64_t count = 0;
    [[maybe_unused]] const ssize_t got = read(event_, &count, sizeof count);
  }
  return !stopping_;
}

void Link::take(const char* interface, const char* method, std::string sender, Result result,
                core::Outcome<Work> work) {
  std::size_t& mine = per_sender_[sender];
  if (pending_.size() >= kInFlight || mine >= kInFlightPerSender) {
    if (mine == 0) per_sender_.erase(sender);
    send(result, {core::Error::kLimit, "too many calls wait for an answer: try again later", {}, 0});
    return;
  }
  ++mine;
  const std::uint64_t token = ++token_;
  pending_.emplace(token, Pending{std::move(result), sender});
  Call call{interface, method, {}, std::move(work.value), {}};
  call.sender.name = sender;
  call.reply = [link = weak_from_this(), token](Answer answer) {
    if (const auto there = link.lock()) there->answer(token, std::move(answer));
  };
  if (!work) {
    call.reply({work.error, work.message, {}, 0});
    return;
  }
  session_->bus->callMethodAsync("GetConnectionCredentials")
      .onInterface(kBus)
      .withTimeout(kCallTimeout)
      .withArguments(sender)
      .uponReplyInvoke([this, token, call = std::move(call)](dbus::ReplyError error, const Dict& credentials) {
        identified(token, call, error, credentials);
      });
}

void Link::identified(std::uint64_t token, Call call, const dbus::ReplyError& error, const Dict& credentials) {
  const auto number = [&](const char* key) -> std::optional<std::uint32_t> {
    const auto it = credentials.find(key);
    if (it == credentials.end() || !it->second.containsValueOfType<std::uint32_t>()) return std::nullopt;
    return it->second.get<std::uint32_t>();
  };
  std::optional<std::uint32_t> loginuid;
  if (!error) {
    const auto uid = number("UnixUserID");
    const auto pid = number("ProcessID");
    if (uid && pid && *uid != policy::kNoUid) {
      call.sender.uid = *uid;
      loginuid = loginuid_of(*pid, *uid);
      call.sender.in_session = in_session_of(*pid, *uid);
    }
    const auto gids = credentials.find("UnixGroupIDs");
    if (gids != credentials.end() && gids->second.containsValueOfType<std::vector<std::uint32_t>>()) {
      call.sender.gids = gids->second.get<std::vector<std::uint32_t>>();
    }
  }
  if (!loginuid) {
    answer(token, {core::Error::kDenied, "the calling process cannot be identified: it has ended or changed its user", {}, 0});
    return;
  }
  call.sender.loginuid = *loginuid;
  post([call = std::move(call)](Intake& intake) { intake.call(call); });
}

void Link::post(std::function<void(Intake&)> todo) {
  if (stopping_) return;  // the core's thread may be at its end too
  post_([intake = intake_, todo = std::move(todo)] {
    if (const auto there = intake.lock()) todo(*there);
  });
}

void Link::answer(std::uint64_t token, Answer answer) {
  {
    const std::lock_guard lock(mutex_);
    if (!connected_) return;
    answers_.emplace_back(token, std::move(answer));  // bounded: one for each call in flight
  }
  wake();
}

void Link::changed(std::string to, std::string id) { queue({std::move(to), std::move(id), Signal::Kind::kRequest}); }

void Link::fact_changed(std::string to, std::string name) { queue({std::move(to), std::move(name), Signal::Kind::kFact}); }

void Link::more(std::string to) {
  {
    const std::lock_guard lock(mutex_);
    if (!connected_) return;
    more_.insert(std::move(to));
  }
  wake();
}

void Link::queue(Signal signal) {
  bool first_drop = false;
  {
    const std::lock_guard lock(mutex_);
    if (!connected_) return;
    if (signals_.size() >= kSignals) {
      first_drop = !dropping_;
      dropping_ = true;
    } else {
      signals_.push_back(std::move(signal));
    }
  }
  if (first_drop) log(LOG_WARNING, "the bus does not take our signals; dropping them until it does");
  wake();
}

void Link::authorize(std::string sender, std::function<void(Authorized)> then) {
  {
    const std::lock_guard lock(mutex_);
    if (!connected_) return;
    checks_.push_back({std::move(sender), std::move(then)});
  }
  wake();
}

void Link::check(const Check& check) {
  using Details = std::map<std::string, std::string>;
  constexpr std::uint32_t kMayAsk = 1;  // AllowUserInteraction
  const sdbus::Struct<std::string, Dict> subject{"system-bus-name", Dict{{"name", sdbus::Variant(check.sender)}}};
  session_->polkit->callMethodAsync("CheckAuthorization")
      .onInterface("org.freedesktop.PolicyKit1.Authority")
      .withTimeout(kPasswordTimeout)
      .withArguments(subject, std::string(kAction), Details{}, kMayAsk, std::string())
      .uponReplyInvoke([this, then = check.then](dbus::ReplyError error, const sdbus::Struct<bool, bool, Details>& result) {
        Authorized out = Authorized::kFailed;
        if (!error) {
          out = std::get<0>(result) ? Authorized::kYes : std::get<1>(result) ? Authorized::kNobodyAsked : Authorized::kNo;
        } else if (error->getName() == "org.freedesktop.DBus.Error.ServiceUnknown" ||
                   error->getName() == "org.freedesktop.DBus.Error.NameHasNoOwner") {
          out = Authorized::kAbsent;  // neither running nor to be started: not installed
        } else {
          log(LOG_WARNING, "polkit cannot be asked about a vote (" + error->getName() + ": " + error->getMessage() + "): it is refused");
        }
        post([then, out](Intake&) { then(out); });
      });
}

void Link::send_queued() {
  std::deque<std::pair<std::uint64_t, Answer>> answers;
  std::deque<Signal> signals;
  std::set<std::string> more;
  std::deque<Check> checks;
  {
    const std::lock_guard lock(mutex_);
    answers.swap(answers_);
    signals.swap(signals_);
    more.swap(more_);
    checks.swap(checks_);
    dropping_ = false;
  }
  for (const auto& [token, answer] : answers) {
    const auto it = pending_.find(token);
    if (it == pending_.end()) continue;
    send(it->second.result, answer);
    const auto mine = per_sender_.find(it->second.sender);
    if (mine != per_sender_.end() && --mine->second == 0) per_sender_.erase(mine);
    pending_.erase(it);
  }
  for (const Check& each : checks) check(each);
  for (const std::string& courier : more) session_->objects->more(courier);
  for (const Signal& signal : signals) {
    switch (signal.kind) {
      case Signal::Kind::kRequest: session_->objects->changed(signal.to, signal.id); break;
      case Signal::Kind::kFact: session_->objects->fact_changed(signal.to, signal.id); break;
    }
  }
}

void Link::send(const Result& result, const Answer& answer) {
  if (answer.error != core::Error::kNone) {
    const sdbus::Error error(dbus::ErrorName("org.pamjit.Error." + std::string(core::name_of(answer.error))), wire_text(answer.message));
    std::visit([&](const auto& to) { to.returnError(error); }, result);
    return;
  }
  const Bytes document(answer.document.begin(), answer.document.end());
  if (const auto* const one = std::get_if<sdbus::Result<Bytes>>(&result)) one->returnResults(document);
  if (const auto* const two = std::get_if<sdbus::Result<Bytes, std::uint64_t>>(&result)) {
    two->returnResults(document, answer.next);
  }
  if (const auto* const none = std::get_if<sdbus::Result<>>(&result)) none->returnResults();
}

}  // namespace jit::bus
