// SPDX-License-Identifier: Apache-2.0
// Any text as a policy, as people.d, as a roster and as a calendar: a policy or findings, never both errors and a policy;
// what loads decides; and what is laid out anew says the same.
#include <algorithm>
#include <array>
#include <cstdint>
#include <string>

#include "evidence/text.h"
#include "policy/layout.h"
#include "policy/policy.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace jit::policy;

using jit::fuzz::require;

constexpr std::string_view kPeople = "version = 1\n[[person]]\nname = \"alice\"\nusers = [\"alice\"]\n";

constexpr std::string_view kRoster = R"(issued = 1970-01-01T00:00:00Z
[[shift]]
from = 1970-01-01T00:00:00Z
to = 1970-01-01T08:00:00Z
who = ["user:alice", "group:sre"]
)";
constexpr std::string_view kCalendar =
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//t//EN\r\nBEGIN:VEVENT\r\nUID:1@t\r\nDTSTAMP:19700101T000000Z\r\n"
    "DTSTART;VALUE=DATE:19700102\r\nSUMMARY:off\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
// For a roster and a calendar that chance brings.
constexpr std::string_view kDuty = R"(schema = 1
settings.covers = ["sudo", "su"]
set.on-call = { roster = "oncall.toml", fresh = "6h" }
calendar.off = "holidays-2026.ics"
window.work = { weekly = ["Mon-Fri 00:00-18:00"], except = ["calendar:off"] }
approval.one = { need = [{ from = "set:on-call" }] }
[[permit]]
id = "duty"
who = ["set:on-call"]
during = ["window:work"]
max = "1h"
[[permit]]
id = "asked"
approval = "one"
max = "1h"
)";

Policy::Loaded load(std::string_view rules, std::string_view people, std::string_view roster = kRoster,
                    std::string_view calendar = kCalendar) {
  const std::array<Source, 2> sources{Source{"rules.toml", std::string(rules)},
                                      Source{"more.toml", "schema = 1\nset.more = [\"group:sre\"]\n"}};
  const std::array<Source, 1> persons{Source{"people.toml", std::string(people)}};
  const std::array<std::string, 1> tags{"db"};
  const std::array<Source, 1> calendars{Source{"holidays-2026.ics", std::string(calendar)}};
  const std::array<Source, 1> rosters{Source{"oncall.toml", std::string(roster)}};
  const Policy::Loaded loaded = Policy::load({sources, persons, tags, jit::evidence::sha256_hex, calendars, rosters});
  const auto error = [](const Finding& finding) { return finding.code.starts_with('E'); };
  require((loaded.policy == nullptr) == std::ranges::any_of(loaded.findings, error));
  for (const Finding& finding : loaded.findings) require(!finding.message.empty() && !finding.text().empty());
  return loaded;
}

// Laid out twice it is as laid out once, and the loader finds as much in it as before.
void lay_out_again(const std::string& text, bool loads) {
  Report report;
  const auto laid = lay_out(report.add_file("rules.toml"), text, report);
  require(laid || (report.failed() && !loads));
  if (!laid) return;
  require(lay_out(report.add_file("again.toml"), *laid, report) == laid);
  if (loads) require(load(*laid, kPeople).policy != nullptr);
}

void ask_everything(const Policy& policy) {
  Identity root, alice;
  root.uid = 0;
  root.user = root.person = "root";
  root.groups_known = true;
  alice.uid = 1001;
  alice.user = "alice";
  alice.person = policy.person_name("alice", 1001);
  alice.groups_known = true;
  alice.groups_all = alice.groups_any = {"sre", "dba"};
  for (unsigned i = 0; i < 5U * 3 * 2 * 2; ++i) {
    Request request;
    request.door = static_cast<Door>(i % 5);
    request.from.kind = static_cast<Origin::Kind>(i / 5 % 3);
    request.target_verified = i / 15 % 2 == 0;
    request.can_ask = i / 30 % 2 == 0;
    request.subject = &alice;
    request.target = request.door == Door::kSsh || request.door == Door::kLogin ? &alice : &root;
    request.root = &root;
    const Decision decision = policy.decide(request);
    require(decision.offer.has_value() || decision.outcome == Outcome::kDeny);
    require(policy.covers(request.door) || decision.outcome == Outcome::kDeny);
    if (!decision.offer) {
      require(!decision.why.empty());
      continue;
    }
    const Offer& offer = *decision.offer;
    require(offer.give_s > 0 && offer.give_s <= offer.max_s && offer.wait_s > 0 && offer.claim_s > 0);
    require((decision.outcome == Outcome::kAllow) <= offer.seats.empty());
    require(!policy.refuses_use(offer.rule, offer.fingerprint, request));
    require(policy.refuses_use(offer.rule, "", request).has_value());
    for (const Seat& seat : offer.seats) {
      (void)policy.members(seat.set, 0);
      (void)policy.may_fill(seat.set, alice, 0);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Policy::Loaded loaded = load(text, kPeople);
  if (loaded.policy) ask_everything(*loaded.policy);
  lay_out_again(std::string(text), loaded.policy != nullptr);
  for (const Policy::Loaded& duty : {load(kDuty, kPeople, text), load(kDuty, kPeople, kRoster, text)}) {
    if (duty.policy) ask_everything(*duty.policy);
  }
  (void)load("schema = 1\nsettings.covers = [\"sudo\"]\n", text);
  return 0;
}
