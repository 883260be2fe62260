// SPDX-License-Identifier: Apache-2.0
// The terms of a rule: what it requires, and what only a permit or only a guard can say.
#include <algorithm>
#include <charconv>

#include "policy/draft.h"
#include "policy/suggest.h"

namespace jit::policy {
namespace {

constexpr std::uint32_t kLongestReason = 1024;  // code points; the front ends take as many bytes
constexpr std::size_t kLongestTicket = 128;     // bytes

bool printable(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x20 && byte != 0x7f;
  });
}

void read_reason(const Text& text, const std::optional<std::string_view>& detail, Requirements& require, Report& report) {
  std::uint32_t least = 0;
  if (detail) {
    const auto [end, error] = std::from_chars(detail->data(), detail->data() + detail->size(), least);
    if (error != std::errc() || end != detail->data() + detail->size() || least == 0 || least > kLongestReason) {
      report.add("E01", text.place, "the length of a reason goes from 1 to 1024, like \"reason:20\"");
      return;
    }
  }
  require.reason_min = std::max(require.reason_min.value_or(0), least);
}

void read_requirement(const Text& text, Requirements& require, Report& report) {
  const std::size_t colon = text.value.find(':');
  const std::string_view kind = std::string_view(text.value).substr(0, colon);
  std::optional<std::string_view> detail;
  if (colon != std::string::npos) detail = std::string_view(text.value).substr(colon + 1);
  if (kind == "reason") return read_reason(text, detail, require, report);
  if (kind == "ticket") {
    if (detail && (detail->empty() || detail->size() > kLongestTicket || !printable(*detail))) {
      report.add("E01", text.place, "a ticket pattern is 1 to 128 bytes of literal text, with # for a digit, like \"ticket:CHG-######\"");
      return;
    }
    require.tickets.emplace_back(detail.value_or(std::string_view{}));
  } else if (kind == "record") {
    if (detail) report.add("E01", text.place, "`record` takes nothing after it; write \"record\"");
    require.record = true;
  } else if (kind == "notify") {
    if (!detail || !valid_object_name(*detail)) {
      report.add("E01", text.place, "`notify` names a channel, like \"notify:pager\"");
      return;
    }
    require.notify.emplace_back(*detail);
  } else if (kind == "review") {
    const auto time = detail ? parse_duration(*detail) : std::nullopt;
    if (!time) {
      report.add("E01", text.place, "`review` says within which time, like \"review:24h\"");
      return;
    }
    require.review_s = std::min(require.review_s.value_or(*time), *time);
  } else {
    report.add("E01", text.place, "`" + text.value + "` is no requirement (reason, ticket, record, notify, review)" +
                                      did_you_mean(kind, {"reason", "ticket", "record", "notify", "review"}));
  }
}

void read_unverified(const Fields& fields, Rule& rule) {
  const auto list = fields.texts("unverified-ok");
  if (!list) return;
  for (const Text& text : *list) {
    if (text.value == "as") {
      rule.unverified_as = true;
    } else if (text.value == "command") {
      rule.unverified_command = true;
    } else {
      fields.report().add("E01", text.place, "`unverified-ok` takes \"as\" and \"command\", not `" + text.value + "`" +
                                                 did_you_mean(text.value, {"as", "command"}));
    }
  }
}

void read_expiry(const Fields& fields, Rule& rule) {
  Report& report = fields.report();
  rule.run_max_s = fields.duration("run-max");
  if (const auto word = fields.text("on-expiry")) {
    for (const Expiry each : {Expiry::kEnd, Expiry::kFinish, Expiry::kWarn}) {
      if (word->value == name_of(each)) rule.on_expiry = each;
    }
    if (!rule.on_expiry) {
      report.add("E01", word->place,
                 "`on-expiry` must be \"end\", \"finish\" or \"warn\"" + did_you_mean(word->value, {"end", "finish", "warn"}));
    }
  }
  const auto list = fields.texts("warn-before");
  if (!list) return;
  std::vector<std::uint32_t> times;
  for (const Text& text : *list) {
    if (const auto time = parse_duration(text.value)) {
      times.push_back(*time);
    } else {
      report.add("E01", text.place, "`warn-before` takes durations, like [\"5m\", \"1m\"]");
    }
  }
  std::ranges::sort(times, std::ranges::greater());
  times.erase(std::unique(times.begin(), times.end()), times.end());
  rule.warn_before_s = std::move(times);
}

}  // namespace

void read_requirements(const Fields& fields, Requirements& require) {
  auto list = fields.texts("require");
  if (!list) return;
  for (const Text& text : *list) read_requirement(text, require, fields.report());
  for (auto* words : {&require.tickets, &require.notify}) {
    std::ranges::sort(*words);
    words->erase(std::unique(words->begin(), words->end()), words->end());
  }
  require.texts = std::move(*list);
}

void read_permit_only(const Fields& fields, Rule& rule) {
  rule.claim_s = fields.duration("claim");
  rule.break_glass = fields.boolean("break-glass").value_or(false);
  rule.digest = fields.boolean("digest").value_or(false);
  read_unverified(fields, rule);
  read_expiry(fields, rule);
  if (!fields.has("max")) {
    fields.report().add("E04", fields.place(), "permit `" + rule.id + "` has no `max`; say how long it may last, like max = \"30m\"");
  }
}

void read_guard_only(const Fields& fields, Rule& rule) {
  Report& report = fields.report();
  if (auto deny = fields.text("deny")) rule.deny = std::move(deny->value);
  if (const Entry* run = fields.find("run")) {
    report.add("E13", run->place,
               "`run` stands in a guard only under `unless`: a deny on a command is evaded by a copy, a link or an interpreter; "
               "name the commands that are allowed in a permit");
  }
  if (auto list = fields.texts("yields-to")) rule.yields_to = std::move(*list);
  if (const auto mode = fields.text("mode")) {
    rule.observe = mode->value == "observe";
    if (!rule.observe && mode->value != "enforce") {
      report.add("E01", mode->place,
                 "`mode` must be \"enforce\" or \"observe\"" + did_you_mean(mode->value, {"enforce", "observe"}));
    }
  }
}

}  // namespace jit::policy
