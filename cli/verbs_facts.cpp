// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>
#include <cmath>

#include "broker/config/provider_file.h"
#include "cli/commands.h"
#include "cli/provider.h"
#include "evidence/text.h"
#include "policy/policy.h"

namespace jit::cli {

namespace {

template <class T>
std::optional<T> number(const std::string& text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

// As the fact is declared: "5" is a text where the fact is one.
Result<sdbus::Variant> value_of(const std::string& type, const std::string& text) {
  if (type == "bool") {
    if (text == "true" || text == "false") return sdbus::Variant(text == "true");
    return Failure{Exit::kUsage, "this fact is true or false"};
  }
  if (type == "int") {
    if (const auto value = number<std::int64_t>(text)) return sdbus::Variant(*value);
    return Failure{Exit::kUsage, "this fact is a whole number"};
  }
  if (type == "float") {
    const auto value = number<double>(text);
    if (value && std::isfinite(*value)) return sdbus::Variant(*value);
    return Failure{Exit::kUsage, "this fact is a number as 0.5"};
  }
  if (!evidence::valid_utf8(text)) return Failure{Exit::kUsage, "the value is not UTF-8 text"};
  return sdbus::Variant(text);
}

Failure no_fact(const std::string& name) {
  return {Exit::kNotAllowed, "there is no fact " + evidence::escape_to(name, 64) + " that you may set: see jitctl fact list"};
}

Result<Json> set(Client& client, const std::string& name, const std::string& text, std::uint32_t for_s) {
  const auto all = client.list_facts();
  if (!all) return all.failure();
  for (const Json& fact : *all) {
    if (text_of(fact, "name") != name) continue;
    const auto value = value_of(text_of(fact, "type"), text);
    if (!value) return value.failure();
    return client.set_fact(name, *value, for_s);
  }
  return no_fact(name);
}

std::string shown_value(const Json& value) {
  if (value.is_null()) return "unknown";
  return value.is_string() ? value.get<std::string>() : value.dump();
}

std::string line_of(const Json& fact) {
  std::string out = text_of(fact, "name") + " = " + shown_value(member(fact, "value")) + " (" + text_of(fact, "state");
  const Json& for_s = member(fact, "set.for_s");
  if (for_s.is_number()) out += " for " + policy::format_duration(static_cast<std::uint32_t>(number_of(fact, "set.for_s")));
  return out + ")";
}

std::vector<std::string> fact_row(const Json& fact, bool terminal) {
  if (fact.is_null()) return {"NAME", "TYPE", "VALUE", "STATE", "SET BY", "AGE"};
  const Json& age = member(fact, "set.age_s");
  std::string old = age.is_number() ? std::to_string(number_of(fact, "set.age_s")) : std::string();
  if (terminal && age.is_number()) {
    old = policy::format_duration(static_cast<std::uint32_t>(std::min<std::uint64_t>(number_of(fact, "set.age_s"), 315'360'000)));
  }
  return {text_of(fact, "name"), text_of(fact, "type"), shown_value(member(fact, "value")), text_of(fact, "state"),
          text_of(fact, "set.by"), old};
}

}  // namespace

Exit Verbs::set_fact() {
  const auto seconds = duration_of(args);
  if (!seconds) return out.fail(seconds.failure());
  const auto client = Client::connect();
  if (!client) return out.fail(client.failure());
  const auto fact = set(**client, args.words[0], args.words[1], seconds->value_or(0));
  if (!fact) return out.fail(fact.failure());
  if (json()) return print(*fact, {});
  out.line(line_of(*fact));
  return Exit::kDone;
}

Exit Verbs::clear_fact() {
  const auto client = Client::connect();
  if (!client) return out.fail(client.failure());
  const auto fact = (*client)->clear_fact(args.words[0]);
  if (!fact) return out.fail(fact.failure());
  if (json()) return print(*fact, {});
  out.line(line_of(*fact));
  return Exit::kDone;
}

Exit Verbs::facts() {
  const auto client = Client::connect();
  if (!client) return out.fail(client.failure());
  const auto all = (*client)->list_facts();
  if (!all) return out.fail(all.failure());
  return list(*all, fact_row, "no facts that you may set");
}

Exit Verbs::run_fact() {
  const std::string& name = args.words[0];
  if (!config::provider_name(name)) {
    return out.fail({Exit::kUsage, "the name of a provider is 1 to 64 of a-z, 0-9, - and _, beginning with a letter"});
  }
  std::vector<policy::Finding> findings;
  const auto provider = config::read_provider("/etc/jit", name, true, findings);
  if (!provider) {
    return out.fail({Exit::kUsage, findings.empty() ? "there is no provider " + name + " in /etc/jit/facts.d"
                                                    : evidence::escape(findings.front().text())});
  }
  const auto text = run_provider(provider->command, std::int64_t{provider->timeout_s} * 1000);
  if (!text) return out.fail(text.failure());
  const auto client = Client::connect();
  if (!client) return out.fail(client.failure());
  const auto fact = set(**client, name, *text, provider->for_s);
  if (!fact) return out.fail(fact.failure());
  if (json()) return print(*fact, {});
  out.line(line_of(*fact));
  return Exit::kDone;
}

}  // namespace jit::cli
