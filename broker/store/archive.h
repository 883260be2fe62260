// SPDX-License-Identifier: Apache-2.0
// Old entries of the log in files beside the database: what jitctl audit export would have written, so that jit-verify checks them, one
// behind the other, with what is left. Each begins with the hashes that the one before ends with.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/store/place.h"
#include "broker/store/store.h"

namespace jit::store {

// One entry of a part without what it tells of this person; nothing: it tells nothing of him, or is none.
std::optional<evidence::EntryLine> without(const evidence::EntryLine& entry, const std::string& person);

// Of a part that begins with entry `first`: the lines from entry `from` on, some `most` bytes, without the part's last line.
struct Page {
  std::vector<evidence::Hash> frontier;  // of all entries in front
  std::string lines;
  std::uint64_t next = 0;  // the entry that follows; 0: the part ends here
};
std::optional<Page> page_of(std::string_view text, std::uint64_t first, std::uint64_t from, std::size_t most);  // nothing: it is damaged in front of `from`

std::vector<core::AuditEntry> entries_in(std::string_view text, const AuditFilter& filter);  // of a part; lines in front and behind are not parsed

class Archive {
 public:
  explicit Archive(std::string folder) : folder_(std::move(folder)) {}
  static std::string name_of(std::uint64_t first);  // "log-00000000000000000001.jsonl"

  // Durable under its name when this is true; in place of one that a crash left, since the log was not cut then.
  bool write(std::uint64_t first, std::string_view text);
  std::optional<std::string> read(std::uint64_t first);  // nothing: problem() says why
  // What these parts tell of him goes, and files that are none of them. `erased`: how many entries told of him.
  bool erase(const std::string& person, const std::vector<ArchivePart>& parts, std::uint64_t& erased);

  const std::string& problem() const { return problem_; }  // of the last call

 private:
  bool open_folder(bool make);
  bool fail(const std::string& name);
  bool tidy(const std::vector<ArchivePart>& parts);
  const std::string folder_;
  Fd fd_{-1};
  std::string problem_;
};

}  // namespace jit::store
