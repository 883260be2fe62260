// SPDX-License-Identifier: Apache-2.0
// The log for others: its head, all of it, and proofs. Everything here is checked again by who gets it (jit-verify).
#include <algorithm>

#include "broker/bus/handlers.h"
#include "broker/bus/log_lines.h"
#include "broker/store/archive.h"
#include "evidence/checkpoint.h"

namespace jit::bus {

using core::Error;

namespace {

constexpr std::size_t kProofBytes = 8 * 1024 * 1024;
constexpr std::size_t kPage = 1024 * 1024;  // bytes of lines, since the doors wait meanwhile; one step may pass it
constexpr std::size_t kStep = 10;           // entries read at once: each may hold a whole command

Answer no_log(const store::Database* database) {
  if (database == nullptr) return {Error::kUnavailable, "there is no database now: jitctl status says why", {}, 0};
  return {Error::kUnavailable, "the log cannot be read: " + (database->last_error().empty() ? std::string("jitctl status says why") : database->last_error()), {}, 0};
}

// A request or a grant that nobody had to ask for begins with its own entry.
bool begins(const std::string& leaf) {
  const auto read = evidence::read_leaf(leaf, {});
  return read && (read->entry.type == "request.created" || read->entry.type == "grant.created");
}

}  // namespace

void Handlers::checkpoint(const Reply& reply) {
  store::Database* const database = database_();
  if (database == nullptr) return reply(no_log(database));
  database->seal([self = weak_from_this(), reply](bool good) {
    const auto there = self.lock();
    store::Database* const now = there ? there->database_() : nullptr;
    if (now == nullptr) return reply(no_log(now));
    const core::Head head = now->head();
    const auto envelope = evidence::parse_envelope(head.envelope);
    if (!good || !envelope) return reply({Error::kUnavailable, "the log's head cannot be signed now: jitctl status says why", {}, 0});
    const evidence::Json document{{"envelope", evidence::Json::parse(head.envelope)}, {"head", std::to_string(head.size) + ":" + head.root}};
    reply({Error::kNone, {}, document.dump(), 0});
  });
}

void Handlers::export_log(std::uint64_t from, std::uint64_t to, const Reply& reply) {
  store::Database* const database = database_();
  const auto cut = database != nullptr ? database->cut() : std::nullopt;
  if (!cut) return reply(no_log(database));
  if (from == 0) from = cut->size + 1;
  if (to >= evidence::kSizeMax || from > to + 1) return reply({Error::kBadInput, "from: it must not be past `to`", {}, 0});
  if (const auto last = database->checkpoints(to, to); last.empty()) {
    return reply({Error::kBadInput, "to: no signed head stands behind that entry; ask Checkpoint for one", {}, 0});
  }
  if (from <= cut->size) return export_archived(*database, from, to, reply);
  auto frontier = database->frontier_at(from - 1);
  if (!frontier) return reply(no_log(database));
  std::string document = line(evidence::LogLine{{host_.id, host_.key, wire_text(host_.name)}, from, std::move(*frontier)});
  while (from <= to && document.size() < kPage) {
    std::uint64_t last = from - 1;
    const auto lines = database->lines(from - 1, to, kStep, admin_.seal, last);
    if (!lines || last < from) return reply(no_log(database));
    for (const evidence::ExportLine& each : *lines) document += line(each);
    from = last + 1;
  }
  if (from > to) document += line(evidence::EndLine{to});
  reply({Error::kNone, {}, std::move(document), from > to ? 0 : from});
}

// A page of a file of the archive. What it holds goes out as it stands there: who gets it checks it.
void Handlers::export_archived(store::Database& database, std::uint64_t from, std::uint64_t to, const Reply& reply) {
  const auto parts = database.archived();
  const auto part = std::ranges::find_if(parts, [from](const store::ArchivePart& each) { return each.first <= from && from <= each.last; });
  if (part == parts.end()) return reply({Error::kNotFound, "entry " + std::to_string(from) + " is in a part of the archive that is not known here", {}, 0});
  const auto text = database.read_archive(*part);
  if (!text) return reply({Error::kNotFound, database.last_error() + "; put that file back", {}, 0});
  auto page = store::page_of(*text, part->first, from, kPage);
  if (!page) return reply({Error::kNotFound, store::Archive::name_of(part->first) + " of the archive is damaged: jit-verify says where", {}, 0});
  const std::uint64_t next = page->next == 0 ? part->last + 1 : page->next;
  if (next > to) page->lines += line(evidence::EndLine{to});
  const std::string head = line(evidence::LogLine{{host_.id, host_.key, wire_text(host_.name)}, from, std::move(page->frontier)});
  reply({Error::kNone, {}, head + page->lines, next > to ? 0 : next});
}

void Handlers::proof(const core::Caller& caller, const std::string& id, const Reply& reply) {
  // What a grant came of belongs to its proof, so it is that of its request.
  core::Id of;
  if (const auto request = documents_.find_request(caller, id)) {
    of = request.value.id;
  } else if (const auto grant = documents_.find_grant(caller, id)) {
    of = grant.value.request.empty() ? grant.value.id : grant.value.request;
  } else {
    if (request.error != Error::kNotFound) return reply({request.error, request.message, {}, 0});
    store::Database* const database = database_();
    const bool archive = (caller.admin || caller.auditor) && database != nullptr && !database->archived().empty();
    const std::string where = archive ? "; what is in the archive is proven from its files: jitctl audit prove ID FILE..., with all its parts and an export" : "";
    return reply({request.error, "there is no such request or grant, or it is not yours to see" + where, {}, 0});
  }
  store::Database* const database = database_();
  if (database == nullptr) return reply(no_log(database));
  database->seal([self = weak_from_this(), of, reply](bool) {
    if (const auto there = self.lock()) there->prove(of, reply);
  });
}

void Handlers::prove(const core::Id& id, const Reply& reply) {
  store::Database* const database = database_();
  const auto proof = database != nullptr ? database->proof(id) : std::nullopt;
  if (!proof) return reply(no_log(database));
  const auto envelope = evidence::parse_envelope(proof->head.envelope);
  if (!envelope) return reply({Error::kUnavailable, "the log has no signed head: jitctl status says why", {}, 0});
  const Answer too_long{Error::kLimit, "it is too long to be proven at once: jitctl audit prove " + id.text() + " FILE..., from an export of the log", {}, 0};
  if (!proof->whole) return reply(too_long);
  if (proof->entries.empty()) return reply({Error::kNotFound, "nothing of it is in the log any more: jitctl audit prove " + id.text() + " FILE..., with the parts of the archive and an export", {}, 0});
  if (const std::uint64_t archived = database->cut() ? database->cut()->size : 0; archived != 0 && !begins(proof->entries.front().first.leaf)) {
    return reply({Error::kNotFound, "what began it is in the archive: jitctl audit prove " + id.text() + " FILE..., with its parts and an export", {}, 0});
  }
  LogLines lines(*database, admin_);
  std::string document = line(evidence::ProofLine{{host_.id, host_.key, wire_text(host_.name)}, *envelope, id.text()});
  for (const auto& [entry, path] : proof->entries) {
    document += lines.entry(entry, path);
    if (document.size() > kProofBytes) return reply(too_long);
  }
  document += line(evidence::EndLine{proof->entries.size()});
  reply({Error::kNone, {}, std::move(document), 0});
}

}  // namespace jit::bus
