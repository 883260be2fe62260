// SPDX-License-Identifier: Apache-2.0
// The policy against its host and its time: W07, W08, W13, W14, W15, W20, W21.
#include <algorithm>
#include <set>

#include "policy/analysis/study.h"
#include "policy/evaluate.h"
#include "policy/ticked.h"

namespace jit::policy::analysis {
namespace {

constexpr std::int64_t kDay = 86'400;
constexpr std::int64_t kObservedTooLong = 30 * kDay;

void check_names(Study& study) {
  if (!study.host().known) return;
  std::set<std::string> told;
  const auto look = [&](const Named& named) {
    const Principal& who = named.principal;
    const bool user = who.kind == Principal::Kind::kUser, group = who.kind == Principal::Kind::kGroup;
    if ((!user && !group) || who.prefix || who.uid != kNoUid || !told.insert(who.text()).second) return;
    const auto known = study.host().known(user ? "user" : "group", who.name);
    if (known.value_or(true)) return;
    study.add("W07", named.place, "this host knows no " + std::string(user ? "user " : "group ") + ticked(who.name) + " now; look for a slip, or make it first");
  };
  const auto look_all = [&](const Tests& tests) {
    for (const auto* test : {&tests.who, &tests.as}) {
      if (*test) std::ranges::for_each((*test)->named, look);
    }
  };
  const RuleSet& rules = study.rules();
  for (const auto& [name, set] : rules.sets) std::ranges::for_each(set.members, look);
  for (const auto& [name, approval] : rules.approvals) {
    for (const Approval::Need& need : approval.need) look(need.from);
    for (const Approval::Rung& rung : approval.escalate) {
      if (rung.add) look(*rung.add);
    }
  }
  for (const auto* list : {&rules.permits, &rules.guards}) {
    for (const Rule& rule : *list) {
      look_all(rule.tests);
      if (rule.unless) look_all(*rule.unless);
    }
  }
}

std::string day_text(const Zone& zone, std::int32_t day) { return time_text(zone.day_start(day) + kDay / 2).substr(0, 10); }

// A stretch of the window that the clock on the wall leaves out as a whole.
void check_window(Study& study, const std::string& name, const NamedWindow& named) {
  const Window& window = named.window;
  const Zone& zone = *window.zone;
  const std::int32_t today = zone.local(study.host().now).day;
  bool any = false, on_any_day = false;
  for (std::int32_t day = today; day < today + 366; ++day) {
    const std::size_t midnight = std::size_t{LocalTime{day, 0}.weekday()} * 1440;
    const bool excepted = std::ranges::binary_search(window.except, day);
    bool inside = false;
    for (std::uint32_t minute = 0; minute < 1440; ++minute) {
      if (!window.minutes[midnight + minute]) continue;
      inside = true;
      const bool begins = minute == 0 ? !window.minutes[(midnight + kMinutesOfWeek - 1) % kMinutesOfWeek] : !window.minutes[midnight + minute - 1];
      if (excepted || !begins) continue;
      std::uint32_t end = minute;
      bool exists = false;
      for (; end < 1440 && window.minutes[midnight + end]; ++end) exists = exists || zone.exists(day, end * 60);
      if (exists || end == 1440) continue;
      study.add("W08", named.place,
                "window " + ticked(name) + " does not open on " + day_text(zone, day) + ": the clock is put forward over all of it; choose a time outside the change");
      return;
    }
    on_any_day = on_any_day || inside;
    any = any || (inside && !excepted);
  }
  if (on_any_day && !any) {
    study.add("W08", named.place, "window " + ticked(name) + " does not open within a year: all its days are days of the calendars in `except`");
  }
}

void check_unused(Study& study) {
  const Host& host = study.host();
  const std::int64_t since = host.now - std::int64_t{host.unused_days} * kDay;
  if (!host.history_from || *host.history_from > since) return;
  for (const auto* list : {&study.rules().permits, &study.rules().guards}) {
    for (const Rule& rule : *list) {
      const auto used = host.used.find(rule.id);
      if (used != host.used.end() && used->second >= since) continue;
      if (host.changed && rule.place.file < study.rules().files.size() && host.changed(study.rules().files[rule.place.file]).value_or(since) > since) continue;
      const auto shown = study.decided_by(rule);
      study.add("W13", rule.place,
                std::string(rule.permit ? "permit " : "guard ") + ticked(rule.id) + " decided nothing in the last " + std::to_string(host.unused_days) +
                    " days" + (used == host.used.end() ? "" : " (last on " + time_text(used->second).substr(0, 10) + ')') + "; is it still needed?",
                nullptr, shown ? &*shown : nullptr);
    }
  }
}

void check_stale(Study& study, const Entry& permit) {
  const auto prone = [](const FactTest& test) { return test.declared != nullptr && (test.declared->fresh_s || !test.declared->initial); };
  const Tests* parts[] = {&permit.rule->tests, permit.rule->unless ? &*permit.rule->unless : nullptr};
  for (const Tests* tests : parts) {
    if (tests == nullptr) continue;
    for (const auto* list : {&tests->flag, &tests->when, &tests->when_any}) {
      for (const FactTest& test : *list) {
        if (!prone(test)) continue;
        Sample found = study.find(study.allowed_part(permit, permit.region));
        if (!found.request) return;
        found.request->via = permit.rule->id;
        if (!decide(study.policy(), *found.request).offer) return;
        AnalysisRequest gone = *found.request;
        gone.facts.readings.erase(test.name);
        gone.facts.unknown.push_back(test.name);
        if (decide(study.policy(), gone).offer) continue;
        study.add("W14", test.text.place,
                  "permit " + ticked(permit.rule->id) + " needs the fact " + ticked(test.name) +
                      (test.declared->fresh_s ? ", which is unknown " + format_duration(*test.declared->fresh_s) + " after it was last set"
                                              : ", which is unknown until it is set") +
                      ": the permit then closes; test it in a guard, or see that its provider never stops",
                  &permit.rule->place, &gone);
      }
    }
  }
}

void check_observed(Study& study) {
  for (const auto& [door, since] : study.host().observing_since) {
    if (!study.rules().covers(door) || study.host().now - since < kObservedTooLong) continue;
    study.add("W15", study.rules().covers_at,
              "the door " + std::string(name_of(door)) + " has only observed for " + std::to_string((study.host().now - since) / kDay) +
                  " days; look at what it would have done (jitctl policy observed), then type: jitctl setup " + std::string(name_of(door)));
  }
}

// What a rule requires and nobody here honours: it closes, and says so only once it is needed.
void check_honoured(Study& study, const Rule& rule) {
  const Host& host = study.host();
  for (const Text& text : rule.require.texts) {
    const std::string_view kind = std::string_view(text.value).substr(0, text.value.find(':'));
    const char* const lacks = kind == "record" && !host.records    ? "sudo's I/O log is not watched by this version"
                              : kind == "notify" && !host.notifies ? "nothing here sends messages (jit-notify is not installed)"
                              : kind == "review" && !host.reviews  ? "this version keeps no reviews"
                                                                   : nullptr;
    if (lacks == nullptr) continue;
    const auto shown = study.decided_by(rule);
    study.add("W20", text.place,
              ticked(rule.id) + " requires " + ticked(text.value) + ", and " + lacks + ": " +
                  (rule.permit ? "the permit gives nothing" : "what the guard matches is closed") + "; take it out until it can be honoured",
              nullptr, shown ? &*shown : nullptr);
  }
}

// The message is queued, and nobody gets it: its channel is misspelt, or still to be made.
void check_channels(Study& study) {
  const auto& channels = study.host().channels;
  if (!channels || !study.host().notifies) return;
  const auto look = [&](const std::string& channel, const Place& place, const Rule* rule) {
    if (std::ranges::find(*channels, channel) != channels->end()) return;
    const auto shown = rule != nullptr ? study.decided_by(*rule) : std::nullopt;
    study.add("W21", place, "no file defines the channel " + ticked(channel) + ": messages wait for it and reach nobody; make /etc/jit/notify.d/" + channel + ".toml (man jit-notify)",
              nullptr, shown ? &*shown : nullptr);
  };
  for (const auto* list : {&study.rules().permits, &study.rules().guards}) {
    for (const Rule& rule : *list) {
      for (const Text& text : rule.require.texts) {
        constexpr std::string_view kNotify = "notify:";
        if (text.value.starts_with(kNotify)) look(text.value.substr(kNotify.size()), text.place, &rule);
      }
    }
  }
  for (const auto& [name, approval] : study.rules().approvals) {
    for (const Approval::Rung& rung : approval.escalate) {
      if (!rung.step.notify.empty()) look(rung.step.notify, rung.place, nullptr);
    }
  }
}

}  // namespace

void check_host(Study& study) {
  study.renew(20'000);
  check_names(study);
  for (const auto& [name, window] : study.rules().windows) check_window(study, name, window);
  check_unused(study);
  study.renew(20'000);
  for (const Entry& permit : study.permits()) check_stale(study, permit);
  check_observed(study);
  for (const Entry& permit : study.permits()) check_honoured(study, *permit.rule);
  for (const Entry& guard : study.guards()) check_honoured(study, *guard.rule);
  check_channels(study);
}

}  // namespace jit::policy::analysis
