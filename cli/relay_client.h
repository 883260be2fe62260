// SPDX-License-Identifier: Apache-2.0
// A connection to the relay for a program that asks one thing after the other.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "cli/exit.h"
#include "relay/transport/transport.h"

namespace jit::cli {

class RelayClient {
 public:
  static Result<std::unique_ptr<RelayClient>> connect(const relay::Settings& settings);

  // The answer to a question; a message that comes meanwhile is kept for next().
  Result<relay::Event> ask(const std::string& subject, const std::string& data);
  // What a stream keeps: asked again while no server of it answers, and the sooner the quicker they were before.
  Result<relay::Event> read(const std::string& subject, const std::string& data);
  // All that a stream keeps of these subjects, but no more of them than `most`, and until `end`. false: there is more.
  Result<bool> read_each(std::string_view stream, const std::string& subjects, std::uint64_t sequence, std::size_t most, std::chrono::steady_clock::time_point end,
                         const std::function<void(const relay::Event&)>& take);
  // Into a stream, and it is kept there.
  Result<Nothing> keep(const std::string& subject, const std::string& data, const std::string& id = {});
  Result<Nothing> subscribe(const std::string& subject);
  std::size_t servers() const { return transport_.servers(); }

  enum class Woken : std::uint8_t { kMessage, kStopped, kTimedOut, kMissed };
  struct Next {
    Woken woken = Woken::kTimedOut;
    relay::Event message;
  };
  // timeout < 0: for ever; stop: a descriptor (< 0: none). A connection that was lost is a failure.
  Result<Next> next(std::chrono::milliseconds timeout, int stop);

 private:
  explicit RelayClient(const relay::Settings& settings) : transport_(settings) {}
  struct Question {
    std::string subject, data, id;
  };
  Result<relay::Event> answer_to(const Question& question, std::chrono::milliseconds again);
  Failure unsent(std::size_t size);
  void take_in(relay::Event message);
  Result<bool> wait(std::chrono::milliseconds timeout, int stop);  // true: something was taken in; false: stopped, or time is up

  relay::Transport transport_;
  std::deque<relay::Event> messages_;  // as many as the transport itself would keep
  std::size_t bytes_ = 0;              // of them
  std::deque<relay::Event> answers_;
  static constexpr std::chrono::milliseconds kReadAgainMost{250};
  std::chrono::milliseconds read_again_ = kReadAgainMost;
  std::chrono::steady_clock::duration took_{};  // the last answer
  bool open_ = false, missed_ = false, stopped_ = false;
  std::string closed_, refused_;
};

// A file that is only in memory, and that nobody else reads.
class SecretFile {
 public:
  explicit SecretFile(const std::string& text);
  ~SecretFile();
  SecretFile(const SecretFile&) = delete;
  SecretFile& operator=(const SecretFile&) = delete;
  const std::string& path() const { return path_; }

 private:
  int fd_ = -1;
  std::string path_;
};

}  // namespace jit::cli
