# SPDX-License-Identifier: Apache-2.0
"""The faulty evaluators: (file, what stands there once, what stands there instead)."""

MATCH, FACTS, TERMS = "policy/match.cpp", "policy/facts.cpp", "policy/terms.cpp"
COMBINE, DECIDE, CREW = "policy/combine.cpp", "policy/decide.cpp", "policy/crew.cpp"

MUTANTS = [
    # Who, where, when.
    (MATCH, "side == Side::kOpens ? identity.groups_all : identity.groups_any", "side == Side::kCloses ? identity.groups_all : identity.groups_any"),
    (MATCH, "if (!identity.groups_known) return Truth::kUnknown;", "if (!identity.groups_known) return Truth::kFalse;"),
    (MATCH, "roster->second.stale(now)) return Truth::kUnknown;", "roster->second.stale(now)) return Truth::kFalse;"),
    (MATCH, "if (identity.person.empty() || identity.person.find(':') != std::string::npos) return Truth::kFalse;", ""),
    (MATCH, "case Origin::Kind::kLocal: return truth(test.local);", "case Origin::Kind::kLocal: return Truth::kTrue;"),
    (MATCH, "    case Origin::Kind::kUnknown: break;\n  }\n  return Truth::kUnknown;", "    case Origin::Kind::kUnknown: break;\n  }\n  return Truth::kFalse;"),
    (MATCH, "if (tests.during) out = both(", "if (tests.during) out = either("),
    (MATCH, "truth(tests.hosts->holds)", "truth(!tests.hosts->holds)"),
    # Commands and claims.
    (MATCH, "if (!command.verified && !part.claims_ok) return Truth::kUnknown;", ""),
    (MATCH, "return {rule.permit ? Side::kCloses : Side::kOpens, false, false, false};",
     "return {rule.permit ? Side::kCloses : Side::kOpens, false, rule.unverified_command, false};"),
    (MATCH, "part.permit ? std::ranges::all_of(used, is_listed)", "!part.permit ? std::ranges::all_of(used, is_listed)"),
    (MATCH, "const bool every = part.permit && tests.run;", "const bool every = false;"),
    (MATCH, "if (part.digest) out = both(out, has_digest(request));", ""),
    (MATCH, "return command.verified || part.claims_ok ? truth(holds) : Truth::kUnknown;", "return truth(holds);"),
    (MATCH, "return both(out, whole(permit, scene, *scene.request.root)) == Truth::kTrue;", "return out == Truth::kTrue;"),
    (MATCH, "return either(out, whole(guard, scene, *scene.request.root));", "return out;"),
    (MATCH, "if ((permit != nullptr && permit->unverified_as) || ", "if ("),
    (MATCH, "return both(is, unless == Truth::kTrue ? Truth::kFalse : unless == Truth::kFalse ? Truth::kTrue : Truth::kUnknown);",
     "return both(is, unless == Truth::kTrue ? Truth::kFalse : Truth::kTrue);"),
    (MATCH, "request.command.verified && request.command.digest_bound\n             ? Truth::kTrue\n             : Truth::kUnknown;",
     "request.command.verified\n             ? Truth::kTrue\n             : Truth::kUnknown;"),
    ("policy/command.cpp", "return !word.empty() && word.front() != '-' && word.starts_with(option.text);", "return word.starts_with(option.text);"),
    ("policy/command.cpp", "rest ? argv_words.size() < words.size()", "rest ? argv_words.size() <= words.size()"),
    # Facts.
    (FACTS, "reading->age_s >= limit", "reading->age_s > limit"),
    (FACTS, "const std::uint64_t limit = std::min(vouched, fresh);", "const std::uint64_t limit = std::max(vouched, fresh);"),
    (FACTS, "if (!known.known()) return -1;", "if (!known.known()) return 0;"),
    (MATCH, "for (const FactTest& test : list) some = either(", "for (const FactTest& test : list) some = both("),
    (MATCH, "for (const FactTest& test : tests.when) out = both(out, test_fact(test, scene));", ""),
    # What unites how.
    (TERMS, "same->count = std::max(same->count, need.seat.count);", "same->count += need.seat.count;"),
    (TERMS, "votes_ = std::max(votes_,", "votes_ = std::min(votes_,"),
    (TERMS, "machines_ = machines_ && approval.machines;", "machines_ = approval.machines;"),
    (TERMS, "self_ = self_ && approval.self;", "self_ = approval.self || (approved_ && self_);"),
    (TERMS, "least(wait_, approval.wait_s.value_or(kWait));", "least(wait_, approval.wait_s);"),
    (TERMS, "std::max(require_.reason_min.value_or(0), *require.reason_min)", "*require.reason_min"),
    (TERMS, "least(require_.review_s, require.review_s);", "if (require.review_s) require_.review_s = require.review_s;"),
    (TERMS, "scope_ = std::min(scope_, *rule.scope);", "scope_ = *rule.scope;"),
    (TERMS, "if (!door_has(door_, *rule.scope)) {", "if (rule.permit && !door_has(door_, *rule.scope)) {"),
    (TERMS, "return std::min(give_.value_or(max), max);", "return give_.value_or(max);"),
    (TERMS, "if (step.after_s < offer.wait_s)", "if (step.after_s <= offer.wait_s)"),
    (TERMS, "permit_.tests.run ? Expiry::kFinish : Expiry::kEnd", "Expiry::kEnd"),
    # Which offer is proposed.
    (COMBINE, "return permit.break_glass && std::ranges::find(", "return std::ranges::find("),
    (COMBINE, "if (guard.observe) {", "if (guard.observe && !guard.deny) {"),
    (COMBINE, "std::numeric_limits<std::uint32_t>::max() - p.give_s", "p.give_s"),
    (COMBINE, "requirement_count(p.offer),", "0,"),
    (COMBINE, "seat_count(p.offer), requirement_count", "p.offer.seats.size(), requirement_count"),
    (COMBINE, "ra != rb ? ra < rb : a.permit->id < b.permit->id", "ra != rb ? ra < rb : a.permit->id > b.permit->id"),
    (COMBINE, "if (offer.record && request.door != Door::kSudo) {", "if (offer.record && !request.recorder) {"),
    (DECIDE, "if (!proposal.permit->break_glass || !request.via.empty())", "if (true)"),
    (DECIDE, "if (!scene.policy.covers(request.door)) return deny(not_covered(request.door));", ""),
    # Who can fill the seats.
    (CREW, "if (member.user == requester->user) return true;", ""),
    (CREW, "if (member.entry != nullptr && member.entry->machine && !quorum_.machines) return false;", ""),
    (CREW, "return votes == Votes::kSigned || key.hardware;", "return key.hardware;"),
    (CREW, "closed_eligible_.push_back(open ? everybody_with_keys() : names);", "closed_eligible_.push_back(names);"),
    (CREW, "!person.machine && is_requester(policy_, member, requester_) &&", "is_requester(policy_, member, requester_) &&"),
    ("policy/seats.cpp", "if (held[person] != kNobody) {", "if (held[person] != kNobody && start == kNobody) {"),
    ("policy/policy.cpp", "(!revoked || now < *revoked)", "true"),
    # Time and place.
    ("policy/window.cpp", "*end > *begin ? *end - *begin : *end + kDayMinutes - *begin", "*end >= *begin ? *end - *begin : *end + kDayMinutes - *begin"),
    ("policy/window.cpp", "return minutes[now.minute_of_week()] && !std::ranges::binary_search(except, now.day);", "return minutes[now.minute_of_week()];"),
    ("policy/roster.cpp", "now > issued + fresh_s", "now >= issued + fresh_s"),
]
