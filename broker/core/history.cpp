// SPDX-License-Identifier: Apache-2.0
#include "broker/core/history.h"

#include <algorithm>
#include <iterator>

namespace jit::core {

namespace {

std::size_t hour_of(WallMs wall) {
  constexpr WallMs kHour = 3'600'000;
  return static_cast<std::size_t>(((wall / kHour) % 24 + 24) % 24);
}

template <class Map>
void drop_oldest(Map& map) {
  const auto oldest = std::ranges::min_element(map, {}, [](const auto& each) { return each.second; });
  if (oldest != map.end()) map.erase(oldest);
}

}  // namespace

bool counts_as_denied(std::string_view cause) { return cause == "policy" || cause == "denied"; }

History::Person& History::of(std::string_view person) {
  const auto known = persons_.find(person);
  if (known != persons_.end()) return known->second;
  if (persons_.size() >= kPersons) {
    const auto oldest = std::ranges::min_element(persons_, {}, [](const auto& each) { return each.second.last; });
    // Who was forgotten looks like one who never did anything: from here on that is not believed of anybody.
    begins_at(oldest->second.last);
    persons_.erase(oldest);
  }
  return persons_[std::string(person)];
}

void History::add(std::string_view person, Deed deed, BootMs at, const Id& id, std::uint32_t count) {
  Person& who = of(person);
  who.first = std::min(who.first, at);
  who.last = std::max(who.last, at);
  Kind& kind = who.kinds[static_cast<std::size_t>(deed)];
  if (kind.entries.size() >= kEach) {
    kind.complete_since = kind.entries.front().at;
    kind.entries.pop_front();
  }
  // Nearly always the newest; entries of another boot may come with times that are out of order.
  const auto place = std::ranges::upper_bound(kind.entries, at, {}, &Entry::at);
  kind.entries.insert(place, {at, id, count});
}

void History::undo(std::string_view person, Deed deed, const Id& id) {
  const auto known = persons_.find(person);
  if (known == persons_.end()) return;
  std::erase_if(known->second.kinds[static_cast<std::size_t>(deed)].entries, [&](const Entry& entry) { return entry.id == id; });
}

void History::erased(BootMs at) { erased_.insert(std::ranges::upper_bound(erased_, at), at); }

void History::used(std::string_view person, std::uint32_t target, WallMs wall) {
  Person& who = of(person);
  if (who.targets.size() >= kTargets && !who.targets.contains(target)) drop_oldest(who.targets);
  WallMs& last = who.targets[target];
  last = std::max(last, wall);
  ++who.hours[hour_of(wall)];
  ++who.uses;
}

std::optional<std::int64_t> History::count(std::string_view person, Deed deed, BootMs since, const Id& but_request,
                                           const Id& but_grant) const {
  if (since < complete_since_) return std::nullopt;
  const auto known = persons_.find(person);
  // An erasure takes all that was before it, so what was erased after something that he is known by was not his.
  const auto his = known == persons_.end() ? erased_.end() : std::ranges::lower_bound(erased_, known->second.first);
  if (his != erased_.begin() && since < *std::prev(his)) return std::nullopt;
  if (known == persons_.end()) return 0;
  if (since < known->second.kinds[static_cast<std::size_t>(deed)].complete_since) return std::nullopt;
  return sum(person, deed, since, but_request, but_grant);
}

std::int64_t History::sum(std::string_view person, Deed deed, BootMs since, const Id& but_request, const Id& but_grant) const {
  const auto known = persons_.find(person);
  if (known == persons_.end()) return 0;
  const Kind& kind = known->second.kinds[static_cast<std::size_t>(deed)];
  std::int64_t count = 0;
  for (auto entry = kind.entries.rbegin(); entry != kind.entries.rend() && entry->at > since; ++entry) {
    const bool own = !entry->id.empty() && (entry->id == but_request || entry->id == but_grant);
    if (!own) count += entry->count;
  }
  return count;
}

bool History::has_target(std::string_view person, std::uint32_t target) const {
  const auto known = persons_.find(person);
  return known != persons_.end() && known->second.targets.contains(target);
}

bool History::odd_hour(std::string_view person, WallMs wall) const {
  const auto known = persons_.find(person);
  if (known == persons_.end() || known->second.uses < kHabit) return false;
  const std::size_t hour = hour_of(wall);
  const auto& hours = known->second.hours;
  return hours[hour] == 0 && hours[(hour + 1) % 24] == 0 && hours[(hour + 23) % 24] == 0;
}

policy::Address Networks::net_of(const policy::Address& address) {
  policy::Address net = address;
  // An IPv4 address stands in the last 4 of the 16 bytes.
  const auto kept = address.v4 ? net.bytes.begin() + 15 : net.bytes.begin() + 8;
  std::fill(kept, net.bytes.end(), std::uint8_t{0});
  return net;
}

bool Networks::saw(const std::string& person, const policy::Address& net, WallMs now) {
  auto& nets = persons_[person];
  const auto known = nets.find(net);
  if (known != nets.end()) {
    const bool old = now - known->second >= kDay;
    if (old) known->second = now;
    return old;
  }
  if (nets.size() >= kEach) {
    drop_oldest(nets);
    --count_;
  }
  if (count_ >= kAll) return false;  // they stay first-seen, which only ever asks for more
  nets.emplace(net, now);
  ++count_;
  return true;
}

bool Networks::knows(std::string_view person, const policy::Address& address) const {
  const auto known = persons_.find(person);
  return known != persons_.end() && known->second.contains(net_of(address));
}

}  // namespace jit::core
