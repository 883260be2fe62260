// SPDX-License-Identifier: Apache-2.0
#include "broker/core/facts.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "evidence/text.h"

namespace jit::core {

namespace {

constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint32_t kRiskSpan = 3600;  // seconds, of the denials on the card

bool is_type(const policy::Value& value, policy::FactRule::Type type) {
  using Type = policy::FactRule::Type;
  switch (type) {
    case Type::kBool: return std::holds_alternative<bool>(value);
    case Type::kInt: return std::holds_alternative<std::int64_t>(value);
    case Type::kFloat: return std::holds_alternative<double>(value);
    case Type::kString: return std::holds_alternative<std::string>(value);
  }
  return false;
}

}  // namespace

std::string_view name_of(policy::FactRule::Type type) {
  using Type = policy::FactRule::Type;
  switch (type) {
    case Type::kBool: return "bool";
    case Type::kInt: return "int";
    case Type::kFloat: return "float";
    case Type::kString: return "string";
  }
  return "";
}

std::string unfit(const policy::FactRule& rule, const policy::Value& value) {
  if (!is_type(value, rule.type)) return "the fact " + rule.name + " is of type " + std::string(name_of(rule.type));
  if (const auto* number = std::get_if<double>(&value); number != nullptr && !std::isfinite(*number)) {
    return "the value is not a finite number";
  }
  const auto* text = std::get_if<std::string>(&value);
  if (text == nullptr) return {};
  if (text->size() > kFactTextMax) return "the value is longer than " + std::to_string(kFactTextMax) + " bytes";
  if (!evidence::valid_utf8(*text)) return "the value is not UTF-8";
  const bool control = std::ranges::any_of(*text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  return control ? "the value holds a control character" : "";
}

void FactTable::declare(std::span<const policy::FactRule> rules) {
  rules_.assign(rules.begin(), rules.end());
  std::ranges::sort(rules_, {}, &policy::FactRule::name);
}

const policy::FactRule* FactTable::rule(std::string_view name) const {
  const auto it = std::ranges::lower_bound(rules_, name, std::less<>(), &policy::FactRule::name);
  return it == rules_.end() || it->name != name ? nullptr : &*it;
}

void FactTable::put(Fact fact, std::string_view boot_id, BootMs now, WallMs wall) {
  Held held;
  held.other_boot = fact.boot_id != boot_id;
  held.as_if_set = held.other_boot ? now - std::max<WallMs>(0, wall - fact.set_wall) : fact.set;
  held.lost = held.other_boot && wall < fact.set_wall;
  held.reading.value = fact.value;
  held.fact = std::move(fact);
  const std::string name = held.fact.name;
  set_.insert_or_assign(name, std::move(held));
}

void FactTable::clear(std::string_view name) {
  if (const auto it = set_.find(name); it != set_.end()) set_.erase(it);
}

const Fact* FactTable::set(std::string_view name) const {
  const auto it = set_.find(name);
  return it == set_.end() ? nullptr : &it->second.fact;
}

std::optional<std::int64_t> FactTable::age(const Held& held, BootMs now, WallMs wall) const {
  if (held.lost) return std::nullopt;
  const std::int64_t age = std::max<std::int64_t>(0, now - held.as_if_set);
  if (!held.other_boot) return age;
  if (wall < held.fact.set_wall) return std::nullopt;
  return std::max(age, wall - held.fact.set_wall);
}

std::optional<std::int64_t> FactTable::age(std::string_view name, BootMs now, WallMs wall) const {
  const auto it = set_.find(name);
  return it == set_.end() ? std::nullopt : age(it->second, now, wall);
}

std::optional<std::uint64_t> FactTable::limit_s(const Held& held) const {
  const policy::FactRule* declared = rule(held.fact.name);
  std::uint64_t limit = held.fact.for_s.value_or(kNever);
  if (declared != nullptr && declared->fresh_s) limit = std::min<std::uint64_t>(limit, *declared->fresh_s);
  return limit == kNever ? std::nullopt : std::optional(limit);
}

void FactTable::refresh(BootMs now, WallMs wall) {
  for (auto& [name, held] : set_) {
    const auto old = age(held, now, wall);
    // One whose age nobody knows stays set, and is unknown: as "never set" it would have its initial value.
    held.reading.age_s = old ? static_cast<std::uint64_t>(*old / 1000) : kNever;
    held.reading.for_s = held.fact.for_s;
    if (!old) held.reading.for_s = 0;
  }
}

const policy::Reading* FactTable::find(std::string_view name) const {
  const auto it = set_.find(name);
  return it == set_.end() ? nullptr : &it->second.reading;
}

bool FactTable::known(std::string_view name, BootMs now, WallMs wall) const {
  const auto it = set_.find(name);
  const policy::FactRule* declared = rule(name);
  if (it == set_.end() || declared == nullptr || !is_type(it->second.fact.value, declared->type)) return false;
  const auto old = age(it->second, now, wall);
  const auto limit = limit_s(it->second);
  return old && (!limit || static_cast<std::uint64_t>(*old) / 1000 < *limit);
}

std::optional<BootMs> FactTable::next_end(BootMs now, WallMs wall) const {
  std::optional<BootMs> next;
  for (const auto& [name, held] : set_) {
    const auto limit = limit_s(held);
    const auto old = age(held, now, wall);
    if (!limit || !old || static_cast<std::uint64_t>(*old) / 1000 >= *limit) continue;
    const BootMs end = now - *old + static_cast<BootMs>(*limit) * 1000;
    next = std::min(next.value_or(end), end);
  }
  return next;
}

Evaluated::Evaluated(Senses& senses, const Scene& scene) : senses_(senses), scene_(scene) {
  senses.table.refresh(scene.now, scene.wall);
}

const policy::Reading* Evaluated::find(std::string_view name) const {
  if (senses_.table.rule(name) != nullptr) return senses_.table.find(name);
  const auto first = slots_.begin();
  const auto last = first + static_cast<std::ptrdiff_t>(used_);
  const auto seen = std::find_if(first, last, [&](const Slot& slot) { return std::string_view(slot.name.data(), slot.size) == name; });
  if (seen != last) return seen->known ? &seen->reading : nullptr;
  if (used_ == kSlots || name.size() > kNameMost) return nullptr;
  Slot& slot = slots_[used_++];
  std::ranges::copy(name, slot.name.begin());
  slot.size = name.size();
  slot.known = compute(name, slot.reading.value);
  return slot.known ? &slot.reading : nullptr;
}

namespace {

std::optional<std::int64_t> count(const Senses& senses, const Scene& scene, Deed deed, std::uint32_t span_s) {
  return senses.history.count(scene.person, deed, scene.now - BootMs{span_s} * 1000, scene.own_request, scene.own_grant);
}

std::optional<bool> first_seen(const Senses& senses, const Scene& scene) {
  switch (scene.from.kind) {
    case policy::Origin::Kind::kLocal: return false;
    case policy::Origin::Kind::kPeer: return !senses.networks.knows(scene.person, scene.from.peer);
    case policy::Origin::Kind::kUnknown: break;
  }
  return std::nullopt;
}

}  // namespace

Signs signs_of(const Senses& senses, const Scene& scene) {
  Signs signs;
  signs.first_target = !senses.history.has_target(scene.person, scene.target);
  signs.odd_hour = senses.history.odd_hour(scene.person, scene.starts);
  signs.far_reaching = far_reaching(scene.command);
  const bool elevates = scene.door == policy::Door::kSudo || scene.door == policy::Door::kSu;
  signs.unknown_command = elevates && !signs.far_reaching && (!scene.command.known || scene.command.path.empty());
  signs.first_seen = first_seen(senses, scene).value_or(false);
  signs.changeable = scene.changeable;
  // More denials than are remembered are many.
  const auto denials = count(senses, scene, Deed::kDenied, kRiskSpan).value_or(std::numeric_limits<std::int32_t>::max());
  signs.denials = static_cast<std::uint32_t>(std::min<std::int64_t>(denials, std::numeric_limits<std::int32_t>::max()));
  return signs;
}

bool Evaluated::compute(std::string_view name, policy::Value& out) const {
  const auto take = [&out](const auto& value) {
    if (value) out = *value;
    return value.has_value();
  };
  if (name == "from.first-seen") return take(first_seen(senses_, scene_));
  if (name == "load") {
    const auto load = senses_.load ? senses_.load() : std::nullopt;
    return take(load && std::isfinite(*load) ? load : std::nullopt);
  }
  if (name == "risk") {
    if (scene_.unseen) return false;
    out = risk_of(signs_of(senses_, scene_));
    return true;
  }
  constexpr std::array<std::pair<std::string_view, Deed>, 4> kCounts{{{"count.requests.", Deed::kRequest},
                                                                       {"count.denied.", Deed::kDenied},
                                                                       {"count.granted.", Deed::kGranted},
                                                                       {"count.break-glass.", Deed::kBreakGlass}}};
  for (const auto& [prefix, deed] : kCounts) {
    if (!name.starts_with(prefix)) continue;
    const auto span = policy::parse_duration(name.substr(prefix.size()));
    return span && take(count(senses_, scene_, deed, *span));
  }
  return false;
}

}  // namespace jit::core
