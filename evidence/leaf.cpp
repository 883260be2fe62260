// SPDX-License-Identifier: Apache-2.0
#include "evidence/leaf.h"

#include <algorithm>
#include <stdexcept>

#include "evidence/privacy.h"
#include "evidence/sha256.h"
#include "evidence/text.h"

namespace jit::evidence {
namespace {

constexpr std::int64_t kLeafNumberMax = std::int64_t{1} << 53U;
constexpr std::size_t kSaltBytes = 16;
constexpr int kDeepestValue = 5;  // so that a leaf, and the line of an export that holds a value, is not nested too deep

bool plain(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7f; });
}

// What a canonical document can hold as it is.
bool fits(const Json& value, int depth) {
  switch (value.type()) {
    case Json::value_t::null:
    case Json::value_t::boolean:
    case Json::value_t::number_integer:
    case Json::value_t::number_unsigned: return true;
    case Json::value_t::string: return plain(value.get_ref<const std::string&>());
    case Json::value_t::array:
      return depth < kDeepestValue && std::ranges::all_of(value, [&](const Json& each) { return fits(each, depth + 1); });
    case Json::value_t::object:
      if (depth >= kDeepestValue) return false;
      for (auto it = value.begin(); it != value.end(); ++it) {
        if (!plain(it.key()) || !fits(it.value(), depth + 1)) return false;
      }
      return true;
    case Json::value_t::number_float:
    case Json::value_t::binary:
    case Json::value_t::discarded: break;
  }
  return false;
}

// A fact may be a fraction: such a value stands as its text.
Json fitted(const Json& value) {
  if (fits(value, 0)) return value;
  if (value.is_string()) return escape(value.get_ref<const std::string&>());
  return value.dump(-1, ' ', true, Json::error_handler_t::replace);
}

std::string quoted(const std::string& text) { return Json(plain(text) ? text : escape(text)).dump(); }
std::string quoted_or_null(const std::string& hex) { return hex.empty() ? "null" : quoted(hex); }

void add_member(std::string& object, std::string_view name, std::string_view value) {
  if (object.back() != '{') object += ',';
  object.append("\"").append(name).append("\":").append(value);
}

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

std::string committed(std::span<const std::uint8_t> salt, std::string_view value) { return hex(sha256({text_of(salt), value})); }

}  // namespace

bool is_public(std::string_view type, std::string_view field) { return privacy_of(type, field) == Privacy::kPublic; }

std::string commitment(std::span<const std::uint8_t> salt, const Json& value) { return committed(salt, value.dump()); }

Leaf leaf_of(const Entry& entry, const Salt& salt) {
  Leaf out;
  std::string fields = "{";
  std::string personal = "{";
  // Json keeps the names sorted.
  for (auto it = entry.fields.begin(); it != entry.fields.end(); ++it) {
    const std::string& name = it.key();
    if (!plain(name) || name.find_first_of("\"\\") != std::string::npos) throw std::invalid_argument("a field of the log has a name that cannot be written");
    Json value = fitted(it.value());
    const std::string text = value.dump();
    if (is_public(entry.type, name)) {
      add_member(fields, name, text);
      continue;
    }
    const auto fresh = salt();
    add_member(personal, name, "\"" + committed(fresh, text) + "\"");
    out.personal.emplace(name, Json{{"salt", hex(fresh)}, {"value", std::move(value)}});
  }
  // By hand, since a leaf is made for each entry and its parts are sorted already.
  out.text = "{\"boot\":" + quoted(entry.boot_id) + ",\"boottime\":" + std::to_string(entry.boottime_ms) + ",\"fields\":" + fields +
             "},\"grant\":" + quoted_or_null(entry.grant) + ",\"personal\":" + personal + "},\"request\":" + quoted_or_null(entry.request) +
             ",\"sequence\":" + std::to_string(entry.sequence) + ",\"time\":" + std::to_string(entry.wall_ms) + ",\"type\":" + quoted(entry.type) + ",\"v\":1}";
  if (out.text.size() > kLeafMax) throw std::length_error("an entry of the log is too long");
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
  out.entry.fields = fields;
  std::size_t used = 0;
  for (auto it = hidden.begin(); it != hidden.end(); ++it) {
    if (!is_commitment(it.value()) || fields.contains(it.key())) return std::nullopt;
    const auto known = personal.find(it.key());
    if (known == personal.end()) {
      out.erased.push_back(it.key());
      continue;
    }
    Members one(known->second);
    const auto salt = salt_of(one.text("salt", kSaltBytes * 2));
    if (!salt || !one.has("value") || known->second.size() != 2) return std::nullopt;
    const Json& value = known->second.at("value");
    if (!fits(value, 0) || commitment(*salt, value) != it->get_ref<const std::string&>()) return std::nullopt;
    out.entry.fields[it.key()] = value;
    ++used;
  }
  if (used != personal.size()) return std::nullopt;  // one that the leaf does not know
  return out;
}

}  // namespace jit::evidence
