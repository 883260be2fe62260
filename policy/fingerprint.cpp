// SPDX-License-Identifier: Apache-2.0
// Canonical texts: each value stands with its length, so that no two policies share one.
#include <algorithm>
#include <bit>
#include <utility>

#include "policy/canonical.h"
#include "policy/crew.h"
#include "policy/draft.h"

namespace jit::policy {
namespace {

class Canonical {
 public:
  void put(std::string_view key, std::string_view value) {
    for (const std::string_view part : {key, value}) {
      out += std::to_string(part.size());
      out += ':';
      out += part;
    }
    out += '\n';
  }
  void put(std::string_view key, const std::optional<std::uint32_t>& value) {
    if (value) put(key, std::to_string(*value));
  }
  // A list is OR: its order and repetitions mean nothing.
  void put(std::string_view key, std::vector<std::string> values) {
    std::ranges::sort(values);
    values.erase(std::unique(values.begin(), values.end()), values.end());
    put(key, "list " + std::to_string(values.size()));
    for (const std::string& value : values) put(key, value);
  }

  std::string out;
};

class Signer {
 public:
  explicit Signer(const Draft& draft) : calendars_(draft.input.calendars), by_days_(false), policy_(*draft.out) {}
  // Calendars by their days.
  explicit Signer(const RuleSet& policy) : by_days_(true), policy_(policy) {}

  std::string permit(const Rule& rule) {
    both_kinds("permit", rule, [&] { text_.put("claim", rule.claim_s); });
    if (rule.unverified_as) text_.put("unverified-ok", "as");
    if (rule.unverified_command) text_.put("unverified-ok", "command");
    if (rule.break_glass) text_.put("break-glass", "yes");
    if (rule.digest) text_.put("digest", "yes");
    if (rule.on_expiry) text_.put("on-expiry", name_of(*rule.on_expiry));
    text_.put("run-max", rule.run_max_s);
    if (rule.warn_before_s) {
      std::vector<std::string> times;
      for (const std::uint32_t time : *rule.warn_before_s) times.push_back(std::to_string(time));
      text_.put("warn-before", std::move(times));
    }
    return std::move(text_.out);
  }

  std::string guard(const Rule& rule) {
    both_kinds("guard", rule, [] {});
    if (rule.deny) text_.put("deny", *rule.deny);
    std::vector<std::string> yields;
    for (const Text& name : rule.yields_to) yields.push_back(name.value);
    text_.put("yields-to", std::move(yields));
    if (rule.observe) text_.put("mode", "observe");
    return std::move(text_.out);
  }

 private:
  template <class Between>
  void both_kinds(std::string_view kind, const Rule& rule, Between between) {
    text_.put(kind, rule.id);
    tests("is", rule.tests);
    if (rule.unless) tests("unless", *rule.unless);
    if (rule.approval != nullptr) approval(*rule.approval);
    require(rule.require);
    text_.put("give", rule.give_s);
    text_.put("max", rule.max_s);
    between();
    if (rule.scope) text_.put("scope", name_of(*rule.scope));
  }

  // Whom a name stands for: a person is his users, and a machine is none.
  std::string who(const Principal& leaf) const {
    if (leaf.kind == Principal::Kind::kSet) return rostered(leaf);
    std::string out = leaf.text();
    const auto add = [&](const Person& person) {
      Canonical inner;
      inner.put("person", person.name);
      inner.put("users", person.users);
      inner.put("machine", person.machine ? "yes" : "no");
      out += '\n' + inner.out;
    };
    if (leaf.kind == Principal::Kind::kPerson) {
      for (const Person& person : policy_.people) {
        if (leaf.matches(person.name)) add(person);
      }
    } else if (leaf.kind == Principal::Kind::kUser && leaf.uid == kNoUid && !leaf.prefix) {
      if (const Person* person = policy_.person_with(leaf.name)) add(*person);
    }
    return out;
  }

  // A set from a roster is its file and how old that may be: who is on duty is asked at each use.
  std::string rostered(const Principal& leaf) const {
    Canonical inner;
    inner.put("set", leaf.name);
    if (const auto roster = policy_.rosters.find(leaf.name); roster != policy_.rosters.end()) {
      inner.put("roster", roster->second.file);
      inner.put("fresh", std::to_string(roster->second.fresh_s));
    }
    return std::move(inner.out);
  }

  void require(const Requirements& require) {
    text_.put("reason", require.reason_min);
    if (!require.tickets.empty()) text_.put("tickets", require.tickets);
    if (require.record) text_.put("record", "yes");
    if (!require.notify.empty()) text_.put("notify", require.notify);
    text_.put("review", require.review_s);
  }

  void principals(std::string_view key, std::span<const Principal> leaves) {
    std::vector<std::string> values;
    for (const Principal& leaf : leaves) values.push_back(who(leaf));
    text_.put(key, std::exchange(values, {}));
  }

  void tests(std::string_view part, const Tests& tests) {
    text_.put("tests", part);
    if (tests.who) principals("who", tests.who->leaves);
    if (tests.as) principals("as", tests.as->leaves);
    std::vector<std::string> values;
    if (tests.door) {
      for (const Door door : *tests.door) values.emplace_back(name_of(door));
      text_.put("door", std::exchange(values, {}));
    }
    if (tests.hosts) {
      values.clear();
      for (const Principal& tag : tests.hosts->tags) values.push_back(tag.name + (tag.prefix ? "*" : ""));
      text_.put("hosts", std::exchange(values, {}));
    }
    if (tests.from) {
      values.clear();
      if (tests.from->local) values.emplace_back("local");
      for (const Net& net : tests.from->nets) values.push_back(net.text());
      text_.put("from", std::exchange(values, {}));
    }
    if (tests.run) {
      values.clear();
      for (const CommandPattern* pattern : tests.run->patterns) values.push_back(command(*pattern));
      text_.put("run", std::exchange(values, {}));
    }
    const auto words = [&](std::string_view key, const std::optional<WordTest>& test) {
      if (!test) return;
      values.clear();
      for (const Text& word : test->words) values.push_back(word.value);
      text_.put(key, std::exchange(values, {}));
    };
    words("options", tests.options);
    words("env", tests.env);
    if (tests.during) {
      values.clear();
      for (const Text& name : tests.during->names) values.push_back(window(policy_.windows.find(name.value)->second));
      text_.put("during", std::exchange(values, {}));
    }
    facts("flag", tests.flag);
    facts("when", tests.when);
    facts("when-any", tests.when_any);
  }

  static std::string command(const CommandPattern& pattern) {
    Canonical inner;
    inner.put("paths", pattern.paths);
    for (const WordPattern& word : pattern.words) {
      std::vector<std::string> options;
      for (const WordPattern::Option& option : word.options) options.push_back((option.prefix ? "prefix " : "is ") + option.text);
      inner.put("word", std::move(options));
    }
    if (pattern.rest) inner.put("rest", "yes");
    return std::move(inner.out);
  }

  // The text of a calendar, not its days: those move on with the time of the load.
  std::string window(const NamedWindow& named) const {
    Canonical inner;
    inner.put("zone", policy_.settings.timezone);
    inner.put("minutes", named.window.minutes.to_string());
    std::vector<std::string> calendars;
    if (by_days_) {
      for (const std::int32_t day : named.window.except) calendars.push_back(std::to_string(day));
      if (!calendars.empty()) inner.put("except", std::move(calendars));
      return std::move(inner.out);
    }
    for (const Text& name : named.calendars) {
      const std::string& file = policy_.calendars.find(name.value)->second.file.value;
      const auto source = std::ranges::find(calendars_, file, &Source::name);
      if (source != calendars_.end()) calendars.push_back(source->text);
    }
    if (!calendars.empty()) inner.put("except", std::move(calendars));
    return std::move(inner.out);
  }

  static std::string value(const Value& value) {
    Canonical inner;
    const std::string kind = std::to_string(value.index());
    if (const bool* flag = std::get_if<bool>(&value)) inner.put(kind, *flag ? "true" : "false");
    if (const auto* number = std::get_if<std::int64_t>(&value)) inner.put(kind, std::to_string(*number));
    if (const auto* decimal = std::get_if<double>(&value)) inner.put(kind, std::to_string(std::bit_cast<std::uint64_t>(*decimal)));
    if (const auto* text = std::get_if<std::string>(&value)) inner.put(kind, *text);
    return std::move(inner.out);
  }

  void facts(std::string_view key, const std::vector<FactTest>& list) {
    if (list.empty()) return;
    std::vector<std::string> values;
    for (const FactTest& test : list) {
      Canonical inner;
      inner.put("name", test.name);
      inner.put("op", std::to_string(static_cast<unsigned>(test.op)));
      inner.put("literal", value(test.literal));
      if (const FactRule* fact = test.declared) {
        inner.put("type", std::to_string(static_cast<unsigned>(fact->type)));
        inner.put("fresh", fact->fresh_s);
        if (fact->initial) inner.put("initial", value(*fact->initial));
        inner.put("by", fact->by);
      }
      values.push_back(std::move(inner.out));
    }
    text_.put(key, std::exchange(values, {}));
  }

  void approval(const Approval& approval) {
    std::vector<const Approval::Need*> needs;
    for (const Approval::Need& need : approval.need) needs.push_back(&need);
    std::ranges::sort(needs, {}, [](const Approval::Need* need) { return need->seat.set; });
    text_.put("approval", std::to_string(needs.size()));
    for (const Approval::Need* need : needs) {
      text_.put("set", need->seat.set);
      text_.put("count", std::to_string(need->seat.count));
      const Principal& from = need->from.principal;
      if (from.kind == Principal::Kind::kSet) {
        principals("from", policy_.sets.find(from.name)->second.leaves);
      } else {
        principals("from", std::span(&from, 1));
      }
    }
    text_.put("wait", approval.wait_s);
    text_.put("votes", name_of(approval.votes.value_or(policy_.votes.value_or(Votes::kAny))));
    if (approval.machines) text_.put("machines", "yes");
    if (approval.match) text_.put("match", "yes");
    if (approval.self) text_.put("self", "yes");
    std::vector<std::string> rungs;
    for (const Approval::Rung& rung : approval.escalate) {
      Canonical inner;
      inner.put("after", std::to_string(rung.step.after_s));
      inner.put("to", rung.step.to);
      inner.put("notify", rung.step.notify);
      if (rung.add) {
        std::vector<std::string> added;
        for (const Principal& leaf : expand_principal(policy_, rung.add->principal)) added.push_back(who(leaf));
        inner.put("add", rung.step.add);
        inner.put("added", std::move(added));
      }
      rungs.push_back(std::move(inner.out));
    }
    if (!rungs.empty()) text_.put("escalate", std::move(rungs));
  }

  const std::span<const Source> calendars_;
  const bool by_days_;
  const RuleSet& policy_;
  Canonical text_;
};

std::string hash_text(const Policy::Input& input) {
  Canonical text;
  const auto add = [&](std::string_view kind, std::span<const Source> sources) {
    std::vector<const Source*> sorted;
    for (const Source& source : sources) sorted.push_back(&source);
    std::ranges::sort(sorted, {}, [](const Source* s) { return std::pair<std::string_view, std::string_view>(s->name, s->text); });
    text.put(kind, std::to_string(sorted.size()));
    for (const Source* source : sorted) text.put(source->name, source->text);
  };
  add("rules", input.rules);
  add("people", input.people);
  add("calendars", input.calendars);
  add("rosters", input.rosters);
  text.put("tags", std::vector<std::string>(input.tags.begin(), input.tags.end()));
  return std::move(text.out);
}

}  // namespace

std::string canonical_text(const RuleSet& policy, const Rule& rule) {
  Signer signer(policy);
  return rule.permit ? signer.permit(rule) : signer.guard(rule);
}

void sign(Draft& draft) {
  for (Rule& permit : draft.out->permits) {
    permit.fingerprint = draft.input.digest(Signer(draft).permit(permit));
  }
  draft.out->hash = draft.input.digest(hash_text(draft.input));
}

}  // namespace jit::policy
