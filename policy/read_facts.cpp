// SPDX-License-Identifier: Apache-2.0
// [fact.NAME], and the tests on facts: `attribute op literal`, no functions, arithmetic or nesting.
#include <algorithm>
#include <charconv>
#include <cmath>

#include "policy/draft.h"
#include "policy/facts.h"
#include "policy/ticked.h"
#include "policy/suggest.h"

namespace jit::policy {
namespace {

using Type = FactRule::Type;

std::optional<Value> value_of(const Node& node, Type type, Report& report) {
  switch (node.kind) {
    case Node::Kind::kBool:
      if (type == Type::kBool) return Value(node.boolean);
      break;
    case Node::Kind::kInteger:
      if (type == Type::kInt) return Value(node.integer);
      if (type == Type::kFloat) return Value(static_cast<double>(node.integer));
      break;
    case Node::Kind::kFloat:
      if (type == Type::kFloat && std::isfinite(node.decimal)) return Value(node.decimal);
      break;
    case Node::Kind::kString:
      if (type == Type::kString) return Value(node.text);
      break;
    default: break;
  }
  report.add("E01", node.place, "`initial` must be of the type of the fact, " + std::string(name_of(type)));
  return std::nullopt;
}

// "user:NAME", "uid:N", or the name of a provider.
bool valid_setter(std::string_view text) {
  if (text.starts_with("uid:")) {
    const auto parsed = parse_principal("user:" + std::string(text.substr(4))).principal;
    return parsed && parsed->uid != kNoUid;
  }
  if (text.find(':') == std::string_view::npos) return valid_object_name(text);
  const auto parsed = parse_principal(text).principal;
  return parsed && parsed->kind == Principal::Kind::kUser && !parsed->prefix && parsed->uid == kNoUid;
}

void read_fact(Draft& draft, const Entry& item) {
  Report& report = draft.report;
  FactRule fact;
  fact.name = item.key;
  if (item.value.kind != Node::Kind::kTable) {
    report.add("E01", item.value.place, "a fact must be a table; write [fact." + item.key + "] and its type");
    return;
  }
  const Fields fields(item.value, Table::kFact, report);
  fact.fresh_s = fields.duration("fresh");
  const auto type = fields.text("type");
  bool typed = false;
  for (const Type each : {Type::kBool, Type::kInt, Type::kFloat, Type::kString}) {
    if (!type || type->value != name_of(each)) continue;
    fact.type = each;
    typed = true;
  }
  if (!fields.has("type")) {
    report.add("E01", item.place, "fact " + ticked(item.key) + " has no `type`; write type = \"bool\" (or int, float, string)");
  } else if (type && !typed) {
    report.add("E01", type->place, ticked(type->value) + " is no type of a fact (bool, int, float, string)" +
                                       did_you_mean(type->value, {"bool", "int", "float", "string"}));
  }
  if (const Entry* initial = fields.find("initial"); initial != nullptr && typed) {
    fact.initial = value_of(initial->value, fact.type, report);
  }
  if (const auto by = fields.texts("by")) {
    for (const Text& text : *by) {
      if (valid_setter(text.value)) {
        fact.by.push_back(text.value);
        // Otherwise nobody could set it: what a provider has kept is not for admins.
        if (text.value.find(':') == std::string::npos && text.value != item.key) {
          report.add("E12", text.place, "provider " + ticked(text.value) + " sets only the fact that it is named after; write by = [\"" + item.key +
                                            "\"] and give the provider that name");
        }
      } else {
        report.add("E01", text.place, ticked(text.value) + " can set no fact; write user:NAME, uid:N or the name of a provider");
      }
    }
  }
  draft.out->facts.push_back(std::move(fact));
}

bool attribute_char(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '-' || c == '_';
}

std::string_view skip_blanks(std::string_view text) {
  const std::size_t at = text.find_first_not_of(' ');
  return at == std::string_view::npos ? std::string_view{} : text.substr(at);
}

std::optional<FactTest::Op> take_op(std::string_view& rest) {
  using Op = FactTest::Op;
  constexpr std::pair<std::string_view, Op> kOps[] = {{"==", Op::kEqual}, {"!=", Op::kNotEqual}, {"<=", Op::kAtMost},
                                                      {">=", Op::kAtLeast}, {"<", Op::kLess},    {">", Op::kGreater}};
  for (const auto& [word, op] : kOps) {
    if (!rest.starts_with(word)) continue;
    rest.remove_prefix(word.size());
    return op;
  }
  return std::nullopt;
}

std::optional<Value> parse_literal(std::string_view text) {
  if (text == "true") return Value(true);
  if (text == "false") return Value(false);
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') {
    const std::string_view inside = text.substr(1, text.size() - 2);
    // There are no escapes, so that what stands there is what is compared.
    if (inside.find_first_of("\"\\") != std::string_view::npos) return std::nullopt;
    return Value(std::string(inside));
  }
  const char* const end = text.data() + text.size();
  const std::string_view digits = text.starts_with('-') ? text.substr(1) : text;
  const std::size_t point = digits.find('.');
  const auto all_digits = [](std::string_view part) {
    return !part.empty() && part.find_first_not_of("0123456789") == std::string_view::npos;
  };
  if (point == std::string_view::npos) {
    std::int64_t number = 0;
    if (!all_digits(digits) || std::from_chars(text.data(), end, number).ec != std::errc()) return std::nullopt;
    return Value(number);
  }
  double decimal = 0;
  if (!all_digits(digits.substr(0, point)) || !all_digits(digits.substr(point + 1))) return std::nullopt;
  if (std::from_chars(text.data(), end, decimal).ec != std::errc()) return std::nullopt;
  return Value(decimal);
}

std::optional<FactTest> parse_test(const Text& text, Report& report) {
  FactTest out;
  out.text = text;
  std::string_view rest = skip_blanks(text.value);
  const auto end = std::ranges::find_if_not(rest, attribute_char);
  out.name = std::string(rest.begin(), end);
  rest = skip_blanks(rest.substr(out.name.size()));
  const auto op = out.name.empty() ? std::nullopt : take_op(rest);
  if (!op) {
    report.add("E01", text.place,
               ticked(text.value) + " is no test; write an attribute, one of == != < <= > >=, and a literal, like \"risk >= 60\"");
    return std::nullopt;
  }
  out.op = *op;
  rest = skip_blanks(rest);
  const std::size_t last = rest.find_last_not_of(' ');
  auto value = parse_literal(rest.substr(0, last == std::string_view::npos ? 0 : last + 1));
  if (!value) {
    report.add("E01", text.place,
               ticked(text.value) + " compares with no literal; write true, false, an integer, a decimal or \"text\"");
    return std::nullopt;
  }
  out.literal = std::move(*value);
  return out;
}

class FactResolver {
 public:
  explicit FactResolver(Draft& draft) : draft_(draft) {}

  void resolve(FactTest& test, bool flag) {
    const auto& facts = draft_.out->facts;
    const auto found = std::ranges::find(facts, test.name, &FactRule::name);
    const auto built = built_in(test.name);
    if (found == facts.end() && !built) return no_provider(test);
    if (found != facts.end()) test.declared = &*found;
    const Type type = found != facts.end() ? found->type : *built;
    if (flag && type != Type::kBool) {
      return wrong(test, "`flag` takes bool facts; " + ticked(test.name) + " is of type " + std::string(name_of(type)) + ", use when");
    }
    if (const auto* number = std::get_if<std::int64_t>(&test.literal); number != nullptr && type == Type::kFloat) {
      test.literal = static_cast<double>(*number);
    }
    if (test.literal.index() != static_cast<std::size_t>(type)) {
      return wrong(test, ticked(test.name) + " is of type " + std::string(name_of(type)) + ", and the literal in " +
                             ticked(test.text.value) + " is not");
    }
    const bool ordered = type == Type::kInt || type == Type::kFloat;
    if (!ordered && test.op != FactTest::Op::kEqual && test.op != FactTest::Op::kNotEqual) {
      return wrong(test, ticked(test.name) + " is of type " + std::string(name_of(type)) + ", which knows == and != only");
    }
    if (test.declared == nullptr && test.name == "urgency") {
      const std::string& word = std::get<std::string>(test.literal);
      if (std::ranges::find(kUrgencies, word) != std::end(kUrgencies)) return;
      wrong(test, ticked(word) + " is no urgency (low, normal, high, critical)" +
                      did_you_mean(word, {std::begin(kUrgencies), std::end(kUrgencies)}));
    }
  }

 private:
  void wrong(const FactTest& test, std::string why) { draft_.report.add("E01", test.text.place, std::move(why)); }

  void no_provider(const FactTest& test) {
    std::vector<std::string_view> names(std::begin(kBuiltIns), std::end(kBuiltIns));
    for (const FactRule& fact : draft_.out->facts) names.push_back(fact.name);
    const std::string hint = did_you_mean(test.name, names);
    draft_.report.add("E12", test.text.place,
                      "nothing provides the attribute " + ticked(test.name) +
                          (hint.empty() ? "; declare it as [fact." + test.name + "], or use a built-in one" : hint));
  }

  Draft& draft_;
};

}  // namespace

void read_facts(Draft& draft, const Entry& entry) {
  Report& report = draft.report;
  if (!is_table(entry, report)) return;
  for (const Entry& item : entry.value.entries) {
    const auto earlier = draft.facts_at.find(item.key);
    if (!usable_name(item, "fact", earlier == draft.facts_at.end() ? nullptr : &earlier->second, report)) continue;
    draft.facts_at.emplace(item.key, item.place);
    if (built_in(item.key)) {
      report.add("E02", item.place, "fact `" + item.key + "` is built in; give yours another name");
      continue;
    }
    read_fact(draft, item);
  }
}

std::vector<FactTest> read_fact_tests(const Fields& fields, std::string_view key) {
  std::vector<FactTest> out;
  const auto texts = fields.texts(key);
  if (!texts) return out;
  for (const Text& text : *texts) {
    if (key != "flag") {
      if (auto test = parse_test(text, fields.report())) out.push_back(std::move(*test));
    } else if (text.value.empty() || !std::ranges::all_of(text.value, attribute_char)) {
      fields.report().add("E01", text.place, ticked(text.value) + " is no name of a fact; conditions stand in when and when-any");
    } else {
      FactTest test;
      test.text = text;
      test.name = text.value;
      test.literal = true;
      out.push_back(std::move(test));
    }
  }
  return out;
}

void resolve_facts(Draft& draft, Tests& tests) {
  FactResolver resolver(draft);
  for (FactTest& test : tests.flag) resolver.resolve(test, true);
  for (auto* list : {&tests.when, &tests.when_any}) {
    for (FactTest& test : *list) resolver.resolve(test, false);
  }
}

}  // namespace jit::policy
