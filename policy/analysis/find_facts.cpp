// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <limits>
#include <map>

#include "policy/analysis/sampling.h"
#include "policy/facts.h"

namespace jit::policy::analysis {
namespace {

using Type = FactRule::Type;
using Literals = std::vector<const Literal*>;

const FactTest& fact_of(const Literal& literal) { return *std::get<const FactTest*>(literal.test); }

Type type_of(const FactTest& test) { return test.declared != nullptr ? test.declared->type : built_in(test.name).value_or(Type::kInt); }

// What a built-in one never is; a declared one may be anything.
bool possible(const FactTest& test, const Value& value) {
  if (test.declared != nullptr) return true;
  if (const auto* number = std::get_if<std::int64_t>(&value)) return *number >= 0 && (test.name != "risk" || *number <= 100);
  if (const auto* decimal = std::get_if<double>(&value)) return *decimal >= 0;
  return true;
}

template <class T>
void add(std::vector<Value>& out, const T& value) {
  if (std::ranges::find(out, Value(value)) == out.end()) out.emplace_back(value);
}

// One value of each class that the literals hold apart; what is usual first.
std::vector<Value> values_of(const Literals& tests) {
  const FactTest& first = fact_of(*tests.front());
  std::vector<Value> out;
  if (first.declared != nullptr && first.declared->initial) out.push_back(*first.declared->initial);
  switch (type_of(first)) {
    case Type::kBool:
      add(out, false);
      add(out, true);
      break;
    case Type::kInt:
      add(out, std::int64_t{0});
      for (const Literal* literal : tests) {
        const std::int64_t at = std::get<std::int64_t>(fact_of(*literal).literal);
        add(out, at);
        if (at < std::numeric_limits<std::int64_t>::max()) add(out, at + 1);
        if (at > std::numeric_limits<std::int64_t>::min()) add(out, at - 1);
      }
      break;
    case Type::kFloat: {
      std::vector<double> points;
      for (const Literal* literal : tests) points.push_back(std::get<double>(fact_of(*literal).literal));
      std::ranges::sort(points);
      add(out, 0.0);
      for (std::size_t i = 0; i < points.size(); ++i) {
        add(out, points[i]);
        if (i + 1 < points.size() && points[i] < points[i + 1]) add(out, points[i] + (points[i + 1] - points[i]) / 2);
      }
      add(out, points.front() - 1);
      add(out, points.back() + 1);
      break;
    }
    case Type::kString: {
      const bool urgency = first.declared == nullptr;
      if (urgency) {
        for (const char* word : {"normal", "low", "high", "critical"}) add(out, std::string(word));
        break;
      }
      std::string other = "other";
      for (const Literal* literal : tests) {
        const std::string& text = std::get<std::string>(fact_of(*literal).literal);
        if (text.size() >= other.size()) other = "other-than-" + text;
        add(out, text);
      }
      add(out, other);
      break;
    }
  }
  std::erase_if(out, [&](const Value& value) { return !possible(first, value); });
  return out;
}

bool fits(const Literals& tests, const Known& known) {
  return std::ranges::all_of(tests, [&](const Literal* literal) {
    const int got = holds(fact_of(*literal), known);
    return (literal->wanted & bit(got < 0 ? Truth::kUnknown : truth(got > 0))) != 0;
  });
}

}  // namespace

Try find_facts(const Literals& literals, AnalysisRequest& out) {
  std::map<std::string_view, Literals> by_name;
  for (const Literal* literal : literals) by_name[fact_of(*literal).name].push_back(literal);
  for (const auto& [name, tests] : by_name) {
    const FactTest& first = fact_of(*tests.front());
    const bool urgency = first.declared == nullptr && name == "urgency";
    const auto values = values_of(tests);
    const auto found = std::ranges::find_if(values, [&all = tests](const Value& value) {
      Known known;
      std::visit([&](const auto& each) { known.value = each; }, value);
      return fits(all, known);
    });
    if (found != values.end()) {
      if (urgency) {
        out.urgency = std::get<std::string>(*found);
      } else {
        out.facts.readings[std::string(name)] = {*found, 0, {}};
      }
    } else if (!urgency && fits(tests, {})) {
      out.facts.unknown.emplace_back(name);
    } else {
      return Try::kNone;
    }
  }
  return Try::kFound;
}

}  // namespace jit::policy::analysis
