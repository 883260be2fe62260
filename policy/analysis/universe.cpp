// SPDX-License-Identifier: Apache-2.0
// Representatives of time and origin: one of each class that the tests of a policy can hold apart.
#include <algorithm>
#include <set>

#include "policy/analysis/region.h"

namespace jit::policy::analysis {
namespace {

constexpr std::int32_t kDaysAhead = 400;
constexpr std::size_t kMostInstants = 4096;
constexpr std::size_t kDaysOfAClass = 3;  // tried for a time of day: a DST gap may take it from one of them

bool set_bit(const std::bitset<kMinutesOfWeek>& minutes, std::size_t at) { return minutes[at % kMinutesOfWeek]; }

// The minutes of each week day at which some window begins or ends, midnight always.
std::vector<std::vector<std::uint32_t>> edges_of(const RuleSet& policy) {
  std::bitset<kMinutesOfWeek> edges;
  for (const auto& [name, window] : policy.windows) {
    const auto& minutes = window.window.minutes;
    for (std::size_t i = 0; i < kMinutesOfWeek; ++i) {
      if (minutes[i] != set_bit(minutes, i + kMinutesOfWeek - 1)) edges.set(i);
    }
  }
  std::vector<std::vector<std::uint32_t>> out(7);
  for (std::size_t day = 0; day < 7; ++day) {
    for (std::uint32_t minute = 0; minute < 1440; ++minute) {
      if (minute == 0 || edges[day * 1440 + minute]) out[day].push_back(minute);
    }
  }
  return out;
}

// The last address of a net.
Address last_of(const Net& net) {
  Address out = net.base;
  for (unsigned i = net.bits; i < 128; ++i) out.bytes[i / 8] = static_cast<std::uint8_t>(out.bytes[i / 8] | (0x80U >> (i % 8)));
  return out;
}

// False at the highest address.
bool advance(Address& address) {
  for (std::size_t i = 16; i-- > 0;) {
    if (++address.bytes[i] != 0) return true;
  }
  return false;
}

bool mapped(const Address& address) {
  for (std::size_t i = 0; i < 10; ++i) {
    if (address.bytes[i] != 0) return false;
  }
  return address.bytes[10] == 0xff && address.bytes[11] == 0xff;
}

// An address of `net` that lies in none of the smaller nets; `nets` are sorted by base.
std::optional<Address> address_in(const Net& net, const std::vector<Net>& nets) {
  Address at = net.base;
  const Address end = last_of(net);
  if (net.bits < 127 && !advance(at)) return std::nullopt;  // the first of a net is its own name and looks odd
  for (bool moved = true; moved;) {
    moved = false;
    for (const Net& other : nets) {
      if (other.bits <= net.bits || !other.contains(at)) continue;
      at = last_of(other);
      if (at.bytes >= end.bytes || !advance(at)) {
        if (net.bits >= 127 || std::ranges::any_of(nets, [&](const Net& each) { return each.bits > net.bits && each.contains(net.base); })) {
          return std::nullopt;
        }
        at = net.base;
      }
      moved = true;
    }
  }
  at.v4 = mapped(at);
  return at;
}

}  // namespace

Universe::Universe(const RuleSet& policy, std::int64_t now, std::vector<std::string> roots) : policy_(policy), roots_(std::move(roots)) {
  // What BSDs and old systems call a second root: also where the policy is checked elsewhere than where it will hold.
  if (std::ranges::find(roots_, "toor") == roots_.end()) roots_.emplace_back("toor");
  instants_.push_back(now);
  add_instants();
  add_origins();
}

void Universe::add_instants() {
  const std::int64_t first = instants_.front();
  std::set<std::int64_t> seen(instants_.begin(), instants_.end());
  const auto add = [&](std::int64_t at) {
    if (instants_.size() >= kMostInstants) {
      all_instants_ = false;
    } else if (seen.insert(at).second) {
      instants_.push_back(at);
    }
  };
  std::set<std::int32_t> near_rosters;
  std::vector<std::int64_t> roster_edges;
  for (const auto& [name, roster] : policy_.rosters) {
    for (const std::int64_t at : {roster.issued, roster.issued + roster.fresh_s + 1}) roster_edges.push_back(at);
    for (const Shift& shift : roster.shifts) {
      for (const std::int64_t at : {shift.from, shift.to}) {
        if (!roster.stale(at)) roster_edges.push_back(at);
      }
    }
  }
  for (const std::int64_t at : roster_edges) {
    if (at >= first) add(at);
  }
  if (policy_.windows.empty()) return;
  const Zone& zone = *policy_.windows.begin()->second.window.zone;
  const auto edges = edges_of(policy_);
  const std::int32_t today = zone.local(first).day;
  for (const auto& [name, roster] : policy_.rosters) {
    const std::int32_t from = std::max(today, zone.local(roster.issued).day), to = zone.local(roster.issued + roster.fresh_s).day;
    for (std::int32_t day = from; day <= std::min(to, today + kDaysAhead); ++day) near_rosters.insert(day);
  }
  std::set<std::vector<std::int32_t>> excepts;
  for (const auto& [name, window] : policy_.windows) {
    if (!window.window.except.empty()) excepts.insert(window.window.except);
  }
  std::map<std::vector<bool>, std::size_t> classes;
  for (std::int32_t day = today; day <= today + kDaysAhead; ++day) {
    const std::uint32_t weekday = LocalTime{day, 0}.weekday();
    std::vector<bool> key(7);
    key[weekday] = true;
    for (const auto& days : excepts) key.push_back(std::ranges::binary_search(days, day));
    if (++classes[std::move(key)] > kDaysOfAClass && !near_rosters.contains(day)) continue;
    const std::int64_t start = zone.day_start(day);
    for (const std::uint32_t minute : edges[weekday]) {
      std::int64_t at = start + std::int64_t{minute} * 60;
      const LocalTime local = zone.local(at);
      at += (std::int64_t{minute} * 60 - local.second) + (day - local.day) * std::int64_t{86'400};  // past a DST change of that day
      const LocalTime got = zone.local(at);
      if (at >= first && got.day == day && got.second == minute * 60) add(at);
    }
  }
}

void Universe::add_origins() {
  Origin local, unknown;
  local.kind = Origin::Kind::kLocal;
  origins_ = {local};
  std::vector<Net> nets;
  for (const auto& [name, named] : policy_.nets) nets.insert(nets.end(), named.nets.begin(), named.nets.end());
  const auto key = [](const Net& net) { return std::pair(net.base.bytes, net.bits); };
  std::ranges::sort(nets, {}, key);
  nets.erase(std::unique(nets.begin(), nets.end(), [&](const Net& a, const Net& b) { return key(a) == key(b); }), nets.end());
  std::vector<Net> ask = nets;
  // Nets for documentation look like what they are; then all of both kinds.
  ask.push_back({*Address::parse("192.0.2.0"), 120});
  ask.push_back({*Address::parse("::ffff:0.0.0.0"), 96});
  ask.push_back({*Address::parse("2001:db8::"), 32});
  ask.push_back({*Address::parse("::"), 0});
  for (const Net& net : ask) {
    std::vector<Net> others = nets;
    if (net.bits < 96) others.push_back({*Address::parse("::ffff:0.0.0.0"), 96});
    const auto address = address_in(net, others);
    if (!address) continue;
    Origin origin;
    origin.kind = Origin::Kind::kPeer;
    origin.peer = *address;
    origins_.push_back(origin);
  }
  origins_.push_back(unknown);
}

std::uint32_t usual_uid(std::string_view user) {
  if (user == "root") return 0;
  std::uint32_t hash = 2'166'136'261U;
  for (const char c : user) hash = (hash ^ static_cast<unsigned char>(c)) * 16'777'619U;
  return 20'000 + hash % 1'000'000'000;
}

Identity identity_of(const RuleSet& policy, std::string user, std::optional<std::uint32_t> uid, std::vector<std::string> groups) {
  Identity out;
  out.uid = uid.value_or(usual_uid(user));
  const Person* person = policy.person_with(user);
  out.person = person != nullptr ? person->name : "uid:" + std::to_string(out.uid);
  out.user = std::move(user);
  out.groups_known = true;
  out.groups_all = groups;
  out.groups_any = std::move(groups);
  return out;
}

}  // namespace jit::policy::analysis
