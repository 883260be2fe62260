// SPDX-License-Identifier: Apache-2.0
// How much one may ask, and how many may wait.
#include "broker/core/impl.h"

namespace jit::core {

std::vector<std::uint32_t> quota_of(std::uint32_t uid, std::uint32_t loginuid) {
  std::vector<std::uint32_t> out{uid};
  if (loginuid != policy::kNoUid && loginuid != uid) out.push_back(loginuid);
  return out;
}

bool promptless(const Ask& ask) { return ask.door == policy::Door::kSsh && !ask.can_ask && ask.budget_s > 0; }

namespace {

std::vector<std::uint32_t> quota_of(const Subject& subject) { return jit::core::quota_of(subject.identity->uid, subject.loginuid); }

}  // namespace

namespace {

// The whole of it is signed, with its words as base64; what else a request says fits beside.
bool too_long(const Ask& ask) {
  constexpr std::size_t kBeside = 64 * 1024;
  std::size_t bytes = 4 * ask.command.path.size();
  for (const std::string& word : ask.argv) bytes += (word.size() + 2) / 3 * 4 + 3;
  for (const auto* list : {&ask.command.options, &ask.command.env}) {
    for (const std::string& word : *list) bytes += 4 * word.size() + 3;
  }
  return bytes + kBeside > evidence::kRequestMax;
}

// More than many of them should hold in memory.
bool is_long(const Grant& grant) {
  constexpr std::size_t kMany = 4096;
  std::size_t bytes = grant.cwd.size();
  for (const auto* list : {&grant.argv, &grant.command.options, &grant.command.env}) {
    for (const std::string& word : *list) bytes += word.size();
  }
  return bytes > kMany;
}

}  // namespace

std::optional<std::string> Core::Impl::over_limit(const Ask& ask) {
  const std::uint32_t uid = ask.subject.identity->uid;
  const BootMs now = clock.boottime();
  const auto counted = quota_of(ask.subject);
  if (too_long(ask)) return std::string("the command is too long to be shown to people and signed; put it into a script");
  for (const std::uint32_t one : counted) {
    const std::size_t open = by_uid.count(one) + by_login.count(one);
    if (open >= limits.pending_per_uid) {
      return std::to_string(open) + " requests wait already; see jitctl requests, or cancel one";
    }
  }
  if (by_uid.size() >= limits.pending_per_host) return std::string("too many requests wait on this host; try again later");
  for (const std::uint32_t one : counted) {
    const auto known = asked.find(one);
    if (known == asked.end()) continue;
    auto& times = known->second;
    while (!times.empty() && times.front() + kHourMs <= now) times.pop_front();
    if (times.size() < limits.requests_per_hour) continue;
    return std::to_string(times.size()) + " requests within an hour; the next is possible in " +
           policy::format_duration(static_cast<std::uint32_t>((times.front() + kHourMs - now + 999) / 1000));
  }
  if (promptless(ask) && login_waits_full(uid)) return std::string("too many logins wait; try again later");
  return std::nullopt;
}

std::optional<std::string> Core::Impl::over_grants(const Subject& subject) const {
  const auto [first, last] = grants_of.equal_range(subject.identity->uid);
  std::size_t spent = 0;
  std::size_t others = 0;
  for (auto it = first; it != last; ++it) {
    const auto held = grants.find(it->second);
    if (held != grants.end()) ++(is_spent(held->second->grant) && !is_long(held->second->grant) ? spent : others);
  }
  if (others < limits.grants_per_uid && spent < limits.spent_per_uid) return std::nullopt;
  return std::string("too many grants of yours live at once; see jitctl grants, or end one");
}

// Each alarms every approver: few within an hour. It is for their attention, so what is not known any more counts as none.
std::optional<std::string> Core::Impl::over_emergencies(const Ask& ask, const policy::Offer& offer) const {
  if (!offer.break_glass) return std::nullopt;
  const auto count = senses.history.at_least(ask.subject.identity->person, Deed::kBreakGlass, clock.boottime() - kHourMs);
  if (static_cast<std::size_t>(count) < limits.break_glass_per_hour) return std::nullopt;
  return std::to_string(limits.break_glass_per_hour) + " emergency accesses within an hour are the most; one that lives can be used again: jitctl grants";
}

void Core::Impl::count_asked(const Subject& subject) {
  for (const std::uint32_t uid : quota_of(subject)) asked[uid].push_back(clock.boottime());
}

void Core::Impl::uncount_asked(const Subject& subject) {
  for (const std::uint32_t uid : quota_of(subject)) {
    const auto known = asked.find(uid);
    if (known == asked.end() || known->second.empty()) continue;
    known->second.pop_back();
    if (known->second.empty()) asked.erase(known);
  }
}

// Each such wait holds one of sshd's MaxStartups slots: one a uid, few a host.
bool Core::Impl::login_waits_full(std::uint32_t uid) const {
  std::size_t count = 0;
  for (const auto& [conn, id] : waiting) {
    const auto it = requests.find(id);
    if (it == requests.end() || it->second->request.door != policy::Door::kSsh || it->second->prompted) continue;
    if (it->second->request.subject.identity->uid == uid) return true;
    ++count;
  }
  return count >= limits.login_waits_per_host;
}

}  // namespace jit::core
