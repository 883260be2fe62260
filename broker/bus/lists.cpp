// SPDX-License-Identifier: Apache-2.0
// On the core's thread, so each list is one pass: a crowd of requests must not make the doors wait.
#include <algorithm>

#include "broker/bus/documents.h"

namespace jit::bus {

namespace {

constexpr std::size_t kScanned = 500;  // ended rows of others looked at for somebody who does not see all of them
constexpr std::size_t kReplyMax = 8 * 1024 * 1024;  // bytes; the bus takes them

bool lives(const core::Request& request) {
  return request.state == core::RequestState::kPending || request.state == core::RequestState::kDetached;
}
bool lives(const core::Grant& grant) { return grant.state != core::GrantState::kEnded; }

bool lives(core::RequestState state) {
  return state == core::RequestState::kPending || state == core::RequestState::kDetached;
}
bool lives(core::GrantState state) { return state != core::GrantState::kEnded; }

bool sees_all(const core::Caller& caller) { return caller.admin || caller.auditor; }

template <class T>
bool mine(const core::Caller& caller, const T& one) {
  return one.subject.identity->uid == caller.identity->uid;
}

// live: oldest first. rows: what has ended, of one uid or of all, at most so many.
template <class T, class Query, class Wanted, class Rows>
List<T> gather(const core::Caller& caller, const std::vector<const T*>& live, const Query& query, bool everything,
               const Wanted& wanted, const Rows& rows) {
  List<T> out;
  for (auto it = live.rbegin(); it != live.rend(); ++it) {
    if (query.state && (*it)->state != *query.state) continue;
    if (wanted(**it)) out.living.push_back(*it);
  }
  if (out.living.size() > kListMax) {
    out.living_left_out = out.living.size() - kListMax;
    out.living.resize(kListMax);
  }
  if (query.living || (query.state && lives(*query.state))) return out;
  // What ends just now may be written already and still be shown as living.
  std::vector<core::Id> ids;
  ids.reserve(live.size());
  for (const T* one : live) ids.push_back(one->id);
  std::ranges::sort(ids);
  const std::size_t room = query.limit > out.living.size() ? query.limit - out.living.size() : 0;
  const auto add = [&](std::optional<std::vector<T>> found, auto&& keep) {
    if (!found) out.ended_left_out = true;
    for (T& one : found ? *found : std::vector<T>{}) {
      if (!lives(one) && keep(one) && !std::ranges::binary_search(ids, one.id)) out.ended.push_back(std::move(one));
    }
  };
  // One more than there is room for tells that there are more.
  if (everything) {
    add(rows(std::nullopt, room + 1), [](const T&) { return true; });
  } else {
    add(rows(caller.identity->uid, room + 1), [](const T&) { return true; });
    std::size_t scanned = 0;
    const std::size_t own = out.ended.size();
    add(rows(std::nullopt, kScanned), [&](const T& one) { return ++scanned, !mine(caller, one) && wanted(one); });
    // Who sees none of the others' is not told either how many there are.
    if (scanned == kScanned && out.ended.size() > own) out.ended_left_out = true;
  }
  std::ranges::stable_sort(out.ended, std::ranges::greater(), &T::ended_wall);
  if (out.ended.size() > room) {
    out.ended.resize(room);
    out.ended_left_out = true;
  }
  return out;
}

}  // namespace

List<core::Request> Documents::requests(const core::Caller& caller, const RequestQuery& query) const {
  if (query.owed) {
    List<core::Request> out;
    out.living = core_.owed_reviews(caller);
    if (out.living.size() > kListMax) {
      out.living_left_out = out.living.size() - kListMax;
      out.living.resize(kListMax);
    }
    return out;
  }
  const bool everything = query.all && sees_all(caller);
  // An admin's own list is as short as anybody's; what he asked for with `all` is everything.
  const auto wanted = [&](const core::Request& request) {
    return everything || mine(caller, request) || core_.may_vote(caller, request);
  };
  const auto rows = [&](std::optional<std::uint32_t> uid, std::size_t limit) -> std::optional<std::vector<core::Request>> {
    store::Database* const database = database_();
    if (database == nullptr) return std::nullopt;
    auto found = database->requests({query.state, query.since, uid, limit, true});
    return found.empty() && !database->last_error().empty() ? std::nullopt : std::optional(std::move(found));
  };
  return gather<core::Request>(caller, core_.live_requests(), query, everything, wanted, rows);
}

List<core::Grant> Documents::grants(const core::Caller& caller, const GrantQuery& query) const {
  const bool everything = query.all && sees_all(caller);
  const auto wanted = [&](const core::Grant& grant) {
    return everything || mine(caller, grant) || (!sees_all(caller) && core_.may_see(caller, grant));
  };
  const auto rows = [&](std::optional<std::uint32_t> uid, std::size_t limit) -> std::optional<std::vector<core::Grant>> {
    store::Database* const database = database_();
    if (database == nullptr) return std::nullopt;
    auto found = database->grants({false, query.since, uid, limit, true});
    return found.empty() && !database->last_error().empty() ? std::nullopt : std::optional(std::move(found));
  };
  return gather<core::Grant>(caller, core_.live_grants(), query, everything, wanted, rows);
}

template <class T>
std::string list_document(const Documents& documents, const char* name, List<T> list) {
  std::string out = std::string("{\"") + name + "\":[";
  std::size_t shown = 0;
  const auto add = [&](const T& one) {
    const std::string next = dump(documents.document(one, Form::kShort));
    if (out.size() + next.size() + 2 > kReplyMax) return false;
    if (shown++ > 0) out += ',';
    out += next;
    return true;
  };
  for (const T* one : list.living) {
    if (!add(*one)) break;
  }
  list.living_left_out += list.living.size() - shown;
  for (const T& one : list.ended) {
    if (shown < list.living.size() || !add(one)) {
      list.ended_left_out = true;
      break;
    }
  }
  return out + "],\"left_out\":{\"living\":" + std::to_string(list.living_left_out) +
         ",\"ended\":" + (list.ended_left_out ? "true" : "false") + "}}";
}
template std::string list_document(const Documents&, const char*, List<core::Request>);
template std::string list_document(const Documents&, const char*, List<core::Grant>);

std::string array_document(const Documents& documents, const std::vector<core::Grant>& grants) {
  std::string out = "[";
  for (const core::Grant& one : grants) {
    const std::string next = dump(documents.document(one, Form::kShort));
    if (out.size() + next.size() + 2 > kReplyMax) break;
    if (out.size() > 1) out += ',';
    out += next;
  }
  return out + "]";
}

}  // namespace jit::bus
