// SPDX-License-Identifier: Apache-2.0
#include "policy/zone.h"

#include <date/tz.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>
#include <vector>

#include "policy/zone_rule.h"

namespace jit::policy {
namespace {

constexpr int kFirstYear = 1900, kLastYear = 2200;  // before and after: the nearest offset
// A LocalTime has 32 bits for days; instants beyond are as the last of them.
constexpr std::int64_t kMostSeconds = (std::int64_t{std::numeric_limits<std::int32_t>::max()} - 2) * kDaySeconds;
constexpr std::int64_t kMostOffset = 26 * 3600;

std::int64_t midnight(std::int32_t day) { return std::clamp(day * kDaySeconds, -kMostSeconds, kMostSeconds); }

class TableZone final : public Zone {
 public:
  // Never empty; the first offset holds before it too.
  explicit TableZone(std::vector<Transition> transitions) : transitions_(std::move(transitions)) {}

  LocalTime local(std::int64_t unix_s) const override {
    const std::int64_t at = std::clamp(unix_s, -kMostSeconds, kMostSeconds);
    const std::int64_t wall = at + transitions_[segment(at)].offset;
    const std::int64_t day = wall >= 0 ? wall / kDaySeconds : (wall - kDaySeconds + 1) / kDaySeconds;
    return {static_cast<std::int32_t>(day), static_cast<std::uint32_t>(wall - day * kDaySeconds)};
  }

  std::int64_t day_start(std::int32_t day) const override {
    const std::int64_t wall = midnight(day);
    std::size_t i = segment(wall - kMostOffset);
    while (i + 1 < transitions_.size() && wall - transitions_[i].offset >= transitions_[i + 1].at) ++i;
    return i == 0 ? wall - transitions_[0].offset : std::max(wall - transitions_[i].offset, transitions_[i].at);
  }

  bool exists(std::int32_t day, std::uint32_t second) const override {
    if (second >= kDaySeconds) return false;
    const std::int64_t wall = midnight(day) + second;
    for (std::size_t i = segment(wall - kMostOffset); i < transitions_.size(); ++i) {
      const std::int64_t at = wall - transitions_[i].offset;
      if (i > 0 && at < transitions_[i].at) return false;
      if (i + 1 == transitions_.size() || at < transitions_[i + 1].at) return true;
    }
    return false;
  }

 private:
  std::size_t segment(std::int64_t at) const {
    const auto after = std::ranges::upper_bound(transitions_, at, {}, &Transition::at);
    return after == transitions_.begin() ? 0 : static_cast<std::size_t>(after - transitions_.begin()) - 1;
  }

  std::vector<Transition> transitions_;
};

// The library reads the transitions of a tz file, not the rule on its last line, which holds after them.
std::optional<ZoneRule> last_rule(const std::string& name) {
  std::ifstream file("/usr/share/zoneinfo/" + name, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (bytes.size() < 2 || !bytes.starts_with("TZif") || bytes.back() != '\n') return std::nullopt;
  const std::size_t before = bytes.rfind('\n', bytes.size() - 2);
  if (before == std::string::npos) return std::nullopt;
  return ZoneRule::parse(std::string_view(bytes).substr(before + 1, bytes.size() - before - 2));
}

std::vector<Transition> read(const date::time_zone& zone, const std::string& name) {
  const auto unix_of = [](int year) {
    return std::chrono::duration_cast<std::chrono::seconds>(
               date::sys_days(date::year(year) / date::January / 1).time_since_epoch()).count();
  };
  std::vector<Transition> out;
  std::int64_t at = unix_of(kFirstYear);
  const std::int64_t last = unix_of(kLastYear);
  std::int64_t known = at;  // from here on the file says no more
  while (at < last) {
    const date::sys_info info = zone.get_info(date::sys_seconds(std::chrono::seconds(at)));
    const auto offset = static_cast<std::int32_t>(info.offset.count());
    if (out.empty() || out.back().offset != offset) out.push_back({at, offset});
    known = info.begin.time_since_epoch().count();
    const std::int64_t next = info.end.time_since_epoch().count();
    if (next <= at) break;
    at = next;
  }
  if (const auto rule = last_rule(name)) {
    std::vector<Transition> ruled;
    for (int year = 1970; year < kLastYear; ++year) rule->transitions(year, ruled);
    std::ranges::copy_if(ruled, std::back_inserter(out), [&](const Transition& t) { return t.at > known; });
  }
  return out;
}

bool plausible(std::string_view name) {
  return !name.empty() && name.size() <= 64 && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' || c == '_' || c == '-' ||
           c == '+';
  });
}

}  // namespace

std::uint32_t LocalTime::weekday() const {
  const std::int64_t from_thursday = std::int64_t{day} % 7;  // 1970-01-01 was one
  return static_cast<std::uint32_t>((from_thursday + 7 + 3) % 7);
}

std::shared_ptr<const Zone> Zone::find(std::string_view name) {
  if (!plausible(name)) return nullptr;
  // The default zone is there on a machine without tz data too.
  if (name == "UTC") return std::make_shared<TableZone>(std::vector<Transition>{{0, 0}});
  try {
    const std::string text(name);
    std::vector<Transition> transitions = read(*date::locate_zone(text), text);
    if (transitions.empty()) return nullptr;
    return std::make_shared<TableZone>(std::move(transitions));
  } catch (const std::exception&) {  // the library throws at unknown names, and at files that it cannot read
    return nullptr;
  }
}

}  // namespace jit::policy
