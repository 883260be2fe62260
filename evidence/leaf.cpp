// SPDX-License-Identifier: Apache-2.0
#include "evidence/leaf.h"

#include "evidence/draft.h"
#include "evidence/privacy.h"
#include "evidence/sha256.h"
#include "evidence/text.h"

namespace jit::evidence {
namespace {

constexpr std::int64_t kLeafNumberMax = std::int64_t{1} << 53U;
constexpr std::size_t kSaltBytes = 16;

std::optional<Bytes> salt_of(std::string_view digits) {
  if (digits.size() != kSaltBytes * 2) return std::nullopt;
  Bytes out;
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    const auto digit = [](char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; };
    const int high = digit(digits[i]);
    const int low = digit(digits[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out.push_back(static_cast<std::uint8_t>(high * 16 + low));
  }
  return out;
}

bool is_commitment(const Json& value) {
  return value.is_string() && value.get_ref<const std::string&>().size() == 64 &&
         value.get_ref<const std::string&>().find_first_not_of("0123456789abcdef") == std::string::npos;
}

bool all_fit(const Json& fields) {
  for (auto it = fields.begin(); it != fields.end(); ++it) {
    if (!is_fit(it.key()) || !is_fit(it.value())) return false;
  }
  return true;
}

}  // namespace

bool is_public(std::string_view type, std::string_view field) { return privacy_of(type, field) == Privacy::kPublic; }

std::string commitment(std::span<const std::uint8_t> salt, const Json& value) { return hex(sha256({text_of(salt), value.dump()})); }

Leaf leaf_of(const Entry& entry, const Salt& salt) {
  Leaf out;
  out.text = draft_of(entry, Fields::of(entry.fields), salt, [&out](std::string_view name, std::string_view value) {
               out.personal.emplace(name, Json::parse(value));
             }).text(entry.sequence);
  return out;
}

std::optional<Read> read_leaf(std::string_view text, const Personal& personal) {
  const auto whole = parse_canonical(text, kLeafMax);
  if (!whole) return std::nullopt;
  Members members(*whole);
  Read out;
  const auto id = [&](const char* name) { return whole->contains(name) && whole->at(name).is_null() ? members.text_or_null(name, 32).value_or("") : members.hex(name, 16); };
  out.entry.boot_id = members.text("boot", 64);
  out.entry.boottime_ms = members.number("boottime", 0, kLeafNumberMax);
  const Json& fields = members.object("fields");
  out.entry.grant = id("grant");
  const Json& hidden = members.object("personal");
  out.entry.request = id("request");
  out.entry.sequence = static_cast<std::uint64_t>(members.number("sequence", 1, kLeafNumberMax));
  out.entry.wall_ms = members.number("time", -kLeafNumberMax, kLeafNumberMax);
  out.entry.type = members.text("type", 64);
  if (members.number("v", 1, 1) != 1 || !members.done() || out.entry.type.empty()) return std::nullopt;
  // Escapes make it printable: what they stand for must be so, too.
  if (!is_fit(out.entry.boot_id) || !is_fit(out.entry.type) || !all_fit(fields)) return std::nullopt;
  out.entry.fields = fields;
  std::size_t used = 0;
  for (auto it = hidden.begin(); it != hidden.end(); ++it) {
    if (!is_fit(it.key()) || !is_commitment(it.value()) || fields.contains(it.key())) return std::nullopt;
    const auto known = personal.find(it.key());
    if (known == personal.end()) {
      out.erased.push_back(it.key());
      continue;
    }
    Members one(known->second);
    const auto salt = salt_of(one.text("salt", kSaltBytes * 2));
    if (!salt || !one.has("value") || known->second.size() != 2) return std::nullopt;
    const Json& value = known->second.at("value");
    if (!is_fit(value) || commitment(*salt, value) != it->get_ref<const std::string&>()) return std::nullopt;
    out.entry.fields[it.key()] = value;
    ++used;
  }
  if (used != personal.size()) return std::nullopt;  // one that the leaf does not know
  return out;
}

}  // namespace jit::evidence
