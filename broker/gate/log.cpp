// SPDX-License-Identifier: Apache-2.0
#include "broker/gate/log.h"

#include <syslog.h>
#include <systemd/sd-journal.h>

namespace jit::gate {

LogLimit::Pass LogLimit::pass(std::uint32_t source, Time now) {
  if (seen_.size() >= kSources && !seen_.contains(source)) {
    std::erase_if(seen_, [now](const auto& entry) { return entry.second.since + kWindow <= now; });
    if (seen_.size() >= kSources) return {};
  }
  const auto [it, is_new] = seen_.try_emplace(source, Seen{now, 0, 0});
  Seen& seen = it->second;
  unsigned left_out = 0;
  if (seen.since + kWindow <= now) {
    left_out = seen.left_out;
    seen = {now, 0, 0};
  }
  if (seen.lines >= kBurst) {
    ++seen.left_out;
    return {};
  }
  ++seen.lines;
  return {true, left_out};
}

void Log::warn(std::uint32_t uid, std::string_view text) {
  const auto pass = limit_.pass(uid, std::chrono::steady_clock::now());
  if (!pass.print) return;
  const int size = static_cast<int>(text.size());
  if (pass.left_out > 0) {
    sd_journal_print(LOG_WARNING, "gate: uid %u: %.*s (%u lines of this uid left out before)", uid, size, text.data(),
                     pass.left_out);
  } else {
    sd_journal_print(LOG_WARNING, "gate: uid %u: %.*s", uid, size, text.data());
  }
}

}  // namespace jit::gate
