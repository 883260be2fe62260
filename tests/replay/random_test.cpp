// SPDX-License-Identifier: Apache-2.0
// Whatever is asked, its record is enough to decide it again.
#include <map>
#include <random>

#include "broker/core/record.h"
#include "evidence/text.h"
#include "tests/replay/history.h"

namespace jit::core_test {

namespace {

constexpr char kWide[] = R"(schema = 1
[settings]
covers = ["sudo", "su", "ssh"]
timezone = "Europe/Prague"
[set]
staff = ["group:staff", "user:deputy"]
[net]
vpn = ["10.99.0.0/16", "2001:db8:20::/48"]
[command]
look = [["/bin/ls", "**"], ["/bin/cat", "{a|b}"]]
cat = [["/bin/cat", "**"]]
[window]
work = { weekly = ["Mon-Fri 08:00-18:00"] }
[fact.freeze]
type = "bool"
initial = false
[fact.weight]
type = "float"
[fact.team]
type = "string"
initial = "red"
[approval.one]
need = [{ from = "set:staff" }]
[approval.bob]
need = [{ from = "user:bob" }]
[[permit]]
id = "a-run"
who = ["set:staff"]
door = ["sudo"]
as = ["user:root", "user:web"]
run = ["command:look"]
options = ["-D"]
env = ["LANG"]
unverified-ok = ["command"]
max = "1h"
[[permit]]
id = "b-any"
who = ["group:staff"]
door = ["sudo", "su"]
approval = "one"
require = ["ticket:CHG-##"]
max = "2h"
[[permit]]
id = "c-in"
who = ["person:Alice", "group:guests"]
door = ["ssh"]
from = ["net:vpn"]
during = ["window:work"]
require = ["reason:4"]
max = "8h"
[[permit]]
id = "d-glass"
break-glass = true
who = ["set:staff"]
door = ["su"]
as = ["user:root"]
require = ["reason:10"]
max = "30m"
[[permit]]
id = "e-heavy"
who = ["group:guests"]
door = ["sudo"]
when = ["weight >= 0.5"]
unless.run = ["command:cat"]
approval = "bob"
require = ["notify:pager", "review:24h", "record"]
max = "1h"
[[guard]]
id = "g-freeze"
flag = ["freeze"]
unless.who = ["user:deputy"]
deny = "freeze"
yields-to = ["d-glass"]
[[guard]]
id = "h-team"
when-any = ["team == \"blue\"", "count.denied.1h > 3", "urgency == \"critical\""]
require = ["reason"]
max = "10m"
[[guard]]
id = "i-root"
as = ["group:wheel"]
door = ["sudo"]
approval = "one"
)";

class Any {
 public:
  explicit Any(unsigned seed) : random_(seed) {}
  std::size_t below(std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(random_); }
  bool one_in(std::size_t n) { return below(n) == 0; }
  template <class T>
  T of(std::initializer_list<T> list) { return list.begin()[below(list.size())]; }
  std::vector<std::string> some(std::initializer_list<const char*> list) {
    std::vector<std::string> out;
    for (const char* each : list) {
      if (one_in(2)) out.emplace_back(each);
    }
    return out;
  }

 private:
  std::mt19937 random_;
};

class Set final : public policy::Facts {
 public:
  const policy::Reading* find(std::string_view name) const override {
    const auto it = held.find(name);
    return it == held.end() ? nullptr : &it->second;
  }
  std::map<std::string, policy::Reading, std::less<>> held;
};

policy::Identity anybody(Any& any, const policy::Policy& policy) {
  policy::Identity out;
  out.user = any.of({"alice", "bob", "deputy", "web", "root", "z\xc3\xb6""e"});
  out.uid = out.user == "root" ? 0 : 1000 + static_cast<std::uint32_t>(out.user.size());
  out.person = policy.person_name(out.user, out.uid);
  out.groups_known = !any.one_in(6);
  if (out.groups_known) {
    out.groups_any = any.some({"staff", "guests", "wheel", "with space", "\xff"});
    out.groups_all = out.groups_any;
    if (any.one_in(3) && !out.groups_all.empty()) out.groups_all.pop_back();
  }
  return out;
}

}  // namespace

TEST_CASE("a record is enough to decide again", "[replay]") {
  const auto policy = load_policy(kWide, "version = 1\n[[person]]\nname = \"Alice\"\nusers = [\"alice\"]\n[[person]]\nname = \"Bob\"\nusers = [\"bob\"]\n");
  Any any(20261125);
  Replay replay(*policy);
  std::map<std::string_view, std::size_t> outcomes;
  for (int round = 0; round < 20'000 * JIT_CASES_PERCENT / 100; ++round) {
    const policy::Identity subject = anybody(any, *policy), other = anybody(any, *policy), root = [&] {
      policy::Identity out = anybody(any, *policy);
      out.user = "root";
      out.uid = 0;
      out.person = policy->person_name("root", 0);
      return out;
    }();
    policy::Request view;
    view.door = any.of({policy::Door::kSudo, policy::Door::kSu, policy::Door::kSsh});
    view.subject = &subject;
    view.target = view.door == policy::Door::kSsh ? &subject : any.one_in(2) ? &root : &other;
    view.root = &root;
    view.target_verified = view.door != policy::Door::kSudo || any.one_in(2);
    view.from.kind = any.of({policy::Origin::Kind::kUnknown, policy::Origin::Kind::kLocal, policy::Origin::Kind::kPeer});
    if (view.from.kind == policy::Origin::Kind::kPeer) view.from.peer = *policy::Address::parse(any.of({"10.99.1.2", "2001:db8:20::1", "192.0.2.1"}));
    view.reason = any.of({"", " ", "why", "abcd", "  abcde\xc3\xa9  ", "a long reason, to be sure"});
    view.reason_from_environment = any.one_in(4);
    view.ticket = any.of({"", "CHG-12", "CHG-1", "\x01"});
    view.urgency = any.of({"low", "normal", "high", "critical"});
    view.via = any.of({"", "", "", "", "a-run", "d-glass", "none"});
    view.can_ask = any.one_in(2);
    if (any.one_in(3)) view.asked_s = any.of({60U, 3600U, 86400U});
    view.recorder = any.one_in(2);
    view.can_notify = any.one_in(2);
    view.can_review = any.one_in(2);
    view.now = 1'790'000'000 + static_cast<std::int64_t>(any.below(14 * 86400));
    if (any.one_in(4)) view.seats_at = view.now - static_cast<std::int64_t>(any.below(14 * 86400));
    const std::vector<std::string> argv{"sudo", any.of({"ls", "cat"}), any.of({"a", "c", "-l", "\xff", ""})};
    const auto options = any.some({"-D", "-i"}), env = any.some({"LANG", "LD_PRELOAD"});
    if (view.door == policy::Door::kSudo && !any.one_in(5)) {
      view.command = {true, any.one_in(2), any.of({"/bin/ls", "/bin/cat", "", "/bin/\xff"}), std::span(argv).subspan(2), options, env, any.one_in(2)};
    }
    Set facts;
    const auto maybe = [&](const char* name, policy::Value value) {
      if (!any.one_in(3)) facts.held.insert({name, {std::move(value), 0, {}}});
    };
    maybe("freeze", any.one_in(3));
    maybe("weight", any.of({0.5, 0.1, 1e-9, 12345678.25}));
    maybe("team", std::string(any.of({"red", "blue", "a \"b\" \\ \n"})));
    maybe("count.denied.1h", std::int64_t{any.of({0, 4})});
    view.facts = &facts;

    const policy::Decision decision = policy->decide(view);
    ++outcomes[policy::name_of(decision.outcome)];
    AuditEntry entry;
    entry.type = "access.denied";
    entry.sequence = 7;
    nlohmann::json fields;
    fields["argv"] = nlohmann::json::array();
    for (const std::string& word : argv) fields["argv"].push_back(evidence::escape(word));
    fields["decision"] = nlohmann::json::parse(record_of(view, decision, 2, "p", "t"));
    entry.fields = fields.dump();
    Past past = decisions({entry}).front();
    CHECK(past.id == "#7");
    replay.add(past);
    if (replay.changed() > 0) FAIL(replay.changes().front().before << " -> " << replay.changes().front().after << ": " << entry.fields);
    REQUIRE(replay.unknown().empty());
  }
  for (const char* const outcome : {"allow", "approval", "needs", "deny"}) {
    INFO(outcome);
    CHECK(outcomes[outcome] > 50 * JIT_CASES_PERCENT / 100);
  }
}

}  // namespace jit::core_test
