// SPDX-License-Identifier: Apache-2.0
#include "relay/relay.h"

#include <sys/epoll.h>
#include <systemd/sd-daemon.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "courier/document.h"
#include "courier/process.h"
#include "evidence/canonical.h"
#include "relay/credentials/subjects.h"

namespace jit::relay {
namespace {

using Json = nlohmann::json;
using courier::boottime;
using courier::log;
using courier::names;
using courier::number;
using courier::unix_ms;
using courier::word;

constexpr char kNewer[] = "/var/lib/jit-relay/renewed.jwt";  // words for its credentials
constexpr Ms kConfirm = 1000;            // then a message is sent again
constexpr Ms kConfirmMost = 30'000;
constexpr Ms kUnconfirmed = 4000;        // then the servers count as not reached
constexpr Ms kReconnect = 250;
constexpr Ms kReconnectMost = 30'000;
constexpr Ms kHere = 5 * 60'000;
constexpr Ms kAnswer = 5000;
constexpr Ms kAskAgain = 1000;           // for votes
constexpr Ms kHereAgain = 10'000;         // where nobody kept it

bool is_kept(const Event& event) {
  const Json answer = evidence::parse_foreign(event.data);
  return answer.is_object() && !answer.contains("error") && answer.contains("seq");
}

}  // namespace

Relay::Relay(sd_event* event, SettingsFile settings, std::string host)
    : event_(event), settings_(std::move(settings)), host_(std::move(host)), renewal_(settings_.credentials, kNewer), broker_(event, {[this](bool is) { there(is); }, [this] { fetch_next(); }}) {}

Relay::~Relay() {
  sd_event_source_disable_unref(transport_source_);
  sd_event_source_disable_unref(timer_);
}

int Relay::start() {
  int code = sd_event_add_time(event_, &timer_, CLOCK_BOOTTIME, UINT64_MAX, 50'000, on_timer, this);
  if (code >= 0) code = broker_.start();
  if (code < 0) return code;
  connect();
  tick();
  return code;
}

void Relay::connect() {
  reconnect_ = 0;
  transport_source_ = sd_event_source_disable_unref(transport_source_);
  transport_.reset();
  std::string why;
  const auto login = renewal_.login(why);
  if (!login) return closed(why);
  transport_ = std::make_unique<Transport>(Settings{settings_.servers, login->jwt, login->sign, settings_.ca, host_client(host_)});
  const int code = sd_event_add_io(event_, &transport_source_, transport_->fd(), EPOLLIN, on_transport, this);
  if (code < 0) sd_event_exit(event_, code);
}

int Relay::on_transport(sd_event_source*, int, std::uint32_t, void* self) {
  auto* const relay = static_cast<Relay*>(self);
  for (const Event& event : relay->transport_->take()) relay->taken(event);
  relay->tick();
  return 0;
}

int Relay::on_timer(sd_event_source*, std::uint64_t, void* self) {
  static_cast<Relay*>(self)->tick();
  return 0;
}

void Relay::taken(const Event& event) {
  switch (event.kind) {
    case Event::Kind::kOpen: return opened();
    case Event::Kind::kClosed: return closed(event.text);
    case Event::Kind::kMessage: return vote_came(event.subject, event.data, false);
    case Event::Kind::kAnswer: return answered(event);
    case Event::Kind::kRefused: return note("the server refuses: " + event.text);
    case Event::Kind::kMissed: return look_anew();
  }
}

void Relay::opened() {
  if (!transport_->subscribe(votes_of(host_)) || !transport_->subscribe(inbox_of(host_client(host_)) + ".>")) return;  // it closes, and says why
  open_ = true;
  failures_ = 0;
  unconfirmed_ = 0;
  log(SD_NOTICE, "connected to the relay");
  sd_notify(0, "STATUS=connected");
  reach(true, "");
  here_ = boottime();
  renew_in(renewal_.wait(unix_ms()));
  synchronise();
}

// The server ends a connection together with the claims that it was opened with.
void Relay::renew_in(std::optional<Ms> wait) { renew_ = wait ? boottime() + *wait : 0; }

void Relay::look_for_renewal() {
  ask(renewal_.subject(), "", Question::Kind::kRenewal);
  renew_in(renewal_.wait(unix_ms()));
}

void Relay::renewed(const std::string& offered) {
  if (!renewal_.take(offered)) return;
  log(SD_NOTICE, "the relay's credentials were renewed");
  open_ = false;
  forget_questions();
  reconnect_ = boottime();
}

void Relay::closed(const std::string& cause) {
  const std::string why = cause + renewal_.remark(cause, unix_ms());
  if (open_ || failures_ == 0) log(SD_WARNING, "not connected to the relay (" + why + "): trying again");
  sd_notify(0, "STATUS=not connected");
  open_ = false;
  forget_questions();
  const Ms most = std::min(kReconnectMost, kReconnect << std::min(failures_, 7U));
  ++failures_;
  // Not all hosts at once.
  reconnect_ = boottime() + most / 2 + std::uniform_int_distribution<Ms>(0, most)(chance_);
  reach(false, why);
}

// A short absence is told to nobody.
void Relay::reach(bool reached, const std::string& why) {
  trouble_ = reached ? std::string() : why.empty() ? "the servers are not reached" : why;
  if (!reached && told_ == false) return;
  tell_trouble_ = boottime() + (reached ? 0 : kGrace);
}

// Whoever may send could otherwise fill the disk, or keep us waiting for whoever reads the log.
void Relay::note(const std::string& text) {
  const Ms now = boottime();
  lines_ = std::min(kLines, lines_ + (now - lines_since_) / 100);
  if (now - lines_since_ >= 100) lines_since_ = now;
  if (lines_ <= 0) {
    ++left_out_;
    return;
  }
  --lines_;
  if (const auto count = std::exchange(left_out_, 0); count > 0) log(SD_WARNING, std::to_string(count) + " lines like the next one were left out");
  log(SD_INFO, text);
}

void Relay::send(const std::string& token) {
  Out& out = out_.at(token);
  const Ms now = boottime();
  out.next = now + std::min(kConfirmMost, kConfirm << std::min(out.tries, 5U));
  if (!open_) return;
  ++out.tries;
  if (transport_->publish(out.subject, *out.data, out.id, token)) questions_[token] = {Question::Kind::kPublished, {}, now + kConfirmMost * 2, {}, 0};
  if (unconfirmed_ == 0) unconfirmed_ = now;
}

bool Relay::ask(const std::string& subject, const std::string& data, Question::Kind kind, const std::string& request) {
  const std::string token = random_token();
  if (!transport_->publish(subject, data, "", token)) return false;
  const Ms now = boottime();
  const bool of_votes = kind == Question::Kind::kAnyVote || kind == Question::Kind::kVote;
  questions_[token] = {kind, request, now + kAnswer, of_votes ? subject : std::string(), of_votes ? now + kAskAgain : 0};
  return true;
}

void Relay::forget_questions() {
  questions_.clear();
  held_.clear();  // they are kept where they came from
  for (auto& [request, open] : requests_) {
    open.looking = false;
    open.behind = true;
  }
}

void Relay::answered(const Event& event) {
  const auto found = questions_.find(event.token);
  if (found == questions_.end()) return;
  const Question question = found->second;
  questions_.erase(found);
  if (question.kind == Question::Kind::kRenewal) return renewed(event.data);
  if (question.kind == Question::Kind::kHere && (event.status != 0 || !is_kept(event))) here_ = boottime() + kHereAgain;
  if (question.kind == Question::Kind::kHere) return;
  if (question.kind != Question::Kind::kPublished) return vote_answered(question, event);
  const auto out = out_.find(event.token);
  if (out == out_.end()) return;
  if (!is_kept(event)) {
    const Json answer = evidence::parse_foreign(event.data);
    const std::string why = word(answer.is_object() ? answer.value("error", Json::object()) : Json(), "description");
    return note("the relay did not take " + out->second.subject + ": " + (why.empty() ? "nobody keeps it now" : why));  // it is sent again
  }
  take_out(out);
  unconfirmed_ = out_.empty() ? 0 : boottime();
  reach(true, "");
}

// One that hangs, or is there no more, would keep the connection until the library's pings have gone unanswered; there may be others.
void Relay::doubt() {
  const Ms now = boottime();
  if (!open_ || now - doubted_ < kUnconfirmed) return;
  doubted_ = now;
  transport_->probe();
}

void Relay::unanswered(const Question& question) {
  doubt();
  if (question.kind == Question::Kind::kHere) here_ = boottime() + kHereAgain;
  if (question.kind == Question::Kind::kVote) look_later(question.request);
  if (question.kind == Question::Kind::kAnyVote || question.kind == Question::Kind::kVote) vote_answered(question, {});
}

void Relay::say_here() {
  broker_.status([this](const courier::BusAnswer& answer) {
    if (!open_ || !answer.error.empty()) return;
    const Json status = Json::parse(answer.text, nullptr, false);
    const Json host = status.is_object() ? status.value("host", Json::object()) : Json::object();
    const Json policy = status.is_object() ? status.value("policy", Json::object()) : Json::object();
    const Json here{{"host", host_}, {"name", word(host, "name")}, {"policy", word(policy, "hash")}, {"version", JIT_VERSION}, {"time_ms", unix_ms()}};
    ask(here_subject(host_), here.dump(), Question::Kind::kHere);
  });
}

// All up to here was confirmed, or has come too late.
void Relay::carried() {
  const std::uint64_t upto = unconfirmed_log_.empty() ? next_ : *unconfirmed_log_.begin() - 1;
  if (upto == 0 || upto == done_ || !broker_.is_there()) return;
  done_ = upto;
  broker_.done(upto);
}

void Relay::tick() {
  const Ms now = boottime();
  Ms next = INT64_MAX;
  const auto due = [&](Ms& when) {
    if (when == 0) return false;
    if (when > now) {
      next = std::min(next, when);
      return false;
    }
    when = 0;
    return true;
  };
  if (due(reconnect_)) connect();
  std::vector<std::string> late;
  for (auto it = out_.begin(); it != out_.end();) {
    const bool in_the_way = it->second.until != 0 && it->second.tries > 0 && it->second.next <= now && open_ && !has_room();
    if (in_the_way) again_ = std::min(again_ == 0 ? INT64_MAX : again_, now + kFullAgain);
    if (in_the_way || (it->second.until != 0 && it->second.until < now)) {
      it = take_out(it);
      continue;
    }
    if (open_ && it->second.next <= now) late.push_back(it->first);
    ++it;
  }
  for (const std::string& token : late) send(token);
  if (open_) {
    for (const auto& [token, out] : out_) next = std::min(next, out.next);
  }
  if (out_.empty()) unconfirmed_ = 0;
  fetch_more();
  if (open_ && unconfirmed_ != 0 && now - unconfirmed_ >= kUnconfirmed) {
    reach(false, "the servers do not confirm what is sent");
    tell_trouble_ = tell_trouble_ == 0 ? 0 : now;
    doubt();
    next = std::min(next, now + kUnconfirmed);
  } else if (open_ && unconfirmed_ != 0) {
    next = std::min(next, unconfirmed_ + kUnconfirmed);
  }
  std::vector<Question> given_up;
  for (auto it = questions_.begin(); it != questions_.end();) {
    auto& [token, question] = *it;
    if (question.until <= now) {
      given_up.push_back(std::move(question));
      it = questions_.erase(it);
      continue;
    }
    if (question.again != 0 && question.again <= now) {
      transport_->publish(question.subject, "", "", token);
      question.again = now + kAskAgain;
    }
    if (question.kind != Question::Kind::kPublished) next = std::min(next, question.again != 0 ? question.again : question.until);
    ++it;
  }
  for (const Question& question : given_up) unanswered(question);
  if (!given_up.empty()) next = std::min(next, now + kAskAgain);
  if (open_ && broker_.is_there()) {
    std::erase_if(requests_, [&](const auto& each) { return each.second.deadline < now; });
    std::erase_if(held_, [&](const Vote& each) { return !requests_.contains(each.request); });
    for (auto it = look_again_.begin(); it != look_again_.end();) {
      if (it->second > now) {
        next = std::min(next, it->second);
        ++it;
        continue;
      }
      const std::string request = it->first;
      it = look_again_.erase(it);
      if (requests_.contains(request)) look_for_votes(request);
    }
    if (due(renew_)) look_for_renewal();
    if (renew_ != 0) next = std::min(next, renew_);
    if (due(here_)) {
      say_here();
      here_ = now + kHere;
      next = std::min(next, here_);
    }
    if (due(again_)) synchronise_again();
    if (again_ != 0) next = std::min(next, again_);
  }
  if (broker_.is_there()) {
    if (due(tell_done_)) carried();
    if (due(tell_trouble_)) {
      const bool reached = trouble_.empty();
      if (told_ != reached || told_why_ != trouble_) broker_.reachable(reached, trouble_.substr(0, 400));
      told_ = reached;
      told_why_ = trouble_;
    }
  }
  wake_at(next);
}

void Relay::wake_at(Ms when) {
  sd_event_source_set_time(timer_, when == INT64_MAX ? UINT64_MAX : static_cast<std::uint64_t>(when) * 1000);
  sd_event_source_set_enabled(timer_, when == INT64_MAX ? SD_EVENT_OFF : SD_EVENT_ONESHOT);
}

}  // namespace jit::relay
