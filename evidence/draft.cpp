// SPDX-License-Identifier: Apache-2.0
#include "evidence/draft.h"

#include <algorithm>
#include <span>
#include <stdexcept>

#include "evidence/sha256.h"
#include "evidence/text.h"

namespace jit::evidence {
namespace {

constexpr int kDeepestValue = 5;  // so that a leaf, and the line of an export that holds a value, is not nested too deep

bool is_plain(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7f; });
}

bool is_special(char c) { return c == '"' || c == '\\'; }

// It stands between quotes as it is.
bool is_literal(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7f && !is_special(c); });
}

// What a canonical document can hold as it is.
bool holds(const Json& value, int depth) {
  switch (value.type()) {
    case Json::value_t::null:
    case Json::value_t::boolean:
    case Json::value_t::number_integer:
    case Json::value_t::number_unsigned: return true;
    case Json::value_t::string: return is_plain(value.get_ref<const std::string&>());
    case Json::value_t::array:
      return depth < kDeepestValue && std::ranges::all_of(value, [&](const Json& each) { return holds(each, depth + 1); });
    case Json::value_t::object:
      if (depth >= kDeepestValue) return false;
      for (auto it = value.begin(); it != value.end(); ++it) {
        if (!is_plain(it.key()) || !holds(it.value(), depth + 1)) return false;
      }
      return true;
    case Json::value_t::number_float:
    case Json::value_t::binary:
    case Json::value_t::discarded: break;
  }
  return false;
}

// Walks over text that is what dump() writes of a value that a leaf can hold. It says no sooner than needed (a name with an escape in
// it, a number of more than 18 digits): such text is parsed.
class Walk {
 public:
  explicit Walk(std::string_view text) : text_(text) {}

  bool value(int depth) {
    switch (next()) {
      case '"': return string();
      case '{': return depth < kDeepestValue && object(depth);
      case '[': return depth < kDeepestValue && array(depth);
      case 't': return word("true");
      case 'f': return word("false");
      case 'n': return word("null");
      default: return number();
    }
  }
  // "name": with names that rise; the name, or nothing.
  std::optional<std::string_view> name(std::string_view before) {
    const std::size_t begin = at_ + 1;
    if (next() != '"' || !string() || !take(':')) return std::nullopt;
    const std::string_view out = text_.substr(begin, at_ - begin - 2);
    if (out.find('\\') != std::string_view::npos || (!before.empty() && out <= before) || out.empty()) return std::nullopt;
    return out;
  }
  bool take(char c) {
    if (next() != c) return false;
    ++at_;
    return true;
  }
  std::size_t at() const { return at_; }
  bool done() const { return at_ == text_.size(); }

 private:
  char next() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool word(std::string_view all) {
    if (!text_.substr(at_).starts_with(all)) return false;
    at_ += all.size();
    return true;
  }
  bool string() {
    for (++at_; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '"') {
        ++at_;
        return true;
      }
      if (c < 0x20 || c >= 0x7f) return false;
      if (c != '\\') continue;
      ++at_;
      if (next() != '"' && next() != '\\') return false;
    }
    return false;
  }
  bool number() {
    const bool minus = next() == '-';
    if (minus) ++at_;
    const std::size_t begin = at_;
    while (next() >= '0' && next() <= '9') ++at_;
    const std::size_t digits = at_ - begin;
    return digits > 0 && digits <= 18 && (text_[begin] != '0' || (digits == 1 && !minus)) && next() != '.' && next() != 'e' && next() != 'E';
  }
  bool array(int depth) {
    ++at_;
    if (take(']')) return true;
    do {
      if (!value(depth + 1)) return false;
    } while (take(','));
    return take(']');
  }
  bool object(int depth) {
    ++at_;
    if (take('}')) return true;
    std::string_view before;
    do {
      const auto name = this->name(before);
      if (!name || !value(depth + 1)) return false;
      before = *name;
    } while (take(','));
    return take('}');
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

// The members as they stand there. False: it must be parsed.
bool as_they_stand(std::string_view object, std::vector<Member>& out) {
  Walk walk(object);
  if (!walk.take('{')) return false;
  if (walk.take('}')) return walk.done();
  out.reserve(16);
  std::string_view before;
  do {
    const auto name = walk.name(before);
    const std::size_t begin = walk.at();
    if (!name || !walk.value(0)) return false;
    out.push_back({*name, object.substr(begin, walk.at() - begin)});
    before = *name;
  } while (walk.take(','));
  return walk.take('}') && walk.done();
}

// A fact may be a fraction: such a value stands as its text.
Json fitted(const Json& value) {
  if (is_fit(value)) return value;
  if (value.is_string()) return escape(value.get_ref<const std::string&>());
  return value.dump(-1, ' ', true, Json::error_handler_t::replace);
}

void add_quoted(std::string& to, std::string_view plain) {
  to += '"';
  for (const char c : plain) {
    if (is_special(c)) to += '\\';
    to += c;
  }
  to += '"';
}

void add_name(std::string& to, std::string_view name) {
  if (to.back() != '{') to += ',';
  to.append(1, '"').append(name).append("\":");
}

void add_hex(std::string& to, std::span<const std::uint8_t> bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::size_t at = to.size();
  to.resize(at + 2 * bytes.size());
  for (const std::uint8_t byte : bytes) {
    to[at++] = kDigits[byte >> 4U];
    to[at++] = kDigits[byte & 0x0fU];
  }
}

void add_or_null(std::string& to, const std::string& text) {
  if (text.empty()) {
    to += "null";
  } else {
    to += quote(text);
  }
}

}  // namespace

bool is_fit(const Json& value) { return holds(value, 0); }

Fields Fields::of(const Json& object) {
  Fields out;
  // Json keeps the names sorted.
  for (auto it = object.begin(); it != object.end(); ++it) out.all_.push_back({out.keep(it.key()), out.keep(fitted(it.value()).dump())});
  return out;
}

std::optional<Fields> Fields::of(std::string_view object) {
  Fields out;
  if (as_they_stand(object, out.all_)) return out;
  const Json whole = Json::parse(object.begin(), object.end(), nullptr, false);
  return whole.is_object() ? std::optional(of(whole)) : std::nullopt;
}

const Member* Fields::find(std::string_view name) const {
  const auto at = std::ranges::find(all_, name, &Member::name);
  return at != all_.end() ? &*at : nullptr;
}

void Fields::put(std::string_view name, std::string value) {
  const auto at = std::ranges::lower_bound(all_, name, {}, &Member::name);
  if (at != all_.end() && at->name == name) {
    at->value = keep(std::move(value));
  } else {
    all_.insert(at, {name, keep(std::move(value))});
  }
}

std::string quote(std::string_view text) {
  std::string out;
  if (is_literal(text)) {
    out.reserve(text.size() + 2);
    out.append(1, '"').append(text).append(1, '"');
  } else {
    add_quoted(out, is_plain(text) ? text : escape(text));
  }
  return out;
}

std::string Draft::text(std::uint64_t sequence) const {
  const std::string digits = std::to_string(sequence);
  std::string out;
  out.reserve(before.size() + digits.size() + after.size());
  out.append(before).append(digits).append(after);
  if (out.size() > kLeafMax) throw std::length_error("an entry of the log is too long");
  return out;
}

Draft draft_of(const Entry& entry, const Fields& fields, const Salt& salt, const Hide& hide) {
  Draft out;
  std::string& text = out.before;
  std::string personal;
  personal.reserve(512);
  std::size_t size = 256;
  for (const Member& member : fields.all()) size += member.name.size() + member.value.size() + 4;
  text.reserve(size + 512);
  // By hand, since a leaf is made for each entry and its parts are sorted already.
  text.append("{\"boot\":").append(quote(entry.boot_id)).append(",\"boottime\":").append(std::to_string(entry.boottime_ms)).append(",\"fields\":{");
  std::string hidden;
  for (const Member& member : fields.all()) {
    if (!is_literal(member.name)) throw std::invalid_argument("a field of the log has a name that cannot be written");
    if (is_public(entry.type, member.name)) {
      add_name(text, member.name);
      text += member.value;
      continue;
    }
    const auto fresh = salt();
    personal.append(personal.empty() ? "\"" : ",\"").append(member.name).append("\":\"");
    add_hex(personal, sha256({text_of(fresh), member.value}));
    personal += '"';
    hidden = "{\"salt\":\"";
    add_hex(hidden, fresh);
    hidden.append("\",\"value\":").append(member.value).append("}");
    hide(member.name, hidden);
  }
  text += "},\"grant\":";
  add_or_null(text, entry.grant);
  text.append(",\"personal\":{").append(personal).append("},\"request\":");
  add_or_null(text, entry.request);
  text += ",\"sequence\":";
  out.after.reserve(128);
  out.after.append(",\"time\":").append(std::to_string(entry.wall_ms)).append(",\"type\":").append(quote(entry.type)).append(",\"v\":1}");
  return out;
}

}  // namespace jit::evidence
