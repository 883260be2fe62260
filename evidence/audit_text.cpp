// SPDX-License-Identifier: Apache-2.0
// What came of an audit, for people; and the heads that people keep.
#include "evidence/audit.h"
#include "evidence/canonical.h"
#include "evidence/text.h"

namespace jit::evidence {
namespace {

constexpr std::size_t kHeadsMost = 100'000;

std::optional<KeptHead> signed_one(const Envelope& envelope) {
  const auto checkpoint = envelope.type == kCheckpointType ? read_checkpoint(envelope.payload) : std::nullopt;
  if (!checkpoint) return std::nullopt;
  return KeptHead{checkpoint->size, checkpoint->root, envelope};
}

std::optional<KeptHead> plain_one(std::string_view line) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0 || colon > 16) return std::nullopt;
  const auto root = hash_from_hex(line.substr(colon + 1));
  KeptHead out;
  for (const char c : line.substr(0, colon)) {
    if (c < '0' || c > '9') return std::nullopt;
    out.size = out.size * 10 + static_cast<std::uint64_t>(c - '0');
  }
  if (!root || (line[0] == '0' && colon > 1)) return std::nullopt;
  out.root = *root;
  return out;
}

std::optional<KeptHead> head_of(std::string_view line) {
  if (!line.starts_with('{')) return plain_one(line);
  if (const auto envelope = parse_envelope(line)) return signed_one(*envelope);
  const Json whole = parse_foreign(line);
  if (!whole.is_object() || !whole.contains("envelope")) return std::nullopt;
  const Json& inside = whole.at("envelope");
  if (!inside.is_object() && !inside.is_string()) return std::nullopt;
  const auto envelope = parse_envelope(inside.is_string() ? inside.get<std::string>() : inside.dump(-1, ' ', true, Json::error_handler_t::replace));
  return envelope ? signed_one(*envelope) : std::nullopt;
}

std::string plural(std::uint64_t number, std::string_view one) { return std::to_string(number) + " " + std::string(one) + (number == 1 ? "" : "s"); }

std::string where(const Problem& problem) {
  if (problem.first == 0) return "";
  if (problem.last <= problem.first) return "entry " + std::to_string(problem.first) + ": ";
  return "entries " + std::to_string(problem.first) + " to " + std::to_string(problem.last) + ": ";
}

}  // namespace

KeptHeads parse_heads(std::string_view text) {
  KeptHeads out;
  std::size_t number = 0;
  const auto bad = [&](std::string why) { return KeptHeads{{}, number, std::move(why)}; };
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = trim(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    ++number;
    if (line.empty()) continue;
    if (out.all.size() == kHeadsMost) return bad("more than " + std::to_string(kHeadsMost) + " heads: give the newest of them, they tell of all entries in front");
    auto head = line.size() <= 2 * kEnvelopeMax ? head_of(line) : std::nullopt;
    if (!head) return bad("it is no head, or one that was cut: take the line out (one a line, SIZE:ROOT or as `jitctl audit checkpoint` prints it)");
    out.all.push_back(std::move(*head));
  }
  return out;
}

std::string text_of(const Audited& audited) {
  std::string out;
  const auto line = [&](const std::string& text) { out += text + "\n"; };
  const std::string host = audited.host.id.empty() ? "" : escape(audited.host.name) + " (" + audited.host.id + ")";
  if (audited.problem) {
    line("NOT verified: " + where(*audited.problem) + audited.problem->what);
    if (audited.problem->line != 0) line("  it was found at line " + std::to_string(audited.problem->line) + " of the file");
    if (!host.empty()) line("  host " + host + ", key " + audited.fingerprint);
    if (!host.empty() && audited.problem->first > 1) line("  what stands in front of that entry was found in order");
    return out;
  }
  const LedgerCounts& counts = audited.counts;
  const std::string range = audited.first > audited.last ? "no entry" : "entries " + std::to_string(audited.first) + " to " + std::to_string(audited.last);
  if (audited.proof_of.empty()) {
    line("verified: " + range + " of " + host + ", under " + plural(audited.checkpoints, "signed head"));
  } else {
    line("verified: the proof of " + audited.proof_of + ", in the signed log of " + host);
  }
  line("  host key " + audited.fingerprint);
  line("  " + plural(counts.requests, "request") + ", " + plural(counts.votes, "vote") + ", " + plural(counts.grants, "grant") + (counts.unproven == 0 && counts.unsigned_requests == 0 && counts.grants > 0 ? "; each grant has its request and its votes" : ""));
  if (counts.signed_votes > 0) line("  " + plural(counts.signed_votes, "vote") + " checked with people's keys");
  if (counts.unknown_keys > 0) line("  " + plural(counts.unknown_keys, "signed vote") + " not checked: give their people's keys with --allowed-signers");
  if (counts.host_votes > 0) line("  " + plural(counts.host_votes, "vote") + (counts.host_votes == 1 ? " is" : " are") + " the host's word: no key signed " + (counts.host_votes == 1 ? "it" : "them"));
  if (counts.unsigned_requests > 0) line("  " + plural(counts.unsigned_requests, "request") + " without the signed document");
  if (counts.erased > 0) line("  " + std::to_string(counts.erased) + (counts.erased == 1 ? " entry has" : " entries have") + " erased fields");
  if (counts.unproven > 0) line("  " + std::to_string(counts.unproven) + " of these cannot be traced to votes: what led to them stands earlier in the log, or who voted or what was signed was erased");
  for (const std::string& note : audited.notes) line("  note: " + note);
  return out;
}

}  // namespace jit::evidence
