// SPDX-License-Identifier: Apache-2.0
#include "broker/store/lines.h"

#include <algorithm>

#include "evidence/grant.h"
#include "evidence/request.h"
#include "evidence/signature.h"

namespace jit::store {
namespace {

std::string digest_in(const evidence::Entry& entry, const char* name) {
  const auto found = entry.fields.find(name);
  return found != entry.fields.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace

// The same words under the same key are the same signature, so what this host signed is kept without it.
std::optional<evidence::EvidenceLine> Lines::sealed(std::string_view type, const std::string& payload, std::string_view purpose) {
  auto envelope = payload.empty() ? std::nullopt : seal_(type, payload, purpose);
  if (!envelope || evidence::to_json(*envelope).empty()) return std::nullopt;
  return evidence::EvidenceLine{std::move(envelope), {}};
}

std::optional<evidence::EvidenceLine> Lines::document(const LogEntry& entry) {
  // One that was damaged goes out as it is: whoever checks it says so.
  const auto read = evidence::read_leaf(entry.leaf, entry.personal);
  if (!read || !read->erased.empty()) return std::nullopt;
  const evidence::Entry& about = read->entry;
  const auto request = core::Id::parse(about.request);
  if (about.type == "request.created" && request) {
    const auto found = reader_.request(*request);
    if (found.empty() || found.front().digest != digest_in(about, "digest")) return std::nullopt;
    return sealed(evidence::kRequestType, found.front().payload, evidence::kRequestNamespace);
  }
  if (about.type == "grant.created") {
    const auto id = core::Id::parse(about.grant);
    const auto found = id ? reader_.grant(*id) : std::vector<core::Grant>();
    if (found.empty() || found.front().digest != digest_in(about, "grant_digest")) return std::nullopt;
    return sealed(evidence::kGrantType, found.front().payload, evidence::kGrantNamespace);
  }
  const std::string digest = about.type == "vote.cast" ? digest_in(about, "vote") : std::string();
  if (digest.empty() || !request) return std::nullopt;
  const auto votes = reader_.votes(*request);
  const auto vote = std::ranges::find(votes, digest, &core::Vote::signed_digest);
  if (vote == votes.end()) return std::nullopt;
  if (!vote->signed_text.starts_with('{')) return evidence::EvidenceLine{std::nullopt, vote->signed_text};
  auto envelope = evidence::parse_envelope(vote->signed_text);
  return envelope ? std::optional(evidence::EvidenceLine{std::move(envelope), {}}) : std::nullopt;
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
    auto named = document(entry);
    if (!reader_.error().empty()) return std::nullopt;
    out.emplace_back(evidence::EntryLine{entry.hash, std::move(entry.leaf), std::move(entry.personal), std::nullopt});
    if (named) out.emplace_back(std::move(*named));
    if (head == heads.end() || head->size != last) continue;
    if (auto envelope = evidence::parse_envelope(head->envelope)) out.emplace_back(evidence::CheckpointLine{std::move(*envelope)});
    ++head;
  }
  return out;
}

}  // namespace jit::store
