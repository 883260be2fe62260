// SPDX-License-Identifier: Apache-2.0
#include "notify/queue.h"

#include <algorithm>
#include <utility>

namespace jit::notify {

namespace {

bool is_news(const Notice& notice) { return notice.event == "request" || notice.event == "escalated"; }

}  // namespace

bool Queue::add(NoticePtr notice, std::vector<NoticePtr>& overtaken) {
  const auto same = [&](const NoticePtr& each) { return each->key == notice->key; };
  if ((sent_ && same(sent_)) || std::ranges::any_of(waiting_, same)) return false;
  if (notice->event == "decided") {
    std::erase_if(waiting_, [&](const NoticePtr& each) {
      const bool old = each->request == notice->request && is_news(*each);
      if (old) overtaken.push_back(each);
      return old;
    });
  }
  waiting_.push_back(std::move(notice));
  full_ = full_ || waiting_.size() >= kMost;
  return true;
}

std::optional<Ms> Queue::due() const {
  if (sent_ || waiting_.empty()) return std::nullopt;
  return next_;
}

NoticePtr Queue::take() {
  sent_ = std::move(waiting_.front());
  waiting_.pop_front();
  return sent_;
}

NoticePtr Queue::delivered() {
  failures_ = 0;
  next_ = 0;
  if (waiting_.size() <= kMost / 2) full_ = false;
  return std::exchange(sent_, nullptr);
}

void Queue::failed(Ms now, double jitter, Ms wait) {
  const Ms pause = std::min(kLongestPause, kFirstPause << std::min(failures_, 10U));
  ++failures_;
  // Not all hosts at once.
  next_ = now + std::max(pause / 2 + static_cast<Ms>(jitter * static_cast<double>(pause)), std::min(wait, kLongestPause));
  const NoticePtr back = std::exchange(sent_, nullptr);
  const auto decides = [&](const NoticePtr& each) { return each->event == "decided" && each->request == back->request; };
  if (back && !(is_news(*back) && std::ranges::any_of(waiting_, decides))) waiting_.push_back(back);
}

void Queue::keep_named(const std::string& channel) {
  std::erase_if(waiting_, [&](const NoticePtr& each) { return std::ranges::find(each->channels, channel) == each->channels.end(); });
}

std::vector<NoticePtr> Queue::expire(std::int64_t now) {
  std::vector<NoticePtr> out;
  std::erase_if(waiting_, [&](const NoticePtr& each) {
    const bool late = each->until <= now;
    if (late) out.push_back(each);
    return late;
  });
  if (waiting_.size() <= kMost / 2) full_ = false;
  return out;
}

std::optional<std::int64_t> Queue::expires() const {
  std::optional<std::int64_t> out;
  for (const NoticePtr& each : waiting_) out = std::min(out.value_or(each->until), each->until);
  return out;
}

std::optional<std::uint64_t> Queue::oldest() const {
  std::optional<std::uint64_t> out;
  if (sent_) out = sent_->sequence;
  for (const NoticePtr& each : waiting_) out = std::min(out.value_or(each->sequence), each->sequence);
  return out;
}

}  // namespace jit::notify
