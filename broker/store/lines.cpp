// SPDX-License-Identifier: Apache-2.0
#include "broker/store/lines.h"

#include <algorithm>

#include "evidence/grant.h"
#include "evidence/request.h"

namespace jit::store {
namespace {

evidence::EntryLine line_of(LogEntry entry) {
  evidence::EntryLine out;
  out.hash = entry.hash;
  out.leaf = std::move(entry.leaf);
  out.personal = std::move(entry.personal);
  return out;
}

}  // namespace

void Lines::add_sealed(std::string_view type, const std::string& payload, std::vector<evidence::ExportLine>& out) {
  if (payload.empty()) return;  // from before anything was signed
  evidence::EvidenceLine line;
  line.envelope = seal_(type, payload);
  if (line.envelope) out.emplace_back(std::move(line));
}

// The same words under the same key are the same signature, so what this host signed is kept without it.
bool Lines::add_evidence(const LogEntry& entry, std::vector<evidence::ExportLine>& out) {
  const auto read = evidence::read_leaf(entry.leaf, entry.personal);
  if (!read) return true;  // whoever checks it says what is wrong
  const evidence::Entry& about = read->entry;
  const auto request = core::Id::parse(about.request);
  const auto grant = core::Id::parse(about.grant);
  if (about.type == "request.created" && request) {
    const auto found = reader_.request(*request);
    if (!reader_.error().empty()) return false;
    if (!found.empty()) add_sealed(evidence::kRequestType, found.front().payload, out);
  } else if (about.type == "grant.created" && grant) {
    const auto found = reader_.grant(*grant);
    if (!reader_.error().empty()) return false;
    if (!found.empty()) add_sealed(evidence::kGrantType, found.front().payload, out);
  } else if (about.type == "vote.cast" && request && about.fields.contains("vote")) {
    const auto votes = reader_.votes(*request);
    if (!reader_.error().empty()) return false;
    const auto vote = std::ranges::find_if(votes, [&](const core::Vote& each) { return about.fields.at("vote") == each.signed_digest; });
    if (vote == votes.end()) return true;
    evidence::EvidenceLine line;
    line.envelope = evidence::parse_envelope(vote->signed_text);
    if (!line.envelope) line.code = vote->signed_text;
    out.emplace_back(std::move(line));
  }
  return true;
}

std::optional<std::vector<evidence::ExportLine>> Lines::entries(std::uint64_t after, std::uint64_t to, std::size_t limit, std::uint64_t& last) {
  last = after;
  std::vector<evidence::ExportLine> out;
  auto found = reader_.log(after, limit);
  if (!reader_.error().empty()) return std::nullopt;
  while (!found.empty() && found.back().sequence > to) found.pop_back();
  if (found.empty()) return out;
  const auto heads = reader_.checkpoints(found.front().sequence, found.back().sequence);
  if (!reader_.error().empty()) return std::nullopt;
  auto head = heads.begin();
  for (LogEntry& entry : found) {
    last = entry.sequence;
    std::vector<evidence::ExportLine> named;
    if (!add_evidence(entry, named)) return std::nullopt;
    out.emplace_back(line_of(std::move(entry)));
    std::ranges::move(named, std::back_inserter(out));
    if (head == heads.end() || head->size != last) continue;
    if (auto envelope = evidence::parse_envelope(head->envelope)) out.emplace_back(evidence::CheckpointLine{std::move(*envelope)});
    ++head;
  }
  return out;
}

std::optional<std::vector<evidence::ExportLine>> Lines::proof(const core::Id& id, const core::Head& head, const evidence::ExportHost& host) {
  const auto checkpoint = evidence::parse_envelope(head.envelope);
  auto proof = checkpoint ? reader_.proof(id, head) : std::nullopt;
  if (!proof) return std::nullopt;
  std::vector<evidence::ExportLine> out{evidence::ProofLine{host, *checkpoint, id.text()}};
  for (auto& [entry, path] : proof->entries) {
    std::vector<evidence::ExportLine> named;
    if (!add_evidence(entry, named)) return std::nullopt;
    evidence::EntryLine line = line_of(std::move(entry));
    line.path = std::move(path);
    out.emplace_back(std::move(line));
    std::ranges::move(named, std::back_inserter(out));
  }
  out.emplace_back(evidence::EndLine{proof->entries.size()});
  return out;
}

}  // namespace jit::store
