// SPDX-License-Identifier: Apache-2.0
#include "policy/principal.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>
#include <vector>

#include "policy/suggest.h"

namespace jit::policy {
namespace {

constexpr std::array<std::pair<std::string_view, Principal::Kind>, 4> kKinds{{
    {"user", Principal::Kind::kUser},
    {"group", Principal::Kind::kGroup},
    {"set", Principal::Kind::kSet},
    {"person", Principal::Kind::kPerson},
}};

bool digit(char c) { return c >= '0' && c <= '9'; }

// "0x0", "1e9", "12": what some tool would read as a number.
bool like_number(std::string_view name) {
  if (!digit(name.front())) return false;
  if (name.starts_with("0x") || name.starts_with("0X")) return true;
  const auto end = std::ranges::find_if_not(name, digit);
  if (end == name.end()) return true;
  return (*end == 'e' || *end == 'E') && std::all_of(end + 1, name.end(), digit);
}

std::optional<std::uint32_t> parse_uid(std::string_view text) {
  std::uint32_t uid = 0;
  if (text.size() > 1 && text.front() == '0') return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), uid);
  if (error != std::errc() || end != text.data() + text.size() || uid == kNoUid) return std::nullopt;
  return uid;
}

ParsedPrincipal no(std::string why) { return {std::nullopt, std::move(why)}; }

}  // namespace

std::string Principal::text() const {
  for (const auto& [word, k] : kKinds) {
    if (k == kind) return std::string(word) + ':' + name + (prefix ? "*" : "");
  }
  return {};
}

bool valid_object_name(std::string_view name) {
  const auto letter = [](char c) { return digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  if (name.empty() || name.size() > 64 || !letter(name.front())) return false;
  return std::ranges::all_of(name, [&](char c) { return letter(c) || c == '_' || c == '-'; });
}

bool valid_account_name(std::string_view name) {
  if (name.empty() || name.size() > 256 || like_number(name)) return false;
  if (std::string_view("-+~#% ").find(name.front()) != std::string_view::npos || name.back() == ' ') return false;
  return std::ranges::none_of(name, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f || std::string_view(":/,*\"").find(c) != std::string_view::npos;
  });
}

ParsedPrincipal parse_principal(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) {
    const std::string name(text);
    return no("`" + name + "` does not say its kind; write user:" + name + ", group:" + name + ", set:" + name +
              " or person:" + name);
  }
  const std::string_view word = text.substr(0, colon);
  const auto kind = std::ranges::find(kKinds, word, &std::pair<std::string_view, Principal::Kind>::first);
  if (kind == kKinds.end()) {
    std::vector<std::string_view> words;
    words.reserve(kKinds.size());
    for (const auto& entry : kKinds) words.push_back(entry.first);
    return no("`" + std::string(word) + ":` is no kind that fits here (user:, group:, set:, person:)" +
              did_you_mean(word, words));
  }

  Principal out{kind->second, std::string(text.substr(colon + 1)), false, kNoUid};
  const std::string quoted = '`' + std::string(text) + '`';
  if (out.kind == Principal::Kind::kSet) {
    if (!valid_object_name(out.name)) return no(quoted + " is no name of a set (letters, digits, - and _)");
    return {out, {}};
  }
  if (out.name.ends_with('*')) {
    out.prefix = true;
    out.name.pop_back();
    if (out.name.empty()) return {out, {}};
  }
  const bool number = !out.name.empty() && std::ranges::all_of(out.name, digit);
  if (number && out.kind != Principal::Kind::kPerson && !out.prefix) {
    // A group without a name is known by its number; a user may be named by his.
    const auto id = parse_uid(out.name);
    if (!id) return no(quoted + " is no id; ids go from 0 to 4294967294, without leading zeros");
    if (out.kind == Principal::Kind::kUser) out.uid = *id;
    return {out, {}};
  }
  if (!valid_account_name(out.name)) {
    return no(quoted + " is no valid name (* may stand at its end only; no number, no leading -, no : / , or blank around it)");
  }
  return {out, {}};
}

}  // namespace jit::policy
