// SPDX-License-Identifier: Apache-2.0
#include "policy/explain.h"

#include <limits>

#include "policy/distance.h"

namespace jit::policy {
namespace {

constexpr std::size_t kMostNear = 8;

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\n\v\f\r";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

std::size_t code_points(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }));
}

bool fits(std::string_view pattern, std::string_view ticket) {
  if (pattern.empty()) return !trimmed(ticket).empty();
  return std::ranges::equal(pattern, ticket, [](char p, char t) { return p == '#' ? t >= '0' && t <= '9' : p == t; });
}

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

Distance distance(const Rule& permit, const Scene& seen, bool explain) {
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

}  // namespace

bool lacks_reason(const Offer& offer, const Request& request) {
  if (!offer.reason_required) return false;
  if (offer.break_glass && request.reason_from_environment) return true;
  return code_points(trimmed(request.reason)) < std::max(1U, offer.reason_min);
}

bool lacks_ticket(const Offer& offer, std::string_view ticket) {
  return std::ranges::any_of(offer.tickets, [&](const std::string& pattern) { return !fits(pattern, ticket); });
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
  return what + " and cannot be asked here; ask first: " + request_line(request) + options;
}

std::string choice_wanted(const Offer& offer, const Request& request) {
  return "only break-glass is left, and it is never taken by itself; to choose it: " + request_line(request) + " --via " + offer.rule +
         (offer.reason_required ? " --reason TEXT" : "") + (offer.tickets.empty() ? "" : " --ticket TICKET");
}

std::string mismatch(const Rule& permit, const Scene& scene) { return distance(permit, scene, true).why; }

Nearest nearest_permits(const Scene& scene) {
  Nearest out;
  const Rule* first = nullptr;
  unsigned least = std::numeric_limits<unsigned>::max();
  for (const Rule& permit : scene.policy.permits) {
    const unsigned far = distance(permit, scene, false).far;
    if (far > least) continue;
    if (far < least) {
      out.ids.clear();
      first = &permit;
      least = far;
    }
    if (out.ids.size() < kMostNear) out.ids.push_back(permit.id);
  }
  out.why = first == nullptr ? "no rule permits anything"
                             : "no rule permits this; the nearest is \"" + first->id + "\": " + mismatch(*first, scene);
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
