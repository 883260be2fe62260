// SPDX-License-Identifier: Apache-2.0
#include "notify/queue.h"

#include "tests/catch.h"

using namespace jit::notify;

namespace {

NoticePtr notice(std::uint64_t sequence, const std::string& event = "grant", std::int64_t until = 1'000'000, const std::string& request = "r") {
  Notice out;
  out.sequence = sequence;
  out.key = std::to_string(sequence);
  out.event = event;
  out.request = request;
  out.until = until;
  return std::make_shared<const Notice>(out);
}

std::vector<std::uint64_t> add(Queue& queue, const NoticePtr& one) {
  std::vector<NoticePtr> overtaken;
  queue.add(one, overtaken);
  std::vector<std::uint64_t> out;
  for (const NoticePtr& each : overtaken) out.push_back(each->sequence);
  return out;
}

}  // namespace

TEST_CASE("messages go one after the other") {
  Queue queue;
  CHECK_FALSE(queue.due());
  add(queue, notice(1));
  add(queue, notice(2));
  REQUIRE(queue.due() == 0);
  CHECK(queue.take()->sequence == 1);
  CHECK_FALSE(queue.due());  // one at a time
  CHECK(queue.oldest() == 1);
  CHECK(queue.delivered()->sequence == 1);
  CHECK(queue.oldest() == 2);
  CHECK(queue.take()->sequence == 2);
  queue.delivered();
  CHECK(queue.empty());
  CHECK_FALSE(queue.oldest());
}

TEST_CASE("a channel that fails pauses, longer each time, and never for long") {
  Queue queue;
  add(queue, notice(1));
  Ms now = 0;
  std::vector<Ms> pauses;
  for (int i = 0; i < 20; ++i) {
    queue.take();
    queue.failed(now, 0.5, 0);
    REQUIRE(queue.due());
    pauses.push_back(*queue.due() - now);
    now = *queue.due();
  }
  CHECK(pauses[0] == Queue::kFirstPause);
  CHECK(pauses[1] == 2 * Queue::kFirstPause);
  CHECK(pauses.back() == Queue::kLongestPause);
  CHECK(std::ranges::is_sorted(pauses));
  // It is not the same on all hosts, and the other side may ask for more, but not for ever.
  queue.take();
  queue.failed(now, 0, 0);
  CHECK(*queue.due() - now == Queue::kLongestPause / 2);
  queue.take();
  queue.failed(now, 0, 1'000'000'000);
  CHECK(*queue.due() - now == Queue::kLongestPause);
  // What gets through ends it.
  queue.take();
  queue.delivered();
  add(queue, notice(2));
  CHECK(queue.due() == 0);
}

TEST_CASE("a message that nobody takes keeps none of the others back") {
  Queue queue;
  add(queue, notice(1));
  add(queue, notice(2));
  queue.take();
  queue.failed(0, 0.5, 0);
  CHECK(queue.take()->sequence == 2);
  queue.delivered();
  CHECK(queue.take()->sequence == 1);
  CHECK(queue.oldest() == 1);
}

TEST_CASE("what is told again is not taken twice") {
  Queue queue;
  std::vector<NoticePtr> overtaken;
  CHECK(queue.add(notice(1), overtaken));
  CHECK_FALSE(queue.add(notice(1), overtaken));
  queue.take();
  CHECK_FALSE(queue.add(notice(1), overtaken));
  CHECK(queue.size() == 1);
}

TEST_CASE("a decision takes the place of what was not told yet of its request") {
  Queue queue;
  add(queue, notice(1, "request"));
  add(queue, notice(2, "request", 1'000'000, "another"));
  add(queue, notice(3, "escalated"));
  CHECK(add(queue, notice(4, "decided")) == std::vector<std::uint64_t>{1, 3});
  CHECK(queue.take()->sequence == 2);
  queue.delivered();
  // What is on its way arrives.
  add(queue, notice(5, "request", 1'000'000, "third"));
  CHECK(queue.take()->sequence == 4);
  queue.delivered();
  queue.take();
  CHECK(add(queue, notice(6, "decided", 1'000'000, "third")).empty());
  // Or does not, and is not sent again.
  queue.failed(0, 0.5, 0);
  CHECK(queue.size() == 1);
  CHECK(queue.take()->sequence == 6);
}

TEST_CASE("a channel that is gone keeps what the policy names it for") {
  Queue queue;
  Notice named = *notice(1);
  named.channels = {"pager"};
  add(queue, std::make_shared<const Notice>(named));
  add(queue, notice(2));
  queue.keep_named("pager");
  CHECK(queue.size() == 1);
  CHECK(queue.oldest() == 1);
}

TEST_CASE("what is too late is dropped, and nothing else") {
  Queue queue;
  add(queue, notice(1, "request", 100));
  add(queue, notice(2, "request", 300, "another"));
  add(queue, notice(3, "request", 200, "third"));
  CHECK(queue.expires() == 100);
  CHECK(queue.expire(99).empty());
  const auto late = queue.expire(200);
  REQUIRE(late.size() == 2);
  CHECK(queue.size() == 1);
  CHECK(queue.expires() == 300);
}

TEST_CASE("a full queue takes nothing until half of it is gone") {
  Queue queue;
  for (std::uint64_t i = 1; i <= Queue::kMost; ++i) {
    CHECK(queue.has_room());
    add(queue, notice(i));
  }
  for (std::size_t left = Queue::kMost; left > Queue::kMost / 2; --left) {
    CHECK_FALSE(queue.has_room());
    queue.take();
    queue.delivered();
  }
  CHECK(queue.has_room());
}
