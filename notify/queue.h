// SPDX-License-Identifier: Apache-2.0
// What waits for one channel. One message is on its way at a time; after a failure the channel pauses, ever longer, and the next
// message goes first, so that one which nobody takes keeps none of the others back. Pure: times come in.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "courier/clock.h"
#include "notify/message/message.h"

namespace jit::notify {

using courier::Ms;
using NoticePtr = std::shared_ptr<const Notice>;

class Queue {
 public:
  static constexpr std::size_t kMost = 256;
  static constexpr Ms kFirstPause = 1000;
  static constexpr Ms kLongestPause = 5 * 60'000;

  // False: it is there already. What it makes void comes out: the news of a request that is decided now.
  bool add(NoticePtr notice, std::vector<NoticePtr>& overtaken);
  // Once full it takes nothing until half is gone: what it could not take is read again, a page at a time.
  bool has_room() const { return !full_; }

  std::optional<Ms> due() const;         // when something can be sent; nothing: never as it is
  NoticePtr take();                      // puts it on its way
  NoticePtr delivered();                 // what was on its way
  // jitter: from 0 to 1. wait: how long the other side asked us to, 0: it did not.
  void failed(Ms now, double jitter, Ms wait);
  void hurry() { next_ = 0; }            // the pause is over: the channel is another one now
  // The channel is gone: only what the policy names it for waits for it to come back.
  void keep_named(const std::string& channel);
  std::vector<NoticePtr> expire(std::int64_t now);  // that it is too late for
  std::optional<std::int64_t> expires() const;          // when the first of them will be

  std::optional<std::uint64_t> oldest() const;  // the sequence before which nothing waits here
  bool empty() const { return waiting_.empty() && !sent_; }
  std::size_t size() const { return waiting_.size() + (sent_ ? 1 : 0); }
  unsigned failures() const { return failures_; }  // in a row

 private:
  std::deque<NoticePtr> waiting_;
  NoticePtr sent_;
  bool full_ = false;
  Ms next_ = 0;
  unsigned failures_ = 0;
};

}  // namespace jit::notify
