// SPDX-License-Identifier: Apache-2.0
#include "bench/fleet/fleet.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <stdexcept>
#include <system_error>

namespace jit::bench {
namespace {

constexpr std::uint64_t kApprover = UINT64_MAX;
constexpr Ns kConnectPatience = 120'000'000'000;

}  // namespace

Fleet::Fleet(Scene& scene, std::size_t hosts, const evidence::HostKey& approver) : scene_(scene), epoll_(epoll_create1(EPOLL_CLOEXEC)) {
  if (epoll_ < 0) throw std::system_error(errno, std::generic_category(), "epoll");
  for (std::size_t n = 0; n < hosts; ++n) hosts_.push_back(std::make_unique<Host>(scene, static_cast<int>(n)));
  approver_ = std::make_unique<Approver>(scene, "bob", approver);
  watch(approver_->fd(), kApprover);
}

Fleet::~Fleet() { close(epoll_); }

void Fleet::fail(const std::string& why) const { throw std::runtime_error(why); }

void Fleet::watch(int fd, std::uint64_t number) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = number;
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) throw std::system_error(errno, std::generic_category(), "epoll");
}

Ns Fleet::connect() {
  const Ns began = now();
  std::size_t started = 0;
  while (open_ < hosts_.size() || !approver_->open()) {
    while (started < hosts_.size() && started - open_ < kWave) {
      hosts_[started]->connect();
      watch(hosts_[started]->fd(), started);
      ++started;
    }
    if (!turn(now() + kConnectPatience)) fail("only " + std::to_string(open_) + " hosts are connected");
  }
  return now() - began;
}

bool Fleet::turn(Ns until) {
  std::array<epoll_event, 64> events{};
  const Ns left = std::max<Ns>(until - now(), 0);
  const timespec timeout{left / 1'000'000'000, left % 1'000'000'000};
  const int count = epoll_pwait2(epoll_, events.data(), events.size(), &timeout, nullptr);
  for (int n = 0; n < count; ++n) {
    const std::uint64_t number = events[static_cast<std::size_t>(n)].data.u64;
    if (number == kApprover) {
      approver_says();
    } else {
      host_says(number);
    }
  }
  return count > 0;
}

void Fleet::host_says(std::size_t number) {
  for (const Host::News& news : hosts_[number]->take()) {
    const Ns came = now();
    if (news.opened) ++open_;
    if (news.closed || !news.refused.empty()) fail("host " + std::to_string(number) + ": " + news.refused);
    const auto asked = asked_.find(news.vote.empty() ? news.confirmed : news.vote);
    if (asked == asked_.end()) continue;
    if (news.vote.empty()) {
      asked->second.confirmed = true;
      ++load_.confirmed;
    } else {
      asked->second.answered = true;
      ++load_.answered;
      load_.to_host.push_back(came - asked->second.voted);
      load_.whole.push_back(came - asked->second.sent);
    }
    if (asked->second.answered && asked->second.confirmed) asked_.erase(asked);
  }
}

void Fleet::approver_says() {
  for (const Approver::Seen& seen : approver_->take()) {
    const auto asked = asked_.find(seen.request);
    if (asked == asked_.end()) continue;
    ++load_.seen;
    asked->second.voted = seen.voted;
    load_.to_inbox.push_back(seen.came - asked->second.sent);
  }
  if (!approver_->trouble().empty()) fail("the approver: " + approver_->trouble());
}

Load Fleet::run(double rate, double seconds) {
  load_ = Load{};
  asked_.clear();
  const auto total = static_cast<std::size_t>(rate * seconds);
  const auto each = static_cast<Ns>(1e9 / rate);
  load_.began = now();
  while (load_.asked < total) {
    const Ns when = load_.began + static_cast<Ns>(load_.asked) * each;
    if (now() < when) {
      turn(when);
      continue;
    }
    if (now() > when + 10 * each) ++load_.late;
    const Ns sent = now();
    // Hosts far from each other in the list: the one that asked last has nothing in a cache any more.
    const std::string request = hosts_[load_.asked * 7919 % hosts_.size()]->ask();
    if (request.empty()) fail("a connection was lost");
    asked_[request].sent = sent;
    ++load_.asked;
    if (load_.asked % 8 == 0) turn(0);
  }
  load_.ended = now();
  while (!asked_.empty() && turn(now() + kPatience)) {
  }
  return load_;
}

}  // namespace jit::bench
