// SPDX-License-Identifier: Apache-2.0
// Canonical texts: each value stands with its length, so that no two policies share one.
#include <algorithm>

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
  explicit Signer(const RuleSet& policy) : policy_(policy) {}

  std::string permit(const Rule& rule) {
    text_.put("permit", rule.id);
    tests("is", rule.tests);
    if (rule.unless) tests("unless", *rule.unless);
    if (rule.approval != nullptr) approval(*rule.approval);
    text_.put("reason", rule.reason_min);
    text_.put("give", rule.give_s);
    text_.put("max", rule.max_s);
    text_.put("claim", rule.claim_s);
    if (rule.scope) text_.put("scope", name_of(*rule.scope));
    if (rule.unverified_as) text_.put("unverified-ok", "as");
    return std::move(text_.out);
  }

 private:
  // Whom a name stands for: a person is his users, and a machine is none.
  std::string who(const Principal& leaf) const {
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

  void principals(std::string_view key, std::span<const Principal> leaves) {
    std::vector<std::string> values;
    for (const Principal& leaf : leaves) values.push_back(who(leaf));
    text_.put(key, std::move(values));
  }

  void tests(std::string_view part, const Tests& tests) {
    text_.put("tests", part);
    if (tests.who) principals("who", tests.who->leaves);
    if (tests.as) principals("as", tests.as->leaves);
    std::vector<std::string> values;
    if (tests.door) {
      for (const Door door : *tests.door) values.emplace_back(name_of(door));
      text_.put("door", std::move(values));
    }
    if (tests.hosts) {
      values.clear();
      for (const Principal& tag : tests.hosts->tags) values.push_back(tag.name + (tag.prefix ? "*" : ""));
      text_.put("hosts", std::move(values));
    }
    if (tests.from) {
      values.clear();
      if (tests.from->local) values.emplace_back("local");
      for (const Net& net : tests.from->nets) values.push_back(net.text());
      text_.put("from", std::move(values));
    }
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
  }

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
  text.put("tags", std::vector<std::string>(input.tags.begin(), input.tags.end()));
  return std::move(text.out);
}

}  // namespace

void sign(Draft& draft) {
  for (Rule& permit : draft.out->permits) {
    permit.fingerprint = draft.input.digest(Signer(*draft.out).permit(permit));
  }
  draft.out->hash = draft.input.digest(hash_text(draft.input));
}

}  // namespace jit::policy
