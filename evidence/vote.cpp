// SPDX-License-Identifier: Apache-2.0
#include "evidence/vote.h"

#include "evidence/canonical.h"
#include "evidence/text.h"

namespace jit::evidence {
namespace {

constexpr std::int64_t kVoteTimeMax = std::int64_t{1} << 53U;
constexpr std::int64_t kSecondsMax = 4294967295;

Json seconds_of(const std::optional<std::uint32_t>& seconds) { return seconds ? Json(*seconds) : Json(nullptr); }

std::optional<std::uint32_t> seconds(Members& members, const char* name) {
  const auto value = members.number_or_null(name, 1, kSecondsMax);
  return value ? std::optional(static_cast<std::uint32_t>(*value)) : std::nullopt;
}

}  // namespace

std::string payload_of(const Vote& vote) {
  return Json{{"block_s", seconds_of(vote.block_s)},
              {"boot", vote.boot_id},
              {"decision", vote.approve ? "approve" : "deny"},
              {"digest", vote.digest},
              {"duration_s", seconds_of(vote.duration_s)},
              {"host", vote.host_id},
              {"key", escape(vote.key_id)},
              {"person", escape(vote.person)},
              {"reason", escape(vote.reason)},
              {"request", vote.request},
              {"scope", vote.scope},
              {"time_ms", vote.time_ms},
              {"typed", vote.typed}}
      .dump();
}

std::optional<Vote> read_vote(std::string_view payload) {
  const auto whole = parse_canonical(payload, kVoteMax);
  if (!whole) return std::nullopt;
  Members members(*whole);
  const auto text = [&](const char* name, std::size_t max) {
    const auto plain = unescape(members.text(name, max * 8));
    if (!plain || plain->size() > max) members.fail();
    return plain.value_or(std::string());
  };
  Vote out;
  out.digest = members.hex("digest", 32);
  out.request = members.hex("request", 16);
  out.host_id = members.hex("host", 16);
  out.boot_id = members.text("boot", 64);
  const std::string decision = members.text("decision", 8);
  if (decision != "approve" && decision != "deny") members.fail();
  out.approve = decision == "approve";
  out.duration_s = seconds(members, "duration_s");
  out.scope = members.text("scope", 16);
  out.block_s = seconds(members, "block_s");
  out.reason = text("reason", kVoteReasonMax);
  out.person = text("person", 256);
  out.key_id = text("key", 256);
  out.typed = members.text("typed", 32);
  out.time_ms = members.number("time_ms", -kVoteTimeMax, kVoteTimeMax);
  if (!members.done() || payload_of(out) != payload) return std::nullopt;
  return out;
}

}  // namespace jit::evidence
