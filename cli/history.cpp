// SPDX-License-Identifier: Apache-2.0
#include "cli/history.h"

#include <algorithm>
#include <chrono>
#include <ctime>

#include "cli/documents.h"

namespace jit::cli {

namespace {

constexpr std::int64_t kDay = 86'400;
constexpr std::int64_t kMostMs = 5000;
constexpr std::uint32_t kHistoryPage = 1000;

bool all_seen(const History& history, const std::vector<std::string>& rules) {
  return std::ranges::all_of(rules, [&](const std::string& rule) { return history.used.contains(rule); });
}

}  // namespace

std::optional<std::int64_t> seconds_of(const std::string& iso) {
  std::tm parts{};
  const char* end = strptime(iso.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  if (end == nullptr || (*end != '.' && *end != 'Z')) return std::nullopt;
  return timegm(&parts);
}

void History::take(const Json& entry) {
  const auto time = seconds_of(text_of(entry, "time"));
  if (!time) return;
  const std::string type = text_of(entry, "type");
  const bool seen = type == "access.observed";
  const bool enforced = type == "access.denied" || type == "grant.claimed" || type == "grant.used" || type == "command.allowed";
  if (!seen && !enforced && type != "request.created" && type != "grant.created") return;
  if (const std::string rule = text_of(entry, "fields.rule"); !rule.empty()) used[rule] = *time;
  if (const Json& rules = member(entry, "fields.decision.rules"); rules.is_array()) {
    for (const Json& rule : rules) {
      if (rule.is_string()) used[rule.get<std::string>()] = *time;
    }
  }
  const auto door = policy::door_named(text_of(entry, "fields.door"));
  if (!door) return;
  if (enforced) observed.erase(*door);
  if (seen && text_of(entry, "fields.by") == "door") observed.try_emplace(*door, *time);
}

std::optional<History> read_history(std::int64_t now, std::uint32_t days, const std::vector<std::string>& rules) {
  const std::int64_t deadline = monotonic_ms() + kMostMs;
  const auto client = Client::connect(std::chrono::milliseconds(kMostMs));
  if (!client) return std::nullopt;
  History out;
  const auto oldest = (*client)->query({{"limit", sdbus::Variant(std::uint32_t{1})}});
  if (!oldest) return std::nullopt;
  if (oldest->entries.empty()) return out;
  out.from = seconds_of(text_of(oldest->entries.front(), "time"));
  Dict filter{{"since-ms", sdbus::Variant((now - std::int64_t{days} * kDay) * 1000)}, {"limit", sdbus::Variant(kHistoryPage)}};
  while (!all_seen(out, rules)) {
    if (monotonic_ms() > deadline) return std::nullopt;
    const auto page = (*client)->query(filter);
    if (!page) return std::nullopt;
    for (const Json& entry : page->entries) out.take(entry);
    if (!go_on(filter, *page)) break;
  }
  return out;
}

}  // namespace jit::cli
