// SPDX-License-Identifier: Apache-2.0
#include "policy/cases.h"

#include <algorithm>

#include "policy/read_cases.h"

namespace jit::policy {
namespace {

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
  return out.empty() ? "none" : out;
}

std::string seat_text(const Seat& seat) { return seat.count == 1 ? seat.set : std::to_string(seat.count) + " of " + seat.set; }

std::vector<std::string> seat_texts(const std::vector<Seat>& seats) {
  std::vector<std::string> out;
  for (const Seat& seat : seats) out.push_back(seat_text(seat));
  std::ranges::sort(out);
  return out;
}

class Differences {
 public:
  template <class T, class Show>
  void compare(std::string_view what, const std::optional<T>& want, const T& got, Show show) {
    if (!want || *want == got) return;
    out.push_back(std::string(what) + " is " + std::string(show(got)) + ", expected " + std::string(show(*want)));
  }
  std::vector<std::string> out;
};

}  // namespace

const Reading* SupposedFacts::find(std::string_view name) const {
  static const Reading kZero{std::int64_t{0}, 0, {}};
  static const Reading kNo{false, 0, {}};
  static const Reading kIdle{0.0, 0, {}};
  if (const auto given = given_.find(name); given != given_.end()) return &given->second;
  if (name.starts_with("count.") || name == "risk") return &kZero;
  if (name == "from.first-seen") return &kNo;
  return name == "load" ? &kIdle : nullptr;
}

Request SupposedRequest::view() const {
  Request out;
  out.door = door;
  out.subject = &subject;
  out.target = &target;
  out.root = &root;
  out.target_verified = verified;
  out.from = from;
  out.reason = reason;
  out.ticket = ticket;
  out.urgency = urgency;
  out.via = via;
  out.can_ask = can_ask;
  out.asked_s = asked_s;
  out.now = now;
  out.facts = &facts;
  out.recorder = recorder;
  out.can_notify = out.can_review = true;
  out.command = {argv.has_value(), verified, path, words, options, env, verified};
  return out;
}

std::vector<std::string> requirements_of(const Offer& offer) {
  std::vector<std::string> out;
  if (offer.reason_required) out.push_back(offer.reason_min > 1 ? "reason:" + std::to_string(offer.reason_min) : "reason");
  for (const std::string& ticket : offer.tickets) out.push_back(ticket.empty() ? "ticket" : "ticket:" + ticket);
  if (offer.record) out.emplace_back("record");
  for (const std::string& channel : offer.notify) out.push_back("notify:" + channel);
  if (offer.review_s > 0) out.push_back("review:" + format_duration(offer.review_s));
  std::ranges::sort(out);
  return out;
}

std::vector<std::string> differences(const Decision& decision, const Expected& expected) {
  Differences all;
  const auto word = [](auto value) { return name_of(value); };
  const auto text = [](const std::string& value) { return value.empty() ? std::string("none") : value; };
  all.compare("outcome", expected.outcome, decision.outcome, word);
  all.compare("then", expected.then, decision.then, word);
  const Offer none;
  const Offer& offer = decision.offer ? *decision.offer : none;
  all.compare("permit", expected.permit, offer.rule, text);
  if (expected.seats) all.compare("seats", std::optional(seat_texts(*expected.seats)), seat_texts(offer.seats), joined);
  all.compare("require", expected.require, requirements_of(offer), joined);
  all.compare("lasts", expected.lasts_s, offer.give_s, format_duration);
  all.compare("max", expected.max_s, offer.max_s, format_duration);
  if (expected.scope && decision.offer) all.compare("scope", expected.scope, offer.scope, word);
  if (expected.scope && !decision.offer) all.out.emplace_back("there is no offer, and so no scope");
  if (expected.text) {
    std::string why;
    for (const std::string& line : decision.why) why += line + '\n';
    if (why.find(*expected.text) == std::string::npos) all.out.push_back("the answer does not say \"" + *expected.text + "\"; it says: " + joined(decision.why));
  }
  return std::move(all.out);
}

CaseRun run_cases(const Policy::Input& input, std::span<const Source> files, std::int64_t now) {
  CaseRun out;
  Report report;
  std::vector<Case> cases;
  for (const Source& source : files) {
    const std::uint32_t file = report.add_file(source.name);
    if (const auto root = parse_document(file, source.text, report)) read_cases(*root, now, input, report, cases);
  }
  // A host's tags and people are fixed in a policy: each kind of supposed host gets one of its own.
  using World = std::pair<std::vector<std::string>, std::vector<std::string>>;
  std::map<World, std::shared_ptr<const Policy>> worlds;
  for (Case& one : cases) {
    World key{one.request.tags.value_or(std::vector<std::string>(input.tags.begin(), input.tags.end())), one.request.people};
    auto [world, added] = worlds.emplace(std::move(key), nullptr);
    if (added) world->second = load_for(input, world->first.first, world->first.second);
    CaseResult result{one.name, report.text_of(one.place), {}};
    if (world->second == nullptr) {
      result.differences.emplace_back("the policy does not load");
    } else {
      name_persons(one.request, *world->second);
      result.differences = differences(world->second->decide(one.request.view()), one.expected);
    }
    if (!result.differences.empty()) report.add("E09", one.place, "test \"" + one.name + "\" fails: " + joined(result.differences));
    out.results.push_back(std::move(result));
  }
  out.findings = report.take();
  return out;
}

}  // namespace jit::policy
