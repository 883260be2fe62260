// SPDX-License-Identifier: Apache-2.0
#include "courier/refusal.h"

#include <ctime>
#include <memory>

#include "courier/broker.h"
#include "courier/process.h"

namespace jit::courier {

namespace {

constexpr std::uint64_t kPatienceUs = 5'000'000;
constexpr std::size_t kWhyMost = 400;

int on_patience_over(sd_event_source* source, std::uint64_t, void*) { return sd_event_exit(sd_event_source_get_event(source), 0); }

void tell_broker(sd_event* event, const std::string& why) {
  std::unique_ptr<Broker> broker;
  const auto there = [&](bool is_there) {
    if (!is_there) return;
    broker->reachable(false, why.substr(0, kWhyMost));
    broker->status([event](const BusAnswer&) { sd_event_exit(event, 0); });  // it is behind the other one
  };
  broker = std::make_unique<Broker>(event, Broker::Heard{there, [] {}});
  if (broker->start() < 0 || sd_event_add_time_relative(event, nullptr, CLOCK_BOOTTIME, kPatienceUs, 0, on_patience_over, nullptr) < 0) return;
  sd_event_loop(event);
}

}  // namespace

int refused(const std::string& why) {
  sd_event* event = nullptr;
  if (sd_event_new(&event) >= 0) tell_broker(event, why);
  sd_event_unref(event);
  return failed(why);
}

}  // namespace jit::courier
