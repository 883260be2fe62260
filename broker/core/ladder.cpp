// SPDX-License-Identifier: Apache-2.0
// Escalation: at its time a step adds people who may fill a seat, or reminds. It never lowers a count.
#include "broker/core/impl.h"

namespace jit::core {

namespace {

std::string said(const policy::Step& step) {
  return step.add.empty() ? "reminded: " + step.notify : "asked now, too: " + step.add;
}

}  // namespace

void Core::Impl::escalate(Live& live) {
  const auto& ladder = live.request.offer.ladder;
  const BootMs now = clock.boottime();
  std::uint32_t taken = live.request.steps;
  while (taken < ladder.size() && live.request.created + BootMs{ladder[taken].after_s} * 1000 <= now) ++taken;
  if (taken == live.request.steps) return;
  const Id id = live.request.id;
  if (live.busy) {
    live.later.push_back([this, id] {
      if (Live* again = find(id); again != nullptr && again->open()) escalate(*again);
    });
    return;
  }
  const std::uint32_t before = live.request.steps;
  live.request.steps = taken;
  live.busy = true;
  Batch batch;
  batch.requests.push_back(live.request);
  std::vector<std::string> text;
  for (std::uint32_t i = before; i < taken; ++i) {
    // A step that the policy in force has no more is not taken.
    if (std::ranges::find(live.terms().ladder, ladder[i]) == live.terms().ladder.end()) continue;
    batch.entries.push_back(events::escalated(live.request, ladder[i]));
    text.push_back(texts::line(said(ladder[i])));
  }
  commit(std::move(batch), [this, id, before, text = std::move(text)](bool ok) mutable {
    Live* stepped = find(id);
    if (stepped == nullptr) return;
    if (!ok) {
      stepped->request.steps = before;
      due.emplace(clock.boottime() + 1000, id);
    } else if (!text.empty()) {
      if (!asks.contains(stepped->conn)) tell_waiting(*stepped, std::move(text));
      listener.request_changed(stepped->request);  // those who are asked now hear of it, the others are reminded
    }
    free_later(*stepped);
  });
}

}  // namespace jit::core
