// SPDX-License-Identifier: Apache-2.0
#include "policy/facts.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include "policy/ticked.h"
#include "policy/suggest.h"

namespace jit::policy {
namespace {

using Type = FactRule::Type;

constexpr std::uint64_t kForever = std::numeric_limits<std::uint64_t>::max();

bool fits(const Value& value, Type type) {
  if (const double* decimal = std::get_if<double>(&value); decimal != nullptr && std::isnan(*decimal)) return false;
  return value.index() == static_cast<std::size_t>(type);  // both are bool, int, float, string
}

void take(Known& out, const Value& value) {
  std::visit([&](const auto& each) { out.value = each; }, value);
}

template <class T>
bool compare(FactTest::Op op, const T& left, const T& right) {
  switch (op) {
    case FactTest::Op::kEqual: return left == right;
    case FactTest::Op::kNotEqual: return left != right;
    case FactTest::Op::kLess: return left < right;
    case FactTest::Op::kAtMost: return left <= right;
    case FactTest::Op::kGreater: return left > right;
    case FactTest::Op::kAtLeast: return left >= right;
  }
  return false;
}

std::string ago(std::uint64_t seconds) {
  return format_duration(static_cast<std::uint32_t>(std::min<std::uint64_t>(seconds, std::numeric_limits<std::uint32_t>::max())));
}

}  // namespace

std::optional<Type> built_in(std::string_view name) {
  if (name == "from.first-seen") return Type::kBool;
  if (name == "load") return Type::kFloat;
  if (name == "urgency") return Type::kString;
  if (name == "risk") return Type::kInt;
  for (const std::string_view kind : {"count.requests.", "count.denied.", "count.granted.", "count.break-glass."}) {
    if (name.starts_with(kind) && parse_duration(name.substr(kind.size()))) return Type::kInt;
  }
  return std::nullopt;
}

std::string_view name_of(Type type) {
  constexpr std::array<std::string_view, 4> kNames{"bool", "int", "float", "string"};
  return kNames.at(static_cast<std::size_t>(type));
}

Known look_up(const FactTest& test, const Request& request) {
  Known out;
  if (test.declared == nullptr && test.name == "urgency") {
    out.value = request.urgency;
    return out;
  }
  const Reading* reading = request.facts == nullptr ? nullptr : request.facts->find(test.name);
  // Setting the initial value is clearing: it does not age.
  const bool cleared = reading != nullptr && test.declared != nullptr && test.declared->initial == reading->value;
  if (reading == nullptr || cleared) {
    if (test.declared != nullptr && test.declared->initial) {
      take(out, *test.declared->initial);
    } else {
      out.gap = Known::Gap::kNever;
    }
    return out;
  }
  const std::uint64_t vouched = reading->for_s.value_or(kForever);
  const std::uint64_t fresh = test.declared != nullptr && test.declared->fresh_s ? *test.declared->fresh_s : kForever;
  const std::uint64_t limit = std::min(vouched, fresh);
  const auto type = test.declared != nullptr ? std::optional(test.declared->type) : built_in(test.name);
  if (limit != kForever && reading->age_s >= limit) {
    out.gap = Known::Gap::kOld;
    out.age_s = reading->age_s;
    out.limit_s = limit;
    out.by_fresh = fresh == limit;
  } else if (!type || !fits(reading->value, *type)) {
    out.gap = Known::Gap::kType;
  } else {
    take(out, reading->value);
  }
  return out;
}

std::string literal(const Known& known) {
  if (const bool* flag = std::get_if<bool>(&known.value)) return *flag ? "true" : "false";
  if (const auto* number = std::get_if<std::int64_t>(&known.value)) return std::to_string(*number);
  if (const auto* text = std::get_if<std::string_view>(&known.value)) return '"' + std::string(*text) + '"';
  const double* decimal = std::get_if<double>(&known.value);
  if (decimal == nullptr) return {};
  std::array<char, 400> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), *decimal, std::chars_format::fixed).ptr;
  std::string out(buffer.data(), end);
  return std::isfinite(*decimal) && out.find('.') == std::string::npos ? out + ".0" : out;
}

std::string gap_text(const FactTest& test, const Known& known) {
  std::string out = test.name + " is unknown: ";
  switch (known.gap) {
    case Known::Gap::kOld:
      return out + "set " + ago(known.age_s) + (known.by_fresh ? " ago, fresh for " : " ago for ") + ago(known.limit_s);
    case Known::Gap::kType:
      return out + "its value is no " +
             std::string(name_of(test.declared != nullptr ? test.declared->type : built_in(test.name).value_or(Type::kInt)));
    case Known::Gap::kNever:
    case Known::Gap::kNone: break;
  }
  return out + (test.declared != nullptr ? "it was never set" : "it cannot be told here");
}

int holds(const FactTest& test, const Known& known) {
  if (!known.known()) return -1;
  bool out = false;
  if (const bool* flag = std::get_if<bool>(&known.value)) {
    out = compare(test.op, *flag, std::get<bool>(test.literal));
  } else if (const auto* number = std::get_if<std::int64_t>(&known.value)) {
    out = compare(test.op, *number, std::get<std::int64_t>(test.literal));
  } else if (const auto* decimal = std::get_if<double>(&known.value)) {
    out = compare(test.op, *decimal, std::get<double>(test.literal));
  } else {
    out = compare(test.op, std::get<std::string_view>(known.value), std::string_view(std::get<std::string>(test.literal)));
  }
  return out ? 1 : 0;
}

std::optional<std::string> wrong_fact(const RuleSet& rules, std::string_view name, const Value* value) {
  const auto declared = std::ranges::find(rules.facts, name, &FactRule::name);
  const auto type = declared != rules.facts.end() ? std::optional(declared->type) : built_in(name);
  if (!type) {
    std::vector<std::string_view> words;
    for (const FactRule& fact : rules.facts) words.push_back(fact.name);
    words.insert(words.end(), std::begin(kBuiltIns), std::end(kBuiltIns));
    // With the span that was written, so that count.denid.10m finds count.denied.10m.
    std::array<std::string, 4> counts{"count.requests", "count.denied", "count.granted", "count.break-glass"};
    const std::size_t dot = name.rfind('.');
    if (dot != std::string_view::npos && parse_duration(name.substr(dot + 1))) {
      for (std::string& count : counts) words.push_back(count += name.substr(dot));
    }
    std::string near = did_you_mean(name, words);
    return "there is no fact " + ticked(name) + (near.empty() ? "; declare it in [fact]" : near);
  }
  if (value == nullptr || value->index() == static_cast<std::size_t>(*type)) return std::nullopt;
  const char* const like[] = {"true or false", "a whole number, like 3", "a decimal number, like 3.0", "a text, in quotes"};
  return "fact " + ticked(name) + " is of type " + std::string(name_of(*type)) + "; write " + like[static_cast<std::size_t>(*type)];
}

}  // namespace jit::policy
