// SPDX-License-Identifier: Apache-2.0
#include "broker/store/reader.h"

#include <algorithm>
#include <iterator>

#include "broker/store/rows.h"

namespace jit::store {
namespace {

// From the states first: the indices on the live and on the ended ones lead there.
const char* const kRequestsByState = "FROM request_states CROSS JOIN requests ON id = request_states.request ";
const char* const kAllRequests = "FROM requests CROSS JOIN request_states ON request_states.request = id ";
const char* const kGrantsByState = "FROM grant_states CROSS JOIN grants ON id = issued ";
const char* const kAllGrants = "FROM grants CROSS JOIN grant_states ON issued = id ";

// The ids that begin with these hex digits lie from the prefix filled up with 0 to the prefix filled up with f.
bool range_of(std::string_view prefix, core::Id& first, core::Id& last) {
  if (prefix.size() > 2 * first.bytes.size()) return false;
  last.bytes.fill(0xff);
  for (std::size_t i = 0; i < prefix.size(); ++i) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    const std::size_t digit = kDigits.find(prefix[i]);
    if (digit == std::string_view::npos) return false;
    const int shift = i % 2 == 0 ? 4 : 0;
    const auto keep = static_cast<unsigned>(i % 2 == 0 ? 0x0f : 0xf0);
    auto set = [&](std::uint8_t& byte) { byte = static_cast<std::uint8_t>((byte & keep) | (digit << shift)); };
    set(first.bytes[i / 2]);
    set(last.bytes[i / 2]);
  }
  return true;
}

}  // namespace

bool Reader::open() {
  statements_.clear();
  generation_ = place_.generation();
  Connected opened = open_again(place_);
  if (opened.db && sqlite3_exec(opened.db.get(), "PRAGMA query_only=ON", nullptr, nullptr, nullptr) != SQLITE_OK) {
    opened.message = sqlite3_errmsg(opened.db.get());
    opened.db.reset();
  }
  error_ = std::move(opened.message);
  db_ = std::move(opened.db);
  return db_ != nullptr;
}

bool Reader::begin() {
  error_.clear();
  return (db_ && generation_ == place_.generation()) || open();
}

// The connection is not used again; the next call opens another one.
bool Reader::fail(int code) {
  if (const int kind = sqlite3_errcode(db_.get()) & 0xff; kind == SQLITE_CORRUPT || kind == SQLITE_NOTADB) place_.suspect();
  error_ = place_.path() + ": " + (code == SQLITE_CORRUPT ? "a row makes no sense" : sqlite3_errmsg(db_.get()));
  return false;
}

bool Reader::query(const std::string& sql, const Binder& bind, const EachRow& row) {
  auto at = statements_.find(sql);
  if (at == statements_.end()) {
    Stmt stmt = prepare(db_.get(), sql);
    if (!stmt) return fail(sqlite3_extended_errcode(db_.get()));
    at = statements_.emplace(sql, std::move(stmt)).first;
  }
  sqlite3_stmt* stmt = at->second.get();
  Bind binder(stmt);
  if (bind) bind(binder);
  int code = binder.code();
  while (code == SQLITE_OK || code == SQLITE_ROW) {
    code = sqlite3_step(stmt);
    if (code != SQLITE_ROW) break;
    Row columns(stmt);
    row(columns);
    if (!columns.sound()) code = SQLITE_CORRUPT;
  }
  const bool good = code == SQLITE_DONE;
  if (!good) fail(code);
  sqlite3_reset(stmt);
  sqlite3_clear_bindings(stmt);
  return good;
}

bool Reader::requests_where(const std::string& where, const Binder& bind, std::vector<core::Request>& found) {
  const std::string columns = std::string("SELECT ") + kRequestColumns + ", " + kRequestStateColumns + " ";
  if (!query(columns + where, bind, [&](Row& row) { found.push_back(read_request(row)); })) return false;
  return std::ranges::all_of(found, [&](core::Request& request) {
    return query("SELECT people, count FROM seats WHERE request = ? ORDER BY position",
                 [&](Bind& b) { b.id(request.id); },
                 [&](Row& row) {
                   policy::Seat seat;
                   seat.set = row.bytes();
                   seat.count = row.number<std::uint32_t>();
                   request.offer.seats.push_back(std::move(seat));
                 });
  });
}

bool Reader::grants_where(const std::string& where, const Binder& bind, std::vector<core::Grant>& found) {
  const std::string columns = std::string("SELECT ") + kGrantColumns + ", " + kGrantStateColumns + " ";
  return query(columns + where, bind, [&](Row& row) { found.push_back(read_grant(row)); });
}

bool Reader::votes_where(const std::string& where, const Binder& bind, std::vector<core::Vote>& found) {
  return query(std::string("SELECT ") + kVoteColumns + " FROM votes " + where + " ORDER BY sequence", bind,
               [&](Row& row) { found.push_back(read_vote(row)); });
}

core::State Reader::load_live() {
  return snapshot<core::State>([this](core::State& state) {
    // What was approved stays for its grant: a denial, an extension and a use ask who approved it.
    const std::string living = "(SELECT grants.request FROM grant_states CROSS JOIN grants ON id = issued WHERE state <= 1)";
    const std::string issued = "(SELECT issued FROM grant_states WHERE state <= 1)";
    const std::string approved = "state = 2 AND (id IN " + living + " OR (extends IS NOT NULL AND extends IN " + issued + "))";
    const bool held = query("SELECT subject_uid, loginuid, target_uid, boot_id FROM grants CROSS JOIN grant_states ON issued = id WHERE starts <> 0 "
                            "UNION SELECT subject_uid, loginuid, target_uid, boot_id FROM powers", {}, [&](Row& row) {
      core::State::Held one{};
      one.uid = row.number<std::uint32_t>();
      one.loginuid = row.number<std::uint32_t>();
      one.target = row.number<std::uint32_t>();
      one.boot_id = row.bytes();
      state.held.push_back(std::move(one));
    });
    if (!held) return false;
    std::vector<core::Request> kept;
    if (!requests_where(std::string(kRequestsByState) + "WHERE state <= 1 ORDER BY requests.rowid", {}, state.requests) ||
        !requests_where(std::string(kAllRequests) + "WHERE " + approved + " ORDER BY requests.rowid", {}, kept)) {
      return false;
    }
    state.requests.insert(state.requests.end(), std::make_move_iterator(kept.begin()), std::make_move_iterator(kept.end()));
    return votes_where("WHERE request IN (SELECT request FROM request_states WHERE state <= 1) OR request IN "
                       "(SELECT id " + std::string(kAllRequests) + "WHERE " + approved + ")", {}, state.votes) &&
           grants_where(std::string(kGrantsByState) + "WHERE state <= 1 ORDER BY grants.rowid", {}, state.grants) &&
           requests_where(std::string(kRequestsByState) + "WHERE review_due <> 0 AND reviewed_wall = 0 ORDER BY requests.rowid", {},
                          state.owed) &&
           blocks(state.blocks) &&
           query(std::string("SELECT ") + kAbsenceColumns + " FROM absences", {},
                 [&](Row& row) { state.absences.push_back(read_absence(row)); });
  });
}

bool Reader::blocks(std::vector<std::pair<core::Request, core::Vote>>& found) {
  std::vector<core::Vote> votes;
  // A day is the longest block; the newest that fit say more than the oldest.
  if (!votes_where("WHERE sequence IN (SELECT sequence FROM votes WHERE block_s IS NOT NULL ORDER BY time DESC LIMIT 1000)", {},
                   votes)) {
    return false;
  }
  return std::ranges::all_of(votes, [&](core::Vote& vote) {
    std::vector<core::Request> requests;
    if (!requests_where(std::string(kAllRequests) + "WHERE id = ?", [&](Bind& bind) { bind.id(vote.request); }, requests)) return false;
    if (!requests.empty()) found.emplace_back(std::move(requests.front()), std::move(vote));
    return true;
  });
}

std::vector<core::Request> Reader::requests(const RequestFilter& filter) {
  const bool live = filter.state && *filter.state <= core::RequestState::kDetached;
  const bool by_end = filter.ended && !filter.uid;  // one person's are few, and an index of their own leads to them
  std::string where = live || by_end ? kRequestsByState : kAllRequests;
  where += live ? "WHERE state <= 1" : "WHERE 1";
  where += filter.ended ? " AND state > 1 AND ended_wall >= ?" : " AND created_wall >= ?";
  if (filter.state) where += " AND state = ?";
  if (filter.uid) where += " AND subject_uid = ?";
  where += by_end ? " ORDER BY ended_wall DESC LIMIT ?" : " ORDER BY requests.rowid DESC LIMIT ?";
  auto found = snapshot<std::vector<core::Request>>([&](std::vector<core::Request>& rows) {
    return requests_where(where, [&](Bind& bind) {
      bind.number(filter.since);
      if (filter.state) bind.number(*filter.state);
      if (filter.uid) bind.number(*filter.uid);
      bind.number(bounded(filter.limit));
    }, rows);
  });
  std::ranges::reverse(found);
  return found;
}

std::vector<core::Request> Reader::request(const core::Id& id) {
  return snapshot<std::vector<core::Request>>([&](std::vector<core::Request>& rows) {
    return requests_where(std::string(kAllRequests) + "WHERE id = ?", [&](Bind& bind) { bind.id(id); }, rows);
  });
}

std::vector<core::Vote> Reader::votes(const core::Id& request) {
  return snapshot<std::vector<core::Vote>>([&](std::vector<core::Vote>& rows) {
    return votes_where("WHERE request = ?", [&](Bind& bind) { bind.id(request); }, rows);
  });
}

std::vector<core::Grant> Reader::grants(const GrantFilter& filter) {
  const bool by_end = filter.ended && !filter.uid;
  std::string where = filter.live_only || by_end ? kGrantsByState : kAllGrants;
  where += filter.live_only ? "WHERE state <= 1" : "WHERE 1";
  where += filter.ended ? " AND state > 1 AND ended_wall >= ?" : " AND created_wall >= ?";
  if (filter.uid) where += " AND subject_uid = ?";
  where += by_end ? " ORDER BY ended_wall DESC LIMIT ?" : " ORDER BY grants.rowid DESC LIMIT ?";
  auto found = snapshot<std::vector<core::Grant>>([&](std::vector<core::Grant>& rows) {
    return grants_where(where, [&](Bind& bind) {
      bind.number(filter.since);
      if (filter.uid) bind.number(*filter.uid);
      bind.number(bounded(filter.limit));
    }, rows);
  });
  std::ranges::reverse(found);
  return found;
}

std::vector<core::Grant> Reader::grant(const core::Id& id) {
  return snapshot<std::vector<core::Grant>>([&](std::vector<core::Grant>& rows) {
    return grants_where(std::string(kAllGrants) + "WHERE id = ?", [&](Bind& bind) { bind.id(id); }, rows);
  });
}

std::vector<core::Id> Reader::ids(const char* table, std::string_view hex_prefix, std::size_t limit) {
  core::Id first;
  core::Id last;
  if (!range_of(hex_prefix, first, last)) return {};
  const auto bytes = [](const core::Id& id) {
    return std::string_view(reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size());
  };
  return snapshot<std::vector<core::Id>>([&](std::vector<core::Id>& rows) {
    return query(std::string("SELECT id FROM ") + table + " WHERE id BETWEEN ? AND ? ORDER BY id LIMIT ?",
                 [&](Bind& bind) { bind.bytes(bytes(first)).bytes(bytes(last)).number(bounded(limit)); },
                 [&](Row& row) { rows.push_back(row.id()); });
  });
}

std::vector<core::Asked> Reader::asked_since(const std::string& boot_id, core::BootMs created, core::WallMs created_wall) {
  return snapshot<std::vector<core::Asked>>([&](std::vector<core::Asked>& found) {
    return query(
        "SELECT subject_uid, loginuid, boot_id, created, created_wall FROM requests "
        "WHERE (boot_id = ? AND created > ?) OR created_wall > ? ORDER BY requests.rowid",
        [&](Bind& b) { b.text(boot_id).number(created).number(created_wall); },
        [&](Row& row) {
          core::Asked one;
          one.uid = row.number<std::uint32_t>();
          one.loginuid = row.number<std::uint32_t>();
          one.boot_id = row.bytes();
          one.created = row.number<core::BootMs>();
          one.created_wall = row.number<core::WallMs>();
          found.push_back(std::move(one));
        });
  });
}

core::Past Reader::past() {
  return snapshot<core::Past>([&](core::Past& past) {
    for (const char* type : {"request.created", "request.denied", "access.denied", "grant.created"}) {
      if (!deeds_of(type, past)) return false;
    }
    return query("SELECT subject_person, target_uid, created_wall FROM grants ORDER BY rowid DESC LIMIT ?",
                 [](Bind& bind) { bind.number(kMostRows); },
                 [&](Row& row) {
                   core::Past::Use use;
                   use.person = row.bytes();
                   use.target = row.number<std::uint32_t>();
                   use.wall = row.number<core::WallMs>();
                   past.uses.push_back(std::move(use));
                 }) &&
           query(std::string("SELECT ") + kFactColumns + " FROM facts", {},
                 [&](Row& row) { past.facts.push_back(read_fact(row)); }) &&
           query(std::string("SELECT ") + kNetworkColumns + " FROM seen_networks ORDER BY last_wall DESC LIMIT ?",
                 [](Bind& bind) { bind.number(core::Networks::kAll); },
                 [&](Row& row) { past.nets.push_back(read_network(row)); }) &&
           cut_off(past) && observed(past);
  });
}

bool Reader::sources(const char* kind, std::vector<policy::Source>& found) {
  return query("SELECT name, text FROM kept_sources WHERE kind = ? ORDER BY position",
               [&](Bind& bind) { bind.text(kind); },
               [&](Row& row) {
                 policy::Source source;
                 source.name = row.bytes();
                 source.text = row.bytes();
                 found.push_back(std::move(source));
               });
}

std::optional<PeopleVersions> Reader::people_versions() {
  return snapshot<std::optional<PeopleVersions>>([&](std::optional<PeopleVersions>& versions) {
    versions.emplace();
    return query("SELECT file, version FROM people_versions", {}, [&](Row& row) {
      std::string file = row.bytes();
      (*versions)[std::move(file)] = row.number<std::int64_t>();
    });
  });
}

std::optional<std::uint64_t> Reader::carried(const std::string& courier) {
  return snapshot<std::optional<std::uint64_t>>([&](std::optional<std::uint64_t>& sequence) {
    return query("SELECT carried FROM couriers WHERE name = ?", [&](Bind& bind) { bind.text(courier); },
                 [&](Row& row) { sequence = row.number<std::uint64_t>(); });
  });
}

std::optional<Database::PolicySet> Reader::kept_policy() {
  return snapshot<std::optional<Database::PolicySet>>([&](std::optional<Database::PolicySet>& set) {
    const bool read = query("SELECT hash, broker FROM kept_policy", {}, [&](Row& row) {
      set.emplace().hash = row.bytes();
      if (!row.skip_null()) set->broker = row.bytes();
    });
    return read && (!set || (sources("rules", set->rules) && sources("people", set->people) &&
                             sources("calendars", set->calendars) && sources("rosters", set->rosters)));
  });
}

}  // namespace jit::store
