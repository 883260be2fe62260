// SPDX-License-Identifier: Apache-2.0
// Brings what the broker's log tells to the channels of this host, each at its own pace: a channel that fails waits and tries
// again until it is too late for a message, and keeps no other one back. At least once, with the same key each time. It decides
// nothing, and nothing comes back through it.
#pragma once

#include <systemd/sd-event.h>

#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "courier/broker.h"
#include "notify/attempt.h"
#include "notify/folder.h"
#include "notify/progress.h"
#include "notify/queue.h"
#include "notify/webhook.h"

namespace jit::notify {

// The one attempt, as the channel wants it.
std::unique_ptr<Attempt> attempt(sd_event* event, Web& web, const Defined& channel, const Notice& notice, AttemptDone done);

class Notifier {
 public:
  static constexpr std::size_t kUnknown = 64;  // channels that no file defines and for which messages are kept

  Notifier(sd_event* event, std::string folder, std::string progress);
  ~Notifier();
  int start();  // < 0: -errno

 private:
  struct Line {
    std::optional<Defined> defined;  // nothing: see trouble
    std::string trouble;             // why nothing gets through now; empty: it does, as far as is known
    bool broken = false;             // its file is there, and cannot be used
    Queue queue;
    std::uint64_t cursor = 0;        // it has seen the log up to here
    std::unique_ptr<Attempt> attempt;
  };

  void read_files();
  void there(bool there);
  void fetch();
  void take_page(std::uint64_t after, const std::string& document);
  void hand_out(std::uint64_t after, const NoticePtr& notice);
  Line& line(const std::string& channel, std::uint64_t cursor);
  void send(const std::string& name, Line& line);
  void ended(const std::string& name, const NoticePtr& notice, const Attempted& attempted);
  void forget();
  void drop_late(const std::string& name, Line& line);
  std::uint64_t carried() const;
  void say();
  void tick();
  static int on_timer(sd_event_source* source, std::uint64_t time, void* self);
  static int on_reload(sd_event_source* source, const struct signalfd_siginfo* what, void* self);
  static int on_again(sd_event_source* source, void* self);

  sd_event* event_;
  const std::string folder_;
  courier::Broker broker_;
  Web web_;
  Progress progress_;
  std::map<std::string, Line> lines_;  // by channel
  sd_event_source *timer_ = nullptr, *reload_ = nullptr, *again_ = nullptr;
  std::minstd_rand chance_{std::random_device{}()};

  bool fetching_ = false;
  bool news_ = false;          // the broker has more, or may have
  std::uint64_t head_ = 0;     // of the log: the furthest that any line has seen
  std::uint64_t done_ = 0;     // as the broker was told
  Ms tell_done_ = 0, fetch_again_ = 0;
  std::optional<std::string> told_;  // the trouble that the broker was told of
  std::string told_progress_;
};

}  // namespace jit::notify
