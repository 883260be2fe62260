// SPDX-License-Identifier: Apache-2.0
#include "broker/bus/log_lines.h"

#include "evidence/grant.h"
#include "evidence/request.h"
#include "evidence/signature.h"

namespace jit::bus {
namespace {

std::string digest_in(const evidence::Entry& entry, std::string_view name) {
  const auto found = entry.fields.find(name);
  return found != entry.fields.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace

std::string line(const evidence::ExportLine& line) { return evidence::to_line(line) + "\n"; }

std::string LogLines::entry(const store::LogEntry& entry, std::optional<std::vector<evidence::Hash>> path) {
  std::string out = line(evidence::EntryLine{entry.hash, entry.leaf, entry.personal, std::move(path)});
  // One that was damaged goes out as it is: whoever checks it says so.
  const auto read = evidence::read_leaf(entry.leaf, entry.personal);
  const auto found = read ? document(*read) : std::nullopt;
  return found ? out + line(*found) : out;
}

// Nothing where the entry names none, or cannot name it any more: a document tells of people as its entry did.
std::optional<evidence::EvidenceLine> LogLines::document(const evidence::Read& read) {
  const evidence::Entry& entry = read.entry;
  if (!read.erased.empty()) return std::nullopt;
  const auto signed_now = [&](std::string_view type, const std::string& payload, std::string_view purpose) -> std::optional<evidence::EvidenceLine> {
    auto envelope = admin_.seal(type, payload, purpose);
    if (!envelope || evidence::to_json(*envelope).empty()) return std::nullopt;
    return evidence::EvidenceLine{std::move(envelope), {}};
  };
  const auto request = core::Id::parse(entry.request);
  if (entry.type == "request.created" && request) {
    const auto found = database_.request(*request);
    if (!found || found->payload.empty() || found->digest != digest_in(entry, "digest")) return std::nullopt;
    return signed_now(evidence::kRequestType, found->payload, evidence::kRequestNamespace);
  }
  if (entry.type == "grant.created") {
    const auto id = core::Id::parse(entry.grant);
    const auto found = id ? database_.grant(*id) : std::nullopt;
    if (!found || found->payload.empty() || found->digest != digest_in(entry, "grant_digest")) return std::nullopt;
    return signed_now(evidence::kGrantType, found->payload, evidence::kGrantNamespace);
  }
  const std::string digest = entry.type == "vote.cast" ? digest_in(entry, "vote") : std::string();
  if (digest.empty() || !request) return std::nullopt;
  for (const core::Vote& vote : database_.votes(*request)) {
    if (vote.signed_digest != digest) continue;
    if (!vote.signed_text.starts_with('{')) return evidence::EvidenceLine{std::nullopt, vote.signed_text};
    auto envelope = evidence::parse_envelope(vote.signed_text);
    if (envelope) return evidence::EvidenceLine{std::move(envelope), {}};
  }
  return std::nullopt;
}

}  // namespace jit::bus
