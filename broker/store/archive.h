// SPDX-License-Identifier: Apache-2.0
// Old entries of the log in files beside the database: what jitctl audit export would have written, so that jit-verify checks them, one
// behind the other, with what is left. Each begins with the hashes that the one before ends with.
#pragma once

#include <cstdint>
#include <functional>
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

std::vector<core::AuditEntry> entries_in(std::string_view text, const AuditFilter& filter);  // of a part; the limit is not looked at

// What the database knows of the archive.
struct LogFiles {
  std::vector<ArchivePart> parts;  // oldest first
  Cut cut;
  std::function<std::optional<evidence::Hash>(std::uint64_t sequence)> hash_of;  // of an entry behind the cut; nothing: there is none
};

class Archive {
 public:
  explicit Archive(std::string folder) : folder_(std::move(folder)) {}
  static std::string name_of(std::uint64_t first);  // "log-00000000000000000001.jsonl"

  // Durable under its name when this is true. It never takes the place of another file: see settle().
  bool write(std::uint64_t first, std::string_view text);
  std::optional<std::string> read(std::uint64_t first);  // nothing: problem() says why
  // What these parts tell of him goes. `erased`: how many entries told of him.
  bool erase(const std::string& person, const std::vector<ArchivePart>& parts, std::uint64_t& erased);
  // Of the files that are no part of this log: what a crash left is removed, since all of it is in the database, too. The others may be
  // all that is left of another log, or of this one before a copy was put back: they go into a folder other-N.
  bool settle(const LogFiles& log);
  std::vector<std::string> others();  // the folders with parts of other logs

  const std::string& problem() const { return problem_; }  // of the last call

 private:
  bool open_folder(bool make);
  bool fail(const std::string& name);
  bool put(std::uint64_t first, std::string_view text, unsigned flags);
  std::optional<std::vector<std::string>> names();
  bool repeats(const LogFiles& log);
  std::string make_other();
  bool put_aside(const std::vector<std::string>& strays);
  const std::string folder_;
  Fd fd_{-1};
  std::string problem_;
};

}  // namespace jit::store
