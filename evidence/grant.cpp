// SPDX-License-Identifier: Apache-2.0
#include "evidence/grant.h"

#include <algorithm>

#include "evidence/canonical.h"
#include "evidence/text.h"

namespace jit::evidence {
namespace {

constexpr std::int64_t kGrantTimeMax = std::int64_t{1} << 53U;

bool is_digest(const Json& json) {
  return json.is_string() && json.get_ref<const std::string&>().size() == 64 &&
         json.get_ref<const std::string&>().find_first_not_of("0123456789abcdef") == std::string::npos;
}

Json hex_or_null(const std::string& hex) { return hex.empty() ? Json(nullptr) : Json(hex); }

}  // namespace

std::string payload_of(const Grant& grant) {
  Json out{{"boot", grant.boot_id},
              {"claim_until_ms", grant.claim_until_ms},
              {"created_ms", grant.created_ms},
              {"door", grant.door},
              {"epoch", grant.epoch},
              {"host", grant.host_id},
              {"id", grant.id},
              {"lifetime_s", grant.lifetime_s},
              {"max_s", grant.max_s},
              {"not_before_ms", grant.not_before_ms},
              {"policy", grant.policy_hash},
              {"request", hex_or_null(grant.request)},
              {"request_digest", hex_or_null(grant.request_digest)},
              {"rule", escape(grant.rule)},
              {"scope", grant.scope},
              {"subject", {{"name", escape(grant.subject)}, {"person", escape(grant.person)}, {"uid", grant.subject_uid}}},
              {"target", {{"name", escape(grant.target)}, {"uid", grant.target_uid}}},
              {"votes", grant.votes}};
  if (grant.head) out["head"] = hex_or_null(*grant.head);
  return out.dump();
}

std::optional<Grant> read_grant(std::string_view payload) {
  const auto whole = parse_canonical(payload, kGrantMax);
  if (!whole) return std::nullopt;
  Members members(*whole);
  const auto text = [](Members& from, const char* name) {
    const auto plain = unescape(from.text(name, 2048));
    if (!plain) from.fail();
    return plain.value_or(std::string());
  };
  const auto count = [](Members& from, const char* name) { return static_cast<std::uint32_t>(from.number(name, 0, 4294967295)); };
  const auto hex_or = [&](const char* name, std::size_t bytes) { return members.text_or_null(name, bytes * 2).value_or(""); };
  Grant out;
  out.id = members.hex("id", 16);
  out.request = hex_or("request", 16);
  out.request_digest = hex_or("request_digest", 32);
  out.host_id = members.hex("host", 16);
  out.boot_id = members.text("boot", 64);
  out.epoch = members.number("epoch", 1, kGrantTimeMax);
  out.rule = text(members, "rule");
  out.policy_hash = members.text("policy", 64);
  out.door = members.text("door", 16);
  out.scope = members.text("scope", 16);
  if (members.has("head")) out.head = members.text_or_null("head", 128).value_or("");
  Members subject(members.object("subject"));
  out.subject = text(subject, "name");
  out.person = text(subject, "person");
  out.subject_uid = count(subject, "uid");
  Members target(members.object("target"));
  out.target = text(target, "name");
  out.target_uid = count(target, "uid");
  out.lifetime_s = count(members, "lifetime_s");
  out.max_s = count(members, "max_s");
  for (const auto& [name, field] : {std::pair("created_ms", &out.created_ms), {"claim_until_ms", &out.claim_until_ms}, {"not_before_ms", &out.not_before_ms}}) {
    *field = members.number(name, -kGrantTimeMax, kGrantTimeMax);
  }
  for (const Json& each : members.array("votes", 256)) {
    if (!is_digest(each)) return std::nullopt;
    out.votes.push_back(each.get<std::string>());
  }
  const bool sizes = (out.request.empty() || out.request.size() == 32) && (out.request_digest.empty() || out.request_digest.size() == 64);
  if (!sizes || !std::ranges::is_sorted(out.votes) || !subject.done() || !target.done() || !members.done()) return std::nullopt;
  if (payload_of(out) != payload) return std::nullopt;
  return out;
}

}  // namespace jit::evidence
