// SPDX-License-Identifier: Apache-2.0
#include "evidence/checkpoint.h"

#include "evidence/canonical.h"

namespace jit::evidence {
namespace {

constexpr std::size_t kCheckpointMax = 4096;  // bytes of a payload
constexpr std::int64_t kCheckpointNumberMax = std::int64_t{1} << 53U;

}  // namespace

std::string payload_of(const Checkpoint& checkpoint) {
  return Json{{"boot", checkpoint.boot_id},
              {"boottime", checkpoint.boottime_ms},
              {"epoch", checkpoint.epoch},
              {"host", checkpoint.host_id},
              {"people", checkpoint.people_version},
              {"policy", checkpoint.policy_hash},
              {"root", to_hex(checkpoint.root)},
              {"size", checkpoint.size},
              {"time", checkpoint.wall_ms}}
      .dump();
}

std::optional<Checkpoint> read_checkpoint(std::string_view payload) {
  const auto whole = parse_canonical(payload, kCheckpointMax);
  if (!whole) return std::nullopt;
  Members members(*whole);
  Checkpoint out;
  out.boot_id = members.text("boot", 64);
  out.boottime_ms = members.number("boottime", 0, kCheckpointNumberMax);
  out.epoch = members.number("epoch", 1, kCheckpointNumberMax);
  out.host_id = members.hex("host", 16);
  out.people_version = members.number("people", 0, kCheckpointNumberMax);
  out.policy_hash = members.text("policy", 64);
  const auto root = hash_from_hex(members.hex("root", 32));
  out.size = static_cast<std::uint64_t>(members.number("size", 0, kCheckpointNumberMax));
  out.wall_ms = members.number("time", -kCheckpointNumberMax, kCheckpointNumberMax);
  if (!members.done() || !root) return std::nullopt;
  out.root = *root;
  return out;
}

}  // namespace jit::evidence
