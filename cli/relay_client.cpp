// SPDX-License-Identifier: Apache-2.0
#include "cli/relay_client.h"

#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <system_error>

#include "cli/documents.h"
#include "evidence/canonical.h"
#include "evidence/text.h"
#include "relay/credentials/subjects.h"

namespace jit::cli {

namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr milliseconds kAnswerMax{5000};
constexpr milliseconds kReadAgainLeast{10};
constexpr milliseconds kKeepAgain{1000};
constexpr milliseconds kConnectMax{30'000};
constexpr milliseconds kReasonMost{500};
constexpr int kNobody = 503;  // no responders: NATS ADR-4 and 22

Failure unreachable(const std::string& why) { return {Exit::kUnreachable, "the relay cannot be reached: " + evidence::escape_to(why, 300)}; }

}  // namespace

SecretFile::SecretFile(const std::string& text) : fd_(memfd_create("credentials", MFD_CLOEXEC)), path_("/proc/self/fd/" + std::to_string(fd_)) {
  if (fd_ < 0 || write(fd_, text.data(), text.size()) != static_cast<ssize_t>(text.size())) throw std::system_error(errno, std::generic_category(), "memfd");
}

SecretFile::~SecretFile() {
  if (fd_ >= 0) close(fd_);
}

Result<std::unique_ptr<RelayClient>> RelayClient::connect(const relay::Settings& settings) {
  std::unique_ptr<RelayClient> client(new RelayClient(settings));
  const auto end = Clock::now() + kConnectMax;
  while (!client->open_) {
    const auto got = client->wait(std::chrono::duration_cast<milliseconds>(end - Clock::now()), -1);
    if (!got) return got.failure();
    if (!*got) return unreachable("no server answers");
  }
  if (const auto inbox = client->subscribe(relay::inbox_of(settings.client) + ".>"); !inbox) return inbox.failure();
  return client;
}

void RelayClient::take_in(relay::Event message) {
  const std::size_t size = message.subject.size() + message.data.size();
  if (messages_.size() >= relay::Transport::kQueue || bytes_ + size > relay::Transport::kQueueBytes) {
    missed_ = true;
    return;
  }
  bytes_ += size;
  messages_.push_back(std::move(message));
}

Result<bool> RelayClient::wait(milliseconds timeout, int stop) {
  if (!closed_.empty()) return unreachable(closed_);
  pollfd fds[2] = {{transport_.fd(), POLLIN, 0}, {stop, POLLIN, 0}};
  const int woken = poll(fds, stop < 0 ? 1 : 2, timeout.count() < 0 ? -1 : static_cast<int>(std::min<std::int64_t>(timeout.count(), 1 << 30)));
  stopped_ = woken > 0 && stop >= 0 && fds[1].revents != 0;
  if (woken <= 0 || fds[0].revents == 0) return false;
  for (relay::Event& event : transport_.take()) {
    switch (event.kind) {
      case relay::Event::Kind::kOpen: open_ = true; break;
      case relay::Event::Kind::kMessage: take_in(std::move(event)); break;
      case relay::Event::Kind::kAnswer: answers_.push_back(std::move(event)); break;
      case relay::Event::Kind::kMissed: missed_ = true; break;
      case relay::Event::Kind::kRefused: refused_ = event.text; break;
      case relay::Event::Kind::kClosed: closed_ = event.text; break;
    }
  }
  return true;
}

Result<Nothing> RelayClient::subscribe(const std::string& subject) {
  if (!transport_.subscribe(subject)) return unsent(0);
  return Nothing{};
}

Result<relay::Event> RelayClient::ask(const std::string& subject, const std::string& data) { return answer_to({subject, data, {}}, kAnswerMax); }

// Any server of its stream may have got it, and that one may hang: then the next time it is another one. Of hundreds of questions
// many go to it, so each is asked again as soon as the others would have answered.
Result<relay::Event> RelayClient::read(const std::string& subject, const std::string& data) {
  auto answer = answer_to({subject, data, {}}, read_again_);
  if (answer) read_again_ = std::clamp(std::chrono::ceil<milliseconds>(4 * took_), kReadAgainLeast, kReadAgainMost);
  return answer;
}

// What comes next is the server's word alone: one that always has another one is not followed for ever.
Result<bool> RelayClient::read_each(std::string_view stream, const std::string& subjects, std::uint64_t sequence, std::size_t most, Clock::time_point end,
                                    const std::function<void(const relay::Event&)>& take) {
  for (std::size_t count = 0; count < most && Clock::now() < end; ++count) {
    const Json question{{"seq", sequence}, {"next_by_subj", subjects}};
    const auto answer = read(relay::any_of(stream), question.dump());
    if (!answer) return answer.failure();
    if (answer->status != 0 || answer->sequence < sequence) return true;
    sequence = answer->sequence + 1;
    take(*answer);
    if (sequence == 0) return true;
  }
  return false;
}

// Why it was lost comes as an event, and may come a little later.
Failure RelayClient::unsent(std::size_t size) {
  const std::size_t most = transport_.message_most();
  if (most == 0 || size <= most) {
    for (auto more = Result<bool>(true); closed_.empty() && more && *more;) more = wait(kReasonMost, -1);
    return unreachable(closed_.empty() ? "it was lost" : closed_);
  }
  return {Exit::kNo, "the servers take no message of " + std::to_string(size) + " bytes: let their configuration say max_payload: " + std::to_string(relay::kClaimsMax)};
}

Result<relay::Event> RelayClient::answer_to(const Question& question, milliseconds again) {
  std::map<std::string, Clock::time_point> asked;  // by token: it says which of them was answered
  refused_.clear();
  const auto end = Clock::now() + kAnswerMax;
  for (auto next = Clock::now();;) {
    if (Clock::now() >= next) {
      const std::string token = relay::random_token();
      if (!transport_.publish(question.subject, question.data, question.id, token)) return unsent(question.data.size());
      asked.emplace(token, Clock::now());
      next += again;
      again = std::min(2 * again, std::max(again, kKeepAgain));
    }
    while (!answers_.empty()) {
      relay::Event answer = std::move(answers_.front());
      answers_.pop_front();
      const auto at = asked.find(answer.token);
      if (at == asked.end()) continue;  // another one's comes too late
      took_ = Clock::now() - at->second;
      if (answer.status == kNobody) return Failure{Exit::kUnreachable, "no server of the relay keeps messages just now: try again; an admin can see why: jitctl relay status DIR"};
      return answer;
    }
    if (!refused_.empty()) return Failure{Exit::kNotAllowed, "the relay refuses: " + evidence::escape_to(refused_, 300)};
    const auto left = std::chrono::duration_cast<milliseconds>(end - Clock::now());
    if (left.count() <= 0) return Failure{Exit::kUnreachable, "the relay does not answer: try again; an admin can see why: jitctl relay status DIR"};
    const auto pause = std::chrono::ceil<milliseconds>(next - Clock::now());
    const auto got = wait(std::clamp(pause, milliseconds(0), left), -1);
    if (!got) return got.failure();
  }
}

// Said again, it is known by its id.
Result<Nothing> RelayClient::keep(const std::string& subject, const std::string& data, const std::string& id) {
  const auto answer = answer_to({subject, data, id}, kKeepAgain);
  if (!answer) return answer.failure();
  const Json said = evidence::parse_foreign(answer->data);
  if (said.is_object() && said.contains("seq")) return Nothing{};
  const std::string why = "the relay did not take it: " + evidence::escape_to(text_of(said, "error.description"), 200);
  // As in HTTP: it is the servers' trouble, and may pass.
  if (number_of(said, "error.code") >= 500) return Failure{Exit::kUnreachable, why + "; try again"};
  return Failure{Exit::kNo, why};
}

Result<RelayClient::Next> RelayClient::next(milliseconds timeout, int stop) {
  const auto end = Clock::now() + timeout;
  for (;;) {
    if (std::exchange(missed_, false)) return Next{Woken::kMissed, {}};
    if (!messages_.empty()) {
      Next out{Woken::kMessage, std::move(messages_.front())};
      messages_.pop_front();
      bytes_ -= out.message.subject.size() + out.message.data.size();
      return out;
    }
    answers_.clear();
    const auto left = std::chrono::duration_cast<milliseconds>(end - Clock::now());
    if (timeout.count() >= 0 && left.count() <= 0) return Next{Woken::kTimedOut, {}};
    const auto got = wait(timeout.count() < 0 ? milliseconds(-1) : left, stop);
    if (!got) return got.failure();
    if (!*got && stopped_) return Next{Woken::kStopped, {}};
  }
}

}  // namespace jit::cli
