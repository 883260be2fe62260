// SPDX-License-Identifier: Apache-2.0
// Makes a proof of what belongs to one request or grant out of a whole log: the parts of an archive and an export, one behind the
// other. Every line is given twice: first to find(), then to take(). Of signatures and texts it believes what it is given, for who
// gets the proof checks them; but the entries must be those that the heads count, or nobody could.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "evidence/export.h"

namespace jit::evidence {

class Prover {
 public:
  explicit Prover(std::string prefix) : prefix_(std::move(prefix)) {}  // of an id; lower-case hex digits

  void find(std::string_view line);
  std::string found();  // once, between the two: why there is no proof; empty: there is one, of id()
  const std::string& id() const { return id_; }
  void take(std::string_view line);
  std::string proof(std::string& text);  // why there is none; empty: text is one

 private:
  void go_on(const LogLine& log);
  const std::string prefix_;
  std::map<std::string, std::string> matches_;  // a request, or a grant and what it came of
  std::string id_;
  std::optional<LogLine> log_;
  std::string problem_;  // the first
  std::vector<Hash> leaves_;
  Frontier tree_;  // of the same
  std::vector<std::pair<EntryLine, std::uint64_t>> entries_;         // with their sequence
  std::multimap<std::uint64_t, EvidenceLine> documents_;             // behind which entry
  bool of_last_ = false;                                             // the last entry is one of these
  std::optional<Envelope> head_;
  std::uint64_t head_size_ = 0;
};

}  // namespace jit::evidence
