// SPDX-License-Identifier: Apache-2.0
#include "evidence/canonical.h"

#include <algorithm>

namespace jit::evidence {
namespace {

constexpr int kDeepest = 8;
constexpr int kForeignDeepest = 64;

bool printable(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7f; });
}

const Json& nothing() {
  static const Json none;
  return none;
}

const Json& empty_array() {
  static const Json none = Json::array();
  return none;
}

bool is_hex(std::string_view text, std::size_t digits) {
  return text.size() == digits && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

std::optional<Json> parse_canonical(std::string_view text, std::size_t max) {
  if (text.empty() || text.size() > max || text.front() != '{' || !printable(text)) return std::nullopt;
  bool deep = false;
  bool fraction = false;
  // Looked at while it is read: depth must not cost stack, and a number with a fraction may print as one without.
  const Json::parser_callback_t look = [&](int depth, Json::parse_event_t event, Json& value) {
    if (depth > kDeepest) deep = true;
    if (event == Json::parse_event_t::value && value.is_number_float()) fraction = true;
    return !deep;
  };
  Json out = Json::parse(text.begin(), text.end(), look, false);
  if (deep || fraction || !out.is_object()) return std::nullopt;
  if (out.dump() != text) return std::nullopt;
  return out;
}

Json parse_foreign(std::string_view text) {
  bool deep = false;
  const Json::parser_callback_t look = [&](int depth, Json::parse_event_t, Json&) {
    if (depth > kForeignDeepest) deep = true;
    return !deep;
  };
  Json out = Json::parse(text.begin(), text.end(), look, false);
  return deep ? Json(Json::value_t::discarded) : out;
}

const Json& Members::take(const char* name) {
  if (!good_) return nothing();
  const auto found = object_.find(name);
  if (found == object_.end()) {
    good_ = false;
    return nothing();
  }
  ++taken_;
  return *found;
}

bool Members::has(const char* name) const { return object_.is_object() && object_.contains(name); }

std::string Members::text(const char* name, std::size_t max) {
  const Json& value = take(name);
  if (!value.is_string() || value.get_ref<const std::string&>().size() > max) {
    good_ = false;
    return {};
  }
  return value.get<std::string>();
}

std::optional<std::string> Members::text_or_null(const char* name, std::size_t max) {
  if (good_ && object_.contains(name) && object_.at(name).is_null()) {
    ++taken_;
    return std::nullopt;
  }
  return text(name, max);
}

std::string Members::hex(const char* name, std::size_t bytes) {
  std::string value = text(name, bytes * 2);
  if (!is_hex(value, bytes * 2)) good_ = false;
  return value;
}

Bytes Members::base64(const char* name, std::size_t max) {
  const auto value = from_base64(text(name, (max + 2) / 3 * 4));
  if (!value || value->size() > max) {
    good_ = false;
    return {};
  }
  return *value;
}

std::int64_t Members::number(const char* name, std::int64_t least, std::int64_t most) {
  const Json& value = take(name);
  const bool fits = value.is_number_integer() && !(value.is_number_unsigned() && value.get<std::uint64_t>() > std::uint64_t{INT64_MAX}) &&
                    value.get<std::int64_t>() >= least && value.get<std::int64_t>() <= most;
  if (!fits) {
    good_ = false;
    return least;
  }
  return value.get<std::int64_t>();
}

std::optional<std::int64_t> Members::number_or_null(const char* name, std::int64_t least, std::int64_t most) {
  if (good_ && object_.contains(name) && object_.at(name).is_null()) {
    ++taken_;
    return std::nullopt;
  }
  return number(name, least, most);
}

bool Members::boolean(const char* name) {
  const Json& value = take(name);
  if (!value.is_boolean()) {
    good_ = false;
    return false;
  }
  return value.get<bool>();
}

const Json& Members::array(const char* name, std::size_t most) {
  const Json& value = take(name);
  if (!value.is_array() || value.size() > most) {
    good_ = false;
    return empty_array();
  }
  return value;
}

const Json& Members::object(const char* name) {
  const Json& value = take(name);
  if (!value.is_object()) good_ = false;
  return value;
}

}  // namespace jit::evidence
