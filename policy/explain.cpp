// SPDX-License-Identifier: Apache-2.0
#include "policy/explain.h"

#include <algorithm>
#include <utility>

#include "policy/distance.h"

namespace jit::policy {
namespace {

struct Distance {
  bool explain = false;
  unsigned far = 0;
  std::string why;

  template <class MakeText>
  void add(Truth value, unsigned weight, MakeText text) {
    if (value == Truth::kTrue) return;
    far += weight;
    if (explain) why += (why.empty() ? "" : "; ") + std::string(text(value == Truth::kUnknown));
  }
};

Scene unread(const Scene& scene) { return {scene.policy, scene.request, nullptr}; }

Distance measure(const Rule& permit, const Scene& seen, bool explain) {
  const Scene scene = unread(seen);
  Distance out{explain, 0, {}};
  each_property(permit.tests, scene, *scene.request.target, part_of(permit),
                [&](Truth value, unsigned weight, auto text) { out.add(value, weight, text); });
  if (out.far > 0) return out;
  if (whole(permit, scene, *scene.request.target) != Truth::kTrue) {
    std::string unknown;
    if (explain && permit.unless) {
      each_property(*permit.unless, scene, *scene.request.target, unless_of(permit), [&](Truth value, unsigned, auto text) {
        if (value == Truth::kUnknown) unknown += (unknown.empty() ? ": " : ", ") + std::string(text(true));
      });
    }
    out.add(Truth::kFalse, kNear, [&](bool) { return "an exception (`unless`) takes it away" + unknown; });
  } else if (!permit_matches(permit, scene)) {
    out.add(Truth::kFalse, kNear, [](bool) { return "the target is only claimed here, and it does not hold for root as well"; });
  }
  return out;
}

std::string request_line(const Request& request) {
  std::string line = "jitctl request --door " + std::string(name_of(request.door));
  if (request.target != request.subject && !request.target->user.empty()) line += " --as " + request.target->user;
  return line;
}

// The command belongs to what is asked: without it another rule may answer. The words are typed again by the person, so one
// that a shell would read otherwise stands for itself.
std::string command_part(const Request& request) {
  if (!request.command.known) return {};
  std::string out = " -- ";
  const auto plain = [](std::string_view word) {
    return !word.empty() && std::ranges::all_of(word, [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || std::string_view("_./:=@%+,-").find(c) != std::string_view::npos;
    });
  };
  if (!plain(request.command.path)) return out + "COMMAND";
  out += request.command.path;
  for (const std::string& word : request.command.words) {
    if (!plain(word) || out.size() > 200) return " -- COMMAND";
    out += ' ' + word;
  }
  return out;
}

}  // namespace

std::vector<std::string> requirements(const Offer& offer) {
  std::vector<std::string> out;
  if (offer.reason_required) out.push_back(offer.reason_min > 1 ? "reason:" + std::to_string(offer.reason_min) : "reason");
  for (const std::string& ticket : offer.tickets) out.push_back(ticket.empty() ? "ticket" : "ticket:" + ticket);
  if (offer.record) out.emplace_back("record");
  for (const std::string& channel : offer.notify) out.push_back("notify:" + channel);
  if (offer.review_s > 0) out.push_back("review:" + format_duration(offer.review_s));
  return out;
}

std::string text_wanted(const Offer& offer, const std::vector<std::string>& missing, const Request& request) {
  std::string what, options;
  for (const std::string& kind : missing) {
    what += what.empty() ? "a " : " and a ";
    what += kind;
    if (kind == "reason") {
      if (offer.reason_min > 1) what += " of at least " + std::to_string(offer.reason_min) + " characters";
      options += " --reason TEXT";
    } else {
      std::string patterns;
      for (const std::string& pattern : offer.tickets) {
        if (!pattern.empty()) patterns += (patterns.empty() ? "" : " and ") + pattern;
      }
      if (!patterns.empty()) what += " like " + patterns;
      options += " --ticket TICKET";
    }
  }
  what += missing.size() > 1 ? " are required" : " is required";
  if (offer.break_glass) options += " --via " + offer.rule;
  return what + " and cannot be asked here; ask first: " + request_line(request) + options + command_part(request);
}

std::string choice_wanted(const Offer& offer, const Request& request) {
  return "only break-glass is left, and it is never taken by itself; to choose it: " + request_line(request) + " --via " + offer.rule +
         (offer.reason_required ? " --reason TEXT" : "") + (offer.tickets.empty() ? "" : " --ticket TICKET") + command_part(request);
}

std::string mismatch(const Rule& permit, const Scene& scene) { return measure(permit, scene, true).why; }

unsigned distance(const Rule& permit, const Scene& scene) { return measure(permit, scene, false).far; }

std::vector<NearMiss> near_misses(const Scene& scene, std::size_t most) {
  std::vector<std::pair<unsigned, const Rule*>> all;
  for (const Rule& permit : scene.policy.permits) {
    if (const unsigned far = distance(permit, scene); far > 0) all.emplace_back(far, &permit);
  }
  std::ranges::stable_sort(all, {}, &std::pair<unsigned, const Rule*>::first);
  std::vector<NearMiss> out;
  for (const auto& [far, permit] : all) {
    if (out.size() == most) break;
    out.push_back({permit->id, mismatch(*permit, scene)});
  }
  return out;
}

std::string unknown_parts(const Rule& guard, const Scene& seen) {
  const Scene scene = unread(seen);
  std::string out;
  const auto collect = [&](const Tests& tests, const Part& part) {
    each_property(tests, scene, *scene.request.target, part, [&](Truth value, unsigned, auto text) {
      if (value == Truth::kUnknown) out += (out.empty() ? "" : "; ") + std::string(text(true));
    });
  };
  collect(guard.tests, part_of(guard));
  if (guard.unless) collect(*guard.unless, unless_of(guard));
  return out;
}

}  // namespace jit::policy
