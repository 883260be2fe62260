// SPDX-License-Identifier: Apache-2.0
#include "broker/bus/handlers.h"

namespace jit::bus {

using core::Error;

namespace {

constexpr std::size_t kChunk = 50;                    // entries read at once: each may hold a whole command
constexpr std::size_t kDocument = 8 * 1024 * 1024;    // bytes; the caller goes on from `next`

Answer no_database() { return {Error::kUnavailable, "there is no database now: jitctl status says why", {}, 0}; }

}  // namespace

void Handlers::query_audit(const core::Caller& caller, const AuditQuery& query, const Reply& reply) {
  store::AuditFilter filter;
  filter.after = query.after;
  filter.since = query.since;
  filter.person = query.person;
  filter.type = query.type;
  if (!query.request.empty()) {
    const auto request = documents_.find_request(caller, query.request);
    if (!request) return reply({request.error, request.message, {}, 0});
    filter.request = request.value.id;
  } else if (!caller.admin && !caller.auditor) {
    return reply({Error::kDenied, "the whole log is for admins and auditors: name a request of yours (--request ID)", {}, 0});
  }
  if (query.newest) {
    filter.newest = true;
    filter.limit = std::min<std::size_t>(query.limit, 4 * kChunk);
  }
  store::Database* const database = database_();
  if (database == nullptr) return reply(no_database());
  // What a door was told is in the log that is read: the use of a grant may still wait to be written.
  database->commit({}, [this, filter, left = query.limit, reply](bool) { read_audit(filter, left, reply); });
}

void Handlers::read_audit(store::AuditFilter filter, std::size_t left, const Reply& reply) {
  store::Database* const database = database_();
  if (database == nullptr) return reply(no_database());
  std::string document = "[";
  std::uint64_t next = filter.after;
  // Who asks since when, and that is longer ago than what is kept here, gets the archive part by part.
  if (filter.since != 0 && !filter.newest && left > 0) {
    filter.limit = std::min(left, kChunk);
    if (const auto old = database->archived_entries(filter)) {
      for (const core::AuditEntry& entry : old->entries) document += (document.size() > 1 ? "," : "") + dump(entry_json(entry));
      return reply({Error::kNone, {}, document + "]", old->looked_at});
    }
    const auto cut = database->cut();
    const auto parts = database->archived();
    const bool missing = cut && filter.after < cut->size && !parts.empty() && parts.back().until >= filter.since;
    if (missing) return reply({Error::kUnavailable, database->last_error() + "; put that file back", {}, 0});
  }
  while (left > 0) {
    if (!filter.newest) filter.limit = std::min(left, kChunk);
    const auto entries = database->entries(filter);
    // last_error() may be the writer's, whose disk is full: only a log without any entry was not read.
    if (entries.empty() && document.size() == 1 && database->last_sequence() == 0 && !database->last_error().empty()) {
      return reply({Error::kUnavailable, "the log cannot be read: " + database->last_error(), {}, 0});
    }
    bool full = false;
    for (const core::AuditEntry& entry : entries) {
      const std::string text = dump(entry_json(entry));
      full = document.size() + text.size() + 2 > kDocument;
      if (full) break;
      if (document.size() > 1) document += ',';
      document += text;
      next = entry.sequence;
      --left;
    }
    if (full || filter.newest || entries.size() < filter.limit) break;
    filter.after = next;
  }
  reply({Error::kNone, {}, document + "]", next});
}

}  // namespace jit::bus
