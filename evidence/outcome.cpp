// SPDX-License-Identifier: Apache-2.0
#include "evidence/outcome.h"

#include "evidence/canonical.h"
#include "evidence/text.h"

namespace jit::evidence {
namespace {

constexpr std::int64_t kOutcomeTimeMax = std::int64_t{1} << 53U;
constexpr std::size_t kOutcomeTextMax = 6 * 1024;  // a reason of 1,024 bytes, every one of them escaped

bool is_outcome(std::string_view state) {
  return state == "approved" || state == "denied" || state == "expired" || state == "cancelled";
}

}  // namespace

std::string payload_of(const Outcome& outcome) {
  return Json{{"by", escape(outcome.by)},
              {"digest", outcome.digest},
              {"ended_ms", outcome.ended_ms},
              {"host", outcome.host_id},
              {"request", outcome.request},
              {"state", outcome.state},
              {"why", escape(outcome.why)}}
      .dump();
}

std::optional<Outcome> read_outcome(std::string_view payload) {
  const auto whole = parse_canonical(payload, kOutcomeMax);
  if (!whole) return std::nullopt;
  Members members(*whole);
  Outcome out;
  const auto by = unescape(members.text("by", kOutcomeTextMax));
  const auto why = unescape(members.text("why", kOutcomeTextMax));
  out.digest = members.hex("digest", 32);
  out.ended_ms = members.number("ended_ms", 0, kOutcomeTimeMax);
  out.host_id = members.hex("host", 16);
  out.request = members.hex("request", 16);
  out.state = members.text("state", 16);
  if (!members.done() || !by || !why || !is_outcome(out.state)) return std::nullopt;
  out.by = *by;
  out.why = *why;
  if (payload_of(out) != payload) return std::nullopt;
  return out;
}

}  // namespace jit::evidence
