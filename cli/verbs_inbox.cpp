// SPDX-License-Identifier: Apache-2.0
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <exception>

#include "cli/agent.h"
#include "cli/commands.h"
#include "cli/screen.h"
#include "cli/signing.h"
#include "evidence/text.h"

namespace jit::cli {

namespace {

constexpr std::chrono::seconds kCallMax(10);  // a broker that hangs holds the keys no longer

class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  ~Fd() {
    if (fd_ >= 0) close(fd_);
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

// What wakes the watch beside the bus: keys, signals, each second for the countdowns.
class Wakers {
 public:
  Wakers() : signals_(signal_fd()), second_(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)), all_(epoll_create1(EPOLL_CLOEXEC)) {
    const itimerspec each{.it_interval = {1, 0}, .it_value = {1, 0}};
    good_ = signals_.get() >= 0 && second_.get() >= 0 && all_.get() >= 0 && timerfd_settime(second_.get(), 0, &each, nullptr) == 0 &&
            add(STDIN_FILENO) && add(signals_.get()) && add(second_.get());
  }

  bool good() const { return good_; }
  int fd() const { return all_.get(); }

  struct Woken {
    bool leave = false;
    bool resized = false;
    bool keys = false;
  };
  // What there is now; never waits.
  Woken woken() const {
    Woken out;
    epoll_event events[3];
    const int count = epoll_wait(all_.get(), events, 3, 0);
    for (int i = 0; i < count; ++i) {
      if (events[i].data.fd == STDIN_FILENO) {
        out.keys = true;
        if ((events[i].events & (EPOLLHUP | EPOLLERR)) != 0) out.leave = true;  // the terminal has gone
      } else if (events[i].data.fd == second_.get()) {
        std::uint64_t times = 0;
        if (read(second_.get(), &times, sizeof times) < 0 && errno != EAGAIN) out.leave = true;
      } else {
        signalfd_siginfo info{};
        while (read(signals_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
          (info.ssi_signo == SIGWINCH ? out.resized : out.leave) = true;
        }
      }
    }
    return out;
  }

 private:
  // A quiet end restores the terminal, whoever asks for it.
  static int signal_fd() {
    sigset_t set;
    sigemptyset(&set);
    for (const int one : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH}) sigaddset(&set, one);
    if (sigprocmask(SIG_BLOCK, &set, nullptr) != 0) return -1;
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  }

  bool add(int fd) const {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    return epoll_ctl(all_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
  }

  Fd signals_;
  Fd second_;
  Fd all_;
  bool good_ = false;
};

// The inbox between the broker and the screen.
class Loop {
 public:
  Loop(Client& client, Screen& screen, const Wakers& wakers) : client_(client), screen_(screen), wakers_(wakers) {}

  // Ends when the person leaves, or with what went wrong.
  Result<Nothing> run() {
    const Screen::Size size = screen_.measure();
    inbox_.resize(size.width, size.height);
    if (auto failure = fill()) return *failure;
    for (;;) {
      screen_.draw(inbox_.draw(monotonic_ms()));
      const auto next = client_.next(std::nullopt, wakers_.fd());
      if (!next) return next.failure();
      if (auto failure = heard(*next)) return *failure;
      // Changes that come without an end must not keep keys waiting.
      const Wakers::Woken woken = wakers_.woken();
      if (woken.resized) {
        const Screen::Size now = screen_.measure();
        inbox_.resize(now.width, now.height);
      }
      if (woken.keys) {
        for (auto press = screen_.key(); press; press = screen_.key()) {
          if (!obey(inbox_.press(*press))) return Nothing{};
        }
      }
      if (woken.leave) return Nothing{};
    }
  }

 private:
  std::optional<Failure> heard(const Client::Next& next) {
    switch (next.event) {
      case Client::Event::kStopped:
      case Client::Event::kTimedOut: break;
      case Client::Event::kGone: inbox_.say("the broker has left; waiting for it to come back"); break;
      case Client::Event::kBack:
        inbox_.say("the broker is back");
        return fill();
      case Client::Event::kChanged: return take(next.id);
    }
    return std::nullopt;
  }

  std::optional<Failure> fill() {
    const auto open = client_.list_requests({{"living", sdbus::Variant(true)}});
    if (!open) return bad(open.failure());
    if (const std::string left_out = left_out_line(*open, "requests"); !left_out.empty()) inbox_.say(left_out);
    // What waited here and no longer does was decided meanwhile.
    for (const std::string& id : inbox_.fill(member(*open, "requests"), monotonic_ms())) {
      if (auto failure = take(id)) return failure;
    }
    whole(inbox_.detailed());  // a list holds long texts cut
    return std::nullopt;
  }

  void whole(const std::string& id) {
    if (id.empty()) return;
    if (const auto request = client_.get_request(id)) inbox_.put_whole(*request, monotonic_ms());
  }

  std::optional<Failure> take(const std::string& id) {
    const auto request = client_.get_request(id);
    if (request) {
      show(*request);
      return std::nullopt;
    }
    if (request.failure().code == Exit::kNotAllowed) {
      inbox_.remove(id);  // gone from our sight is no error
      return std::nullopt;
    }
    return bad(request.failure());
  }

  void show(const Json& request) {
    Json taken_back;
    if (text_of(request, "grant_state") == "ended") {
      // It may also have run out, or been given back, which is no news.
      const auto grant = client_.get_grant(text_of(request, "grant"));
      if (grant && text_of(*grant, "ended.how") == "revoked") taken_back = *grant;
    }
    inbox_.put(request, taken_back, monotonic_ms());
  }

  // A broker that leaves comes back, and one that is slow may answer the next time; both are said.
  std::optional<Failure> bad(const Failure& failure) {
    if (failure.code != Exit::kUnreachable) return failure;
    inbox_.say(failure.message);
    return std::nullopt;
  }

  bool obey(const Wish& wish) {
    switch (wish.kind) {
      case Wish::Kind::kNothing: break;
      case Wish::Kind::kLeave: return false;
      case Wish::Kind::kWhole: whole(wish.ballot.id); break;
      case Wish::Kind::kVote: vote(wish.ballot); break;
    }
    return true;
  }

  void vote(const Ballot& ballot) {
    Dict options;
    if (const std::string reason(evidence::trim(ballot.reason)); !reason.empty()) options.emplace("reason", sdbus::Variant(bytes_of(reason)));
    if (const std::string typed(evidence::trim(ballot.typed)); !typed.empty()) options.emplace("typed", sdbus::Variant(bytes_of(typed)));
    const auto after = cast(ballot, options);
    if (!after) return inbox_.refused(after.failure().message);
    inbox_.voted();
    show(*after);
    // What the vote did is said by now, but for how long the approval holds.
    if (text_of(*after, "state") != "approved" || !ballot.approve) return;
    std::uint64_t lifetime = number_of(*after, "offer.give_s");
    if (text_of(*after, "extends").empty()) {
      if (const auto grant = client_.get_grant(text_of(*after, "grant"))) lifetime = number_of(*grant, "lifetime_s");
    }
    inbox_.say(decision_line(*after, lifetime));
  }

  // For a yes something may be asked: the key's passphrase, PIN or touch, or by polkit the password. That happens on the terminal as
  // it was, with time to type it.
  Result<Json> cast(const Ballot& ballot, const Dict& options) {
    if (!ballot.approve) return client_.vote(ballot.id, false, options);
    const auto voter = voter_of(client_);
    if (!voter) return voter.failure();
    const bool signs = !voter->keys.empty() && at_hand(voter->keys);
    if (!signs && !client_.polkit_there()) return client_.vote(ballot.id, true, options);
    screen_.leave();
    std::printf("approve %s: your %s may be asked for\n", evidence::escape(ballot.id.substr(0, 8)).c_str(), signs ? "key" : "password");
    std::fflush(stdout);
    client_.set_timeout(kPasswordMax);
    auto after = signs ? sign(ballot, options, *voter) : by_password(ballot, options);
    client_.set_timeout(kCallMax);
    screen_.enter();
    return after;
  }

  Result<Json> sign(const Ballot& ballot, const Dict& options, const Voter& voter) {
    const auto shown = client_.get_request(ballot.id);
    if (!shown) return shown.failure();
    return cast_signed(client_, *shown, decision_of(options), voter, {});
  }

  Result<Json> by_password(const Ballot& ballot, const Dict& options) {
    const PasswordAgent agent;
    return client_.vote(ballot.id, true, options);
  }

  Client& client_;
  Screen& screen_;
  const Wakers& wakers_;
  Inbox inbox_;
};

}  // namespace

Exit Verbs::inbox() {
  const Wakers wakers;
  if (!wakers.good()) return out.fail({Exit::kNo, "keys and signals cannot be waited for: too many open files?"});
  const auto client = Client::connect(kCallMax);
  if (!client) return out.fail(client.failure());
  const auto watched = (*client)->watch();
  if (!watched) return out.fail(watched.failure());
  const auto run = [&]() -> Result<Nothing> {
    const auto screen = Screen::open(stdout, stdin, std::getenv("TERM"), out.style().colour);
    if (screen == nullptr) return Failure{Exit::kNo, "this terminal cannot be drawn on: try jitctl watch | cat"};
    try {
      return Loop(**client, *screen, wakers).run();
    } catch (const std::exception& error) {
      // Caught here so that the terminal is given back before anything is said.
      return Failure{Exit::kNo, "watch ended: " + evidence::escape(error.what())};
    }
  };
  const auto ended = run();
  return ended ? Exit::kDone : out.fail(ended.failure());
}

}  // namespace jit::cli
