// SPDX-License-Identifier: Apache-2.0
#include "broker/store/rows.h"
#include "broker/store/writer.h"

namespace jit::store {

namespace {

std::string replace_into(const char* table, const char* columns) {
  return insert_into(table, columns).replace(0, std::string_view("INSERT").size(), "REPLACE");
}

}  // namespace

std::unique_ptr<Statements> Statements::prepare(sqlite3* db, int& code) {
  std::unique_ptr<Statements> made(new Statements(db));
  const auto make = [db](Stmt& stmt, const std::string& sql) {
    stmt = store::prepare(db, sql);
    return stmt != nullptr;
  };
  Statements& s = *made;
  const bool all =
      make(s.begin_, "BEGIN IMMEDIATE") && make(s.commit_, "COMMIT") && make(s.rollback_, "ROLLBACK") &&
      make(s.update_request_, update_of("request_states", kRequestStateColumns, "request")) &&
      make(s.insert_request_, insert_into("requests", kRequestColumns)) &&
      make(s.insert_request_state_, insert_into("request_states", std::string(kRequestStateColumns) + ", request")) &&
      make(s.insert_seat_, insert_into("seats", "request, position, people, count")) &&
      make(s.insert_vote_, insert_into("votes", kVoteColumns)) &&
      make(s.update_grant_, update_of("grant_states", kGrantStateColumns, "issued")) &&
      make(s.insert_grant_, insert_into("grants", kGrantColumns)) &&
      make(s.insert_grant_state_, insert_into("grant_states", std::string(kGrantStateColumns) + ", issued")) &&
      make(s.replace_fact_, replace_into("facts", kFactColumns)) &&
      make(s.clear_fact_, "DELETE FROM facts WHERE name = ?") &&
      make(s.replace_network_, replace_into("seen_networks", kNetworkColumns)) &&
      make(s.trim_networks_, "DELETE FROM seen_networks WHERE person = ?1 AND (v4, network) IN (SELECT v4, network "
                             "FROM seen_networks WHERE person = ?1 ORDER BY last_wall DESC LIMIT -1 OFFSET ?2)") &&
      make(s.replace_absence_, replace_into("absences", kAbsenceColumns)) &&
      make(s.clear_absence_, "DELETE FROM absences WHERE person = ?") &&
      make(s.insert_part_, "INSERT INTO archive (first, last, until) VALUES (?, ?, ?)") &&
      make(s.policy_same_, "SELECT 1 FROM kept_policy WHERE hash = ? AND broker IS ?") &&
      make(s.policy_hash_, "INSERT INTO kept_policy (one, hash, broker) VALUES (1, ?, ?) "
                           "ON CONFLICT (one) DO UPDATE SET hash = excluded.hash, broker = excluded.broker") &&
      make(s.people_version_, "INSERT INTO people_versions (file, version) VALUES (?, ?) "
                              "ON CONFLICT (file) DO UPDATE SET version = excluded.version") &&
      make(s.carried_, "INSERT INTO couriers (name, carried) VALUES (?, ?) "
                       "ON CONFLICT (name) DO UPDATE SET carried = excluded.carried") &&
      make(s.policy_clear_, "DELETE FROM kept_sources") &&
      make(s.policy_source_, insert_into("kept_sources", "kind, position, name, text"));
  if (!all) {
    code = sqlite3_extended_errcode(db);
    return nullptr;
  }
  s.log_ = LogWriter::prepare(db, code);
  if (!s.log_) return nullptr;
  s.forget_ = Forget::prepare(db);
  if (s.forget_) return made;
  code = sqlite3_extended_errcode(db);
  return nullptr;
}

int Statements::write(const core::Request& request) {
  if (!request.id.empty()) {
    Bind bind(update_request_.get());
    bind_state(bind, request);
    bind.id(request.id);
    if (bind.code() != SQLITE_OK) return bind.code();
    if (const int code = step(update_request_.get()); code != SQLITE_OK) return code;
    if (sqlite3_changes(db_) != 0) return SQLITE_OK;
  }
  Bind whole(insert_request_.get());
  if (const int code = bind_request(whole, request); code != SQLITE_OK) return code;
  if (const int code = step(insert_request_.get()); code != SQLITE_OK) return code;
  int position = 0;
  for (const policy::Seat& seat : request.offer.seats) {
    Bind bind(insert_seat_.get());
    bind.id(request.id).number(position++).bytes(seat.set).number(seat.count);
    if (bind.code() != SQLITE_OK) return bind.code();
    if (const int code = step(insert_seat_.get()); code != SQLITE_OK) return code;
  }
  Bind state(insert_request_state_.get());
  bind_state(state, request);
  state.id(request.id);
  return state.code() != SQLITE_OK ? state.code() : step(insert_request_state_.get());
}

int Statements::write(const core::Grant& grant) {
  if (!grant.id.empty()) {
    Bind bind(update_grant_.get());
    bind_state(bind, grant);
    bind.id(grant.id);
    if (bind.code() != SQLITE_OK) return bind.code();
    if (const int code = step(update_grant_.get()); code != SQLITE_OK) return code;
    if (sqlite3_changes(db_) != 0) return SQLITE_OK;
  }
  Bind whole(insert_grant_.get());
  if (const int code = bind_grant(whole, grant); code != SQLITE_OK) return code;
  if (const int code = step(insert_grant_.get()); code != SQLITE_OK) return code;
  Bind state(insert_grant_state_.get());
  bind_state(state, grant);
  state.id(grant.id);
  return state.code() != SQLITE_OK ? state.code() : step(insert_grant_state_.get());
}

int Statements::write(const core::SeenNet& seen) {
  Bind bind(replace_network_.get());
  bind_network(bind, seen);
  if (bind.code() != SQLITE_OK) return bind.code();
  if (const int code = step(replace_network_.get()); code != SQLITE_OK) return code;
  Bind trim(trim_networks_.get());
  trim.bytes(seen.person).number(core::Networks::kEach);
  return trim.code() != SQLITE_OK ? trim.code() : step(trim_networks_.get());
}

int Statements::write_facts(const core::Batch& batch) {
  for (const core::Fact& fact : batch.facts) {
    Bind bind(replace_fact_.get());
    bind_fact(bind, fact);
    if (bind.code() != SQLITE_OK) return bind.code();
    if (const int code = step(replace_fact_.get()); code != SQLITE_OK) return code;
  }
  for (const std::string& name : batch.cleared) {
    Bind bind(clear_fact_.get());
    bind.text(name);
    if (bind.code() != SQLITE_OK) return bind.code();
    if (const int code = step(clear_fact_.get()); code != SQLITE_OK) return code;
  }
  for (const core::SeenNet& seen : batch.nets) {
    if (const int code = write(seen); code != SQLITE_OK) return code;
  }
  return SQLITE_OK;
}

int Statements::write(const core::Absence& absence) {
  const bool back = absence.until == 0;
  sqlite3_stmt* const stmt = back ? clear_absence_.get() : replace_absence_.get();
  Bind bind(stmt);
  if (back) {
    bind.bytes(absence.person);
  } else {
    bind_absence(bind, absence);
  }
  return bind.code() != SQLITE_OK ? bind.code() : step(stmt);
}

int Statements::write(const core::Batch& batch, std::span<const Drafted> drafts) {
  for (const std::string& person : batch.erased) {
    const core::WallMs now = batch.entries.empty() ? 0 : batch.entries.front().wall;
    if (const int code = forget_->person(person, now); code != SQLITE_OK) return code;
    if (const int code = log_->look_again(); code != SQLITE_OK) return code;
  }
  for (const core::Request& request : batch.requests) {
    if (const int code = write(request); code != SQLITE_OK) return code;
  }
  for (const core::Vote& vote : batch.votes) {
    Bind bind(insert_vote_.get());
    bind_vote(bind, vote);
    if (bind.code() != SQLITE_OK) return bind.code();
    if (const int code = step(insert_vote_.get()); code != SQLITE_OK) return code;
  }
  for (const core::Grant& grant : batch.grants) {
    if (const int code = write(grant); code != SQLITE_OK) return code;
  }
  if (drafts.size() != batch.entries.size()) return kUnstorable;  // one of them cannot be a leaf
  for (std::size_t i = 0; i < drafts.size(); ++i) {
    if (const int code = log_->append(batch.entries[i], drafts[i]); code != SQLITE_OK) return code;
  }
  if (const int code = log_->raise_epoch(batch.epoch); code != SQLITE_OK) return code;
  for (const core::Absence& absence : batch.absences) {
    if (const int code = write(absence); code != SQLITE_OK) return code;
  }
  return write_facts(batch);
}

int Statements::cut(const ArchivePart& part, core::WallMs ended) {
  Bind bind(insert_part_.get());
  bind.number(part.first).number(part.last).number(part.until);
  if (bind.code() != SQLITE_OK) return bind.code();
  if (const int code = step(insert_part_.get()); code != SQLITE_OK) return code;
  return forget_->cut(part.last, ended);
}

int Statements::write(const std::vector<policy::Source>& sources, const char* kind) {
  int position = 0;
  for (const policy::Source& source : sources) {
    Bind bind(policy_source_.get());
    bind.text(kind).number(position++).bytes(source.name).bytes(source.text);
    if (bind.code() != SQLITE_OK) return bind.code();
    if (const int code = step(policy_source_.get()); code != SQLITE_OK) return code;
  }
  return SQLITE_OK;
}

int Statements::write(const PeopleVersions& versions) {
  for (const auto& [file, version] : versions) {
    Bind bind(people_version_.get());
    bind.bytes(file).number(version);
    if (bind.code() != SQLITE_OK) return bind.code();
    if (const int code = step(people_version_.get()); code != SQLITE_OK) return code;
  }
  return SQLITE_OK;
}

int Statements::write(const Carried& carried) {
  for (const auto& [courier, sequence] : carried) {
    Bind bind(carried_.get());
    bind.text(courier).number(sequence);
    if (bind.code() != SQLITE_OK) return bind.code();
    if (const int code = step(carried_.get()); code != SQLITE_OK) return code;
  }
  return SQLITE_OK;
}

int Statements::write(const Database::PolicySet& set) {
  // First: the same files may have been kept by a broker that did not know of versions.
  if (const int code = write(set.people_versions); code != SQLITE_OK) return code;
  Bind same(policy_same_.get());
  same.text(set.hash);
  set.broker ? same.bytes(*set.broker) : same.null();
  if (same.code() != SQLITE_OK) return same.code();
  const int known = step(policy_same_.get());
  if (known != SQLITE_OK) return known == SQLITE_ROW ? SQLITE_OK : known;
  Bind hash(policy_hash_.get());
  hash.text(set.hash);
  set.broker ? hash.bytes(*set.broker) : hash.null();
  if (hash.code() != SQLITE_OK) return hash.code();
  if (const int code = step(policy_hash_.get()); code != SQLITE_OK) return code;
  if (const int code = step(policy_clear_.get()); code != SQLITE_OK) return code;
  if (const int code = write(set.rules, "rules"); code != SQLITE_OK) return code;
  if (const int code = write(set.people, "people"); code != SQLITE_OK) return code;
  if (const int code = write(set.calendars, "calendars"); code != SQLITE_OK) return code;
  return write(set.rosters, "rosters");
}

}  // namespace jit::store
