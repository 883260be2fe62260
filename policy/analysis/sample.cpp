// SPDX-License-Identifier: Apache-2.0
// A request in a region, or the proof that there is none. Literals are solved a dimension each; of alternatives the one is
// tried that the model so far leaves out, so that most of them are never looked at.
#include <algorithm>
#include <array>

#include "policy/analysis/sampling.h"

namespace jit::policy::analysis {
namespace {

using Dim = Literal::Dim;

constexpr unsigned kSudoPlace = static_cast<unsigned>(Door::kSudo);

class Searcher {
 public:
  Searcher(const Universe& universe, std::size_t effort) : universe_(universe), left_(effort) {}

  Sample find(const Region& region) {
    std::vector<const Region*> alternatives;
    Literals literals;
    Sample out;
    if (take(region, literals, alternatives) && search(std::move(literals), std::move(alternatives))) {
      out.answer = Sample::Answer::kFound;
      out.request = std::move(found_);
    } else if (too_much_) {
      out.answer = Sample::Answer::kCannotTell;
    }
    return out;
  }

 private:
  // Splits what must hold into literals and alternatives; false: it cannot.
  bool take(const Region& region, Literals& literals, std::vector<const Region*>& alternatives) const {
    switch (region.kind) {
      case Region::Kind::kTest: literals.push_back(&region.literal); return region.literal.wanted != 0;
      case Region::Kind::kAny:
        if (region.parts.empty()) return false;
        if (region.parts.size() == 1) return take(region.parts.front(), literals, alternatives);
        alternatives.push_back(&region);
        return true;
      case Region::Kind::kAll: break;
    }
    return std::ranges::all_of(region.parts, [&](const Region& part) { return take(part, literals, alternatives); });
  }

  bool search(Literals literals, std::vector<const Region*> alternatives) {
    if (left_ == 0) {
      too_much_ = true;
      return false;
    }
    --left_;
    auto model = realise(literals);
    if (!model) return false;
    const auto missed = std::ranges::find_if(
        alternatives, [&](const Region* each) { return !contains(*each, universe_.policy(), *model); });
    if (missed == alternatives.end()) {
      found_ = std::move(model);
      return true;
    }
    const Region* choice = *missed;
    alternatives.erase(missed);
    for (const Region& part : choice->parts) {
      Literals more = literals;
      std::vector<const Region*> rest = alternatives;
      if (take(part, more, rest) && search(std::move(more), std::move(rest))) return true;
      if (too_much_) return false;
    }
    return false;
  }

  std::optional<AnalysisRequest> realise(const Literals& literals) {
    Doors doors = covered_doors(universe_.policy());
    for (const Literal* literal : literals) {
      if (literal->dim == Dim::kConst && (literal->wanted & bit(truth(std::get<bool>(literal->test)))) == 0) return std::nullopt;
      if (literal->dim != Dim::kDoor) continue;
      const Doors these = std::get<Doors>(literal->test);
      doors = static_cast<Doors>(doors & (((literal->wanted & kTrueBit) != 0 ? these : 0) | ((literal->wanted & kFalseBit) != 0 ? ~these : 0)));
    }
    for (unsigned place = 0; place < kDoorPlaces; ++place) {
      if ((doors & (1U << place)) == 0) continue;
      if (auto out = at(place, literals)) return out;
    }
    return std::nullopt;
  }

  // The truth of a test on the command that this door fixes; nothing: the command decides.
  static std::optional<Truth> fixed(const Literal& literal, unsigned place) {
    const bool claimed = place == kClaimed || place == kClaimedOther, sudo = place == kSudoPlace || claimed;
    switch (literal.dim) {
      case Dim::kRun: return sudo && (!claimed || literal.part.claims_ok) ? std::nullopt : std::optional(Truth::kUnknown);
      case Dim::kOptions:
      case Dim::kEnv:
        if (!sudo) return truth(literal.part.permit);
        return !claimed || literal.part.claims_ok ? std::nullopt : std::optional(Truth::kUnknown);
      case Dim::kDigest: return place == kSudoPlace ? std::nullopt : std::optional(Truth::kUnknown);
      default: return std::nullopt;
    }
  }

  std::optional<AnalysisRequest> at(unsigned place, const Literals& literals) {
    AnalysisRequest out;
    const bool claimed = place == kClaimed || place == kClaimedOther;
    out.door = claimed ? Door::kSudo : static_cast<Door>(place);
    out.verified = !claimed;
    const bool login = out.door == Door::kSsh || out.door == Door::kLogin;
    Literals subject, target, during, from, command, facts;
    for (const Literal* literal : literals) {
      switch (literal->dim) {
        case Dim::kWho: subject.push_back(literal); break;
        case Dim::kAs: (login ? subject : target).push_back(literal); break;
        case Dim::kFrom: from.push_back(literal); break;
        case Dim::kDuring: during.push_back(literal); break;
        case Dim::kFact: facts.push_back(literal); break;
        case Dim::kConst:
        case Dim::kDoor: break;
        default:
          if (const auto is = fixed(*literal, place)) {
            if ((literal->wanted & bit(*is)) == 0) return std::nullopt;
          } else {
            command.push_back(literal);
          }
      }
    }
    if (!find_origin(from, out) || find_facts(facts, out) != Try::kFound) return std::nullopt;
    if (out.door == Door::kSudo) {
      const Try got = find_command(command, out);
      too_much_ = too_much_ || got == Try::kTooMuch;
      if (got != Try::kFound) return std::nullopt;
    }
    const Target wanted = out.door == Door::kPolkit || place == kClaimed ? Target::kRoot : place == kClaimedOther ? Target::kOther : Target::kAny;
    if (!find_time_and_people(subject, target, during, login, wanted, out)) return std::nullopt;
    // What is handed out was held against the matcher itself.
    const bool good = std::ranges::all_of(literals, [&](const Literal* literal) {
      Region one;
      one.kind = Region::Kind::kTest;
      one.literal = *literal;
      return contains(one, universe_.policy(), out);
    });
    if (!good) {
      too_much_ = true;
      return std::nullopt;
    }
    return out;
  }

  bool find_origin(const Literals& literals, AnalysisRequest& out) const {
    const auto fits = [&](const Origin& origin) {
      return std::ranges::all_of(literals, [&](const Literal* literal) {
        return (literal->wanted & bit(is_from(*std::get<const OriginTest*>(literal->test), origin))) != 0;
      });
    };
    const auto& all = universe_.origins();
    const bool peer_first = out.door == Door::kSsh;
    auto found = std::ranges::find_if(all, [&](const Origin& origin) { return (!peer_first || origin.kind == Origin::Kind::kPeer) && fits(origin); });
    if (found == all.end()) found = std::ranges::find_if(all, fits);
    if (found == all.end()) return false;
    out.from = *found;
    return true;
  }

  static bool rostered(const Literals& literals) {
    return std::ranges::any_of(literals, [](const Literal* literal) {
      const auto& leaves = std::get<const PrincipalTest*>(literal->test)->leaves;
      return std::ranges::any_of(leaves, [](const Principal& leaf) { return leaf.kind == Principal::Kind::kSet; });
    });
  }

  enum class Target : std::uint8_t { kAny, kRoot, kOther };

  bool find_people(const Literals& subject, const Literals& target, bool login, Target wanted, AnalysisRequest& out) const {
    const RuleSet& policy = universe_.policy();
    auto who = find_identity(universe_, subject, out.now, std::nullopt, "someone");
    if (!who) return false;
    out.subject = std::move(*who);
    out.root = identity_of(policy, "root", 0, {});
    if (login) {
      out.target = out.subject;
      return true;
    }
    const bool other = wanted == Target::kOther;
    const std::optional<std::string> fixed = !other && (wanted == Target::kRoot || target.empty()) ? std::optional<std::string>("root") : std::nullopt;
    auto as = find_identity(universe_, target, out.now, fixed, "somebody", other);
    // Root is preferred where nothing speaks against it: it is what people ask for.
    if (!fixed && !other) {
      if (auto root = find_identity(universe_, target, out.now, "root", "somebody")) as = std::move(root);
    }
    if (!as) return false;
    out.target = std::move(*as);
    if (out.target.user == "root" && out.target.uid == 0) out.root = out.target;
    return true;
  }

  bool find_time_and_people(const Literals& subject, const Literals& target, const Literals& during, bool login, Target wanted,
                            AnalysisRequest& out) {
    const auto now_only = during.empty() && !rostered(subject) && !rostered(target);
    for (const std::int64_t now : universe_.instants()) {
      const bool inside = std::ranges::all_of(during, [&](const Literal* literal) {
        return (literal->wanted & bit(is_during(*std::get<const WindowTest*>(literal->test), now))) != 0;
      });
      if (!inside) continue;
      out.now = now;
      if (find_people(subject, target, login, wanted, out)) return true;
      if (now_only) return false;
    }
    if (!now_only && !universe_.all_instants()) too_much_ = true;
    return false;
  }

  const Universe& universe_;
  std::size_t left_;
  bool too_much_ = false;
  std::optional<AnalysisRequest> found_;
};

}  // namespace

Sample sample(const Universe& universe, const Region& region, std::size_t effort) {
  Sample out = Searcher(universe, effort).find(region);
  if (out.request) {
    // Text that no test looks at, so that an offer lacks none of it.
    out.request->reason = "a reason that is long enough for whoever wants one";
  }
  return out;
}

}  // namespace jit::policy::analysis
