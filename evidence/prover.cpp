// SPDX-License-Identifier: Apache-2.0
#include "evidence/prover.h"

#include "evidence/checkpoint.h"

namespace jit::evidence {
namespace {

constexpr std::string_view kWhole = "a proof needs the whole log: give all parts of the archive from the first on, and an export";

}  // namespace

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

// A path is of a place: a log with a hole or a part too many has other places, and no proof of it would hold.
void Prover::go_on(const LogLine& log) {
  if (!log_) {
    log_ = log;
    if (log.first != 1) problem_ = kWhole;
    return;
  }
  const std::string next = "entry " + std::to_string(leaves_.size() + 1) + " must come next";
  if (log.host.id != log_->host.id || log.host.key != log_->host.key) {
    problem_ = "these files are not of one host: " + next;
  } else if (log.first != leaves_.size() + 1) {
    problem_ = "a part is missing, stands twice or is out of order: " + next + ", and one begins at entry " + std::to_string(log.first);
  } else if (log.frontier != tree_.subtrees()) {
    problem_ = "these files are not of one log: " + next + "; jit-verify says what is wrong with them";
  }
}

void Prover::take(std::string_view line) {
  if (!problem_.empty()) return;
  const auto read = read_line(line);
  if (!read) return;
  if (const auto* const log = std::get_if<LogLine>(&*read)) return go_on(*log);
  if (!log_) {
    problem_ = kWhole;
  } else if (const auto* const entry = std::get_if<EntryLine>(&*read)) {
    leaves_.push_back(entry->hash);
    tree_.add(entry->hash);
    const auto leaf = line.find(id_) != std::string_view::npos ? read_leaf(entry->leaf, entry->personal) : std::nullopt;
    of_last_ = leaf && (leaf->entry.request == id_ || leaf->entry.grant == id_);
    if (!of_last_) return;
    if (leaf->entry.sequence != leaves_.size()) {
      problem_ = "entry " + std::to_string(leaf->entry.sequence) + " stands where entry " + std::to_string(leaves_.size()) + " must: jit-verify says what is wrong with these files";
    }
    entries_.emplace_back(*entry, leaf->entry.sequence);
  } else if (const auto* const document = std::get_if<EvidenceLine>(&*read)) {
    if (of_last_) documents_.emplace(entries_.back().second, *document);
  } else if (const auto* const envelope = std::get_if<CheckpointLine>(&*read)) {
    const auto signed_head = read_checkpoint(envelope->envelope.payload);
    if (!signed_head || signed_head->size != tree_.size() || signed_head->root != tree_.root()) {
      problem_ = "in front of entry " + std::to_string(leaves_.size() + 1) + " these files are not what was signed: jit-verify says what is wrong with them";
      return;
    }
    head_ = envelope->envelope;
    head_size_ = leaves_.size();
  }
}

std::string Prover::proof(std::string& text) {
  if (!problem_.empty()) return problem_;
  if (!log_) return std::string(kWhole);
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
