// SPDX-License-Identifier: Apache-2.0
// The properties of a rule, and of its `unless`.
#include <algorithm>

#include "policy/draft.h"
#include "policy/suggest.h"

namespace jit::policy {
namespace {

std::optional<TagTest> read_hosts(const Fields& fields, const Draft& draft) {
  const auto texts = fields.texts("hosts");
  if (!texts) return std::nullopt;
  TagTest out;
  for (const Text& text : *texts) {
    Principal tag;
    std::string_view name = text.value;
    const bool prefixed = name.starts_with("tag:");
    if (prefixed) name.remove_prefix(4);
    tag.prefix = name.ends_with('*');
    if (tag.prefix) name.remove_suffix(1);
    tag.name = name;
    const bool any = tag.prefix && name.empty();
    if (!prefixed || !(any || valid_account_name(name))) {
      fields.report().add("E01", text.place, "`" + text.value + "` is no tag of a host; write tag:NAME (tags stand in broker.toml)");
      continue;
    }
    out.holds = out.holds || std::ranges::any_of(draft.input.tags, [&](const std::string& own) { return tag.matches(own); });
    out.tags.push_back(std::move(tag));
  }
  return out;
}

std::optional<OriginTest> read_from(const Fields& fields) {
  const auto texts = fields.texts("from");
  if (!texts) return std::nullopt;
  OriginTest out;
  for (const Text& text : *texts) {
    if (text.value == "local") {
      out.local = true;
    } else if (text.value.starts_with("net:")) {
      out.names.push_back({text.value.substr(4), text.place});
    } else {
      const bool address = parse_net(text.value).net.has_value();
      fields.report().add("E01", text.place,
                          "`" + text.value + "` is no origin; write \"local\" or \"net:NAME\"" +
                              (address ? ", and define the net in [net]" : did_you_mean(text.value, {"local"})));
    }
  }
  return out;
}

// Of sudo: those that change what a command means.
constexpr std::string_view kOptions[] = {"-g", "-D", "-R", "-s", "-i", "-e"};

std::optional<WordTest> read_options(const Fields& fields) {
  auto texts = fields.texts("options");
  if (!texts) return std::nullopt;
  for (const Text& text : *texts) {
    if (std::ranges::find(kOptions, text.value) != std::end(kOptions)) continue;
    fields.report().add("E01", text.place, "`" + text.value + "` is no option of sudo that changes a command (-g, -D, -R, -s, -i, -e)");
  }
  return WordTest{std::move(*texts)};
}

bool variable(std::string_view name) {
  if (name.ends_with('*')) name.remove_suffix(1);
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  if (name.empty() || !letter(name.front())) return false;
  return std::ranges::all_of(name, [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

std::optional<WordTest> read_env(const Fields& fields) {
  auto texts = fields.texts("env");
  if (!texts) return std::nullopt;
  for (const Text& text : *texts) {
    if (variable(text.value)) continue;
    fields.report().add("E01", text.place, "`" + text.value + "` is no name of a variable; write a name like LANG, or LC_* for all that begin so");
  }
  return WordTest{std::move(*texts)};
}

}  // namespace

Tests read_tests(const Fields& fields, const Draft& draft) {
  const auto principals = [&](std::string_view key) -> std::optional<PrincipalTest> {
    const auto texts = fields.texts(key);
    if (!texts) return std::nullopt;
    return PrincipalTest{read_principals(*texts, fields.report()), {}};
  };
  Tests out;
  out.who = principals("who");
  out.as = principals("as");
  out.door = read_doors(fields.texts("door"), fields.report());
  out.hosts = read_hosts(fields, draft);
  out.from = read_from(fields);
  if (const auto run = fields.texts("run")) out.run = RunTest{read_names(*run, "command", fields.report()), {}};
  out.options = read_options(fields);
  out.env = read_env(fields);
  if (const auto during = fields.texts("during")) out.during = WindowTest{read_names(*during, "window", fields.report()), {}};
  out.flag = read_fact_tests(fields, "flag");
  out.when = read_fact_tests(fields, "when");
  out.when_any = read_fact_tests(fields, "when-any");
  return out;
}

}  // namespace jit::policy
