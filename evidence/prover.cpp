// SPDX-License-Identifier: Apache-2.0
#include "evidence/prover.h"

namespace jit::evidence {

void Prover::find(std::string_view line) {
  if (line.find(prefix_) == std::string_view::npos) return;
  const auto read = read_line(line);
  const auto* const entry = read ? std::get_if<EntryLine>(&*read) : nullptr;
  const auto leaf = entry != nullptr ? read_leaf(entry->leaf, {}) : std::nullopt;
  if (!leaf) return;
  const std::string& request = leaf->entry.request;
  const std::string& grant = leaf->entry.grant;
  if (request.starts_with(prefix_)) matches_.emplace(request, request);
  if (!grant.starts_with(prefix_)) return;
  std::string& of = matches_[grant];
  // What a grant came of belongs to its proof; more time for it was asked by another request.
  if (of.empty() || leaf->entry.type == "grant.created") of = leaf->entry.type == "grant.created" && !request.empty() ? request : grant;
}

std::string Prover::found() {
  std::set<std::string> all;
  for (const auto& [match, of] : matches_) all.insert(of);
  if (all.empty()) return "nothing of " + prefix_ + " is in these files";
  if (all.size() > 1) return prefix_ + " is the beginning of more than one id: give more of it";
  id_ = *all.begin();
  return {};
}

void Prover::take(std::string_view line) {
  const auto read = read_line(line);
  if (!read) return;
  if (const auto* const log = std::get_if<LogLine>(&*read); log != nullptr && !log_) log_ = *log;
  if (const auto* const entry = std::get_if<EntryLine>(&*read)) {
    leaves_.push_back(entry->hash);
    const auto leaf = line.find(id_) != std::string_view::npos ? read_leaf(entry->leaf, entry->personal) : std::nullopt;
    of_last_ = leaf && (leaf->entry.request == id_ || leaf->entry.grant == id_);
    if (of_last_) entries_.emplace_back(*entry, leaf->entry.sequence);
  } else if (const auto* const document = std::get_if<EvidenceLine>(&*read)) {
    if (of_last_) documents_.emplace(entries_.back().second, *document);
  } else if (const auto* const checkpoint = std::get_if<CheckpointLine>(&*read)) {
    head_ = checkpoint->envelope;
    head_size_ = leaves_.size();
  }
}

std::string Prover::proof(std::string& text) {
  if (!log_ || log_->first != 1) return "a proof needs the whole log: give all parts of the archive from the first on, and an export";
  if (!head_) return "no signed head is in these files";
  const auto add = [&text](const ExportLine& line) { text.append(to_line(line)).append("\n"); };
  add(ProofLine{log_->host, *head_, id_});
  std::uint64_t count = 0;
  for (auto& [entry, sequence] : entries_) {
    if (sequence > head_size_) break;
    auto path = inclusion_proof(sequence - 1, head_size_, [this](std::uint64_t index) { return index < leaves_.size() ? std::optional(leaves_[index]) : std::nullopt; });
    if (!path) return "these files are no whole log: jit-verify says where something is missing";
    entry.path = std::move(*path);
    add(entry);
    for (auto [at, end] = documents_.equal_range(sequence); at != end; ++at) add(at->second);
    ++count;
  }
  add(EndLine{count});
  return {};
}

}  // namespace jit::evidence
