// SPDX-License-Identifier: Apache-2.0
#include "policy/explain.h"

#include <limits>

#include "policy/match.h"

namespace jit::policy {
namespace {

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

std::string shown(const Identity& identity) {
  return identity.user.empty() ? "uid " + std::to_string(identity.uid) : identity.user;
}

// How far a permit is from the request: one that is not for this user is farther than one for another host. The text is
// made only where it is wanted: a denial looks at every permit.
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

Distance distance(const Rule& permit, const Request& request, bool explain) {
  const Tests& tests = permit.tests;
  Distance out{explain, 0, {}};
  if (tests.who) {
    out.add(is_one_of(tests.who->leaves, *request.subject, Side::kOpens), 8, [&](bool unknown) {
      const std::string user = shown(*request.subject);
      return unknown ? "whether it is for " + user + " cannot be told (the directory did not answer)" : "it is not for " + user;
    });
  }
  if (tests.door) {
    out.add(truth(std::ranges::find(*tests.door, request.door) != tests.door->end()), 4,
            [&](bool) { return "it is not for the door " + std::string(name_of(request.door)); });
  }
  if (tests.as) {
    out.add(is_one_of(tests.as->leaves, *request.target, Side::kOpens), 4, [&](bool unknown) {
      const std::string target = shown(*request.target);
      return unknown ? "whether it allows the target " + target + " cannot be told (the directory did not answer)"
                     : "it does not allow the target " + target;
    });
  }
  if (tests.hosts) out.add(truth(tests.hosts->holds), 2, [](bool) { return "it is not for this host"; });
  if (tests.from) {
    out.add(is_from(*tests.from, request.from), 1, [](bool unknown) {
      return unknown ? "where the login came from is not known" : "it does not allow this origin";
    });
  }
  if (out.far > 0) return out;
  if (!permit_matches(permit, request, *request.target)) {
    out.add(Truth::kFalse, 1, [](bool) { return "an exception (`unless`) takes it away"; });
  } else if (!permit_matches(permit, request)) {
    out.add(Truth::kFalse, 1, [](bool) { return "the target is only claimed here, and it does not hold for root as well"; });
  }
  return out;
}

}  // namespace

bool lacks_reason(const Offer& offer, std::string_view reason) {
  return offer.reason_required && code_points(trimmed(reason)) < std::max(1U, offer.reason_min);
}

std::string reason_wanted(const Offer& offer, const Request& request) {
  const std::string length =
      offer.reason_min > 1 ? "of at least " + std::to_string(offer.reason_min) + " characters " : "";
  std::string line = "jitctl request --door " + std::string(name_of(request.door));
  if (request.target != request.subject && !request.target->user.empty()) line += " --as " + request.target->user;
  return "a reason " + length + "is required and cannot be asked here; ask first: " + line + " --reason TEXT";
}

std::string mismatch(const Rule& permit, const Request& request) { return distance(permit, request, true).why; }

std::string nearest_permit(const RuleSet& policy, const Request& request) {
  const Rule* nearest = nullptr;
  unsigned least = std::numeric_limits<unsigned>::max();
  for (const Rule& permit : policy.permits) {
    const unsigned far = distance(permit, request, false).far;
    if (far >= least) continue;
    least = far;
    nearest = &permit;
  }
  if (nearest == nullptr) return "no rule permits anything";
  return "no rule permits this; the nearest is \"" + nearest->id + "\": " + mismatch(*nearest, request);
}

}  // namespace jit::policy
