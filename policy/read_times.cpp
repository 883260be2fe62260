// SPDX-License-Identifier: Apache-2.0
// [calendar] and [window]: read from each file, and put together once the time zone is known.
#include <algorithm>

#include "policy/draft.h"
#include "policy/suggest.h"

namespace jit::policy {
namespace {

using AddSpan = bool (*)(std::string_view, Window&, std::string&);

void read_spans(const Fields& fields, std::string_view key, AddSpan add, Window& window) {
  const auto texts = fields.texts(key);
  if (!texts) return;
  for (const Text& text : *texts) {
    std::string why;
    if (!add(text.value, window, why)) fields.report().add("E01", text.place, std::move(why));
  }
}

const Source* source_named(std::span<const Source> sources, std::string_view name) {
  const auto found = std::ranges::find(sources, name, &Source::name);
  return found == sources.end() ? nullptr : &*found;
}

void read_calendar(Draft& draft, NamedCalendar& calendar, const Zone& zone) {
  const Source* source = source_named(draft.input.calendars, calendar.file.value);
  if (source == nullptr) {
    std::vector<std::string_view> names;
    for (const Source& each : draft.input.calendars) names.push_back(each.name);
    draft.report.add("E01", calendar.file.place,
                     "there is no calendar file `" + calendar.file.value + "`; put it into /etc/jit/calendars" +
                         did_you_mean(calendar.file.value, names));
    return;
  }
  ParsedCalendar parsed = parse_calendar(source->text, zone, draft.input.now);
  if (parsed.calendar) {
    calendar.calendar = std::move(*parsed.calendar);
  } else {
    draft.report.add("E01", {draft.calendars.at(source->name), parsed.line, parsed.line > 0 ? 1U : 0U},
                     parsed.why, calendar.file.place);
  }
}

void finish_window(Draft& draft, NamedWindow& window, const std::shared_ptr<const Zone>& zone) {
  window.window.zone = zone;
  std::vector<std::int32_t>& days = window.window.except;
  for (const Text& name : window.calendars) {
    const auto found = draft.out->calendars.find(name.value);
    if (found == draft.out->calendars.end()) {
      std::vector<std::string_view> names;
      for (const auto& each : draft.out->calendars) names.emplace_back(each.first);
      const std::string hint = did_you_mean(name.value, names);
      draft.report.add("E02", name.place,
                       "calendar `" + name.value + "` is not defined" + (hint.empty() ? "; define it in [calendar]" : hint));
      continue;
    }
    days.insert(days.end(), found->second.calendar.days.begin(), found->second.calendar.days.end());
  }
  std::ranges::sort(days);
  days.erase(std::unique(days.begin(), days.end()), days.end());
}

}  // namespace

void read_calendars(Draft& draft, const Entry& entry) {
  Report& report = draft.report;
  if (!is_table(entry, report)) return;
  for (const Entry& item : entry.value.entries) {
    const auto earlier = draft.out->calendars.find(item.key);
    if (!usable_name(item, "calendar", earlier == draft.out->calendars.end() ? nullptr : &earlier->second.place, report)) continue;
    NamedCalendar& made = draft.out->calendars[item.key];
    made.place = item.place;
    if (item.value.kind != Node::Kind::kString || item.value.text.empty()) {
      report.add("E01", item.value.place, "a calendar is the name of a file in /etc/jit/calendars, like \"holidays.ics\"");
      continue;
    }
    made.file = {item.value.text, item.value.place};
  }
}

void read_windows(Draft& draft, const Entry& entry) {
  Report& report = draft.report;
  if (!is_table(entry, report)) return;
  for (const Entry& item : entry.value.entries) {
    const auto earlier = draft.out->windows.find(item.key);
    if (!usable_name(item, "window", earlier == draft.out->windows.end() ? nullptr : &earlier->second.place, report)) continue;
    NamedWindow& made = draft.out->windows[item.key];
    made.place = item.place;
    if (item.value.kind != Node::Kind::kTable) {
      report.add("E01", item.value.place, "a window must be a table, like { weekly = [\"Mon-Fri 08:00-18:00\"] }");
      continue;
    }
    const Fields fields(item.value, Table::kWindow, report);
    read_spans(fields, "daily", add_daily, made.window);
    read_spans(fields, "weekly", add_weekly, made.window);
    if (const auto texts = fields.texts("except")) made.calendars = read_names(*texts, "calendar", report);
    if (!fields.has("daily") && !fields.has("weekly")) {
      report.add("E05", item.place, "window `" + item.key + "` has no time in it; write daily or weekly");
    }
  }
}

void resolve_times(Draft& draft) {
  const std::string& name = draft.out->settings.timezone;
  const std::shared_ptr<const Zone> zone = Zone::find(name);
  if (!zone) {
    const Place place = draft.timezone_at.value_or(Place{});
    draft.report.add("E01", place, "the system knows no time zone `" + name + "`; write a name like \"Europe/Prague\" or \"UTC\"");
    return;
  }
  for (auto& [key, calendar] : draft.out->calendars) {
    if (!calendar.file.value.empty()) read_calendar(draft, calendar, *zone);
  }
  for (auto& [key, window] : draft.out->windows) finish_window(draft, window, zone);
}

void resolve_rosters(Draft& draft) {
  for (auto& [name, set] : draft.out->sets) {
    if (!set.roster) continue;
    const Text& file = set.roster->file;
    const Source* source = source_named(draft.input.rosters, file.value);
    if (source == nullptr) {
      std::vector<std::string_view> names;
      for (const Source& each : draft.input.rosters) names.push_back(each.name);
      draft.report.add("E01", file.place,
                       "there is no roster file `" + file.value + "`; put it into /etc/jit/rosters" + did_you_mean(file.value, names));
      continue;
    }
    auto roster = parse_roster(draft.rosters.at(source->name), source->text, draft.report);
    if (!roster) continue;
    roster->file = file.value;
    roster->fresh_s = set.roster->fresh_s;
    draft.out->rosters.emplace(name, std::move(*roster));
  }
}

}  // namespace jit::policy
