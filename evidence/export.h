// SPDX-License-Identifier: Apache-2.0
// The log as it leaves a host: lines of canonical JSON, for anybody who has the host's public key.
//   {"kind":"log","v":1,"first":N,"frontier":[hex],"host":{"id","key","name"}}   frontier: of the N - 1 entries in front
//   {"kind":"entry","hash":hex,"leaf":"...","personal":{field:{"salt","value"}}}  hash: of the leaf, so that an edit is found where it is
//   {"kind":"evidence","envelope":{...}} or {"kind":"evidence","code":"jc1..."}   what the entry in front names by its digest
//   {"kind":"checkpoint","envelope":{...}}                                       behind the last of the entries that it counts
//   {"kind":"end","size":N}                                                      the last entry's sequence; behind it only the rest of the log may stand
// A proof of what belongs to one request or grant has another first line, and a path in each entry:
//   {"kind":"proof","v":1,"envelope":{...},"host":{"id","key","name"},"of":id}    envelope: the checkpoint
//   {"kind":"entry","hash","leaf","path":[hex],"personal"}, evidence, ..., {"kind":"end","size":number of entries}
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "evidence/envelope.h"
#include "evidence/leaf.h"
#include "evidence/merkle.h"

namespace jit::evidence {

inline constexpr std::size_t kLineMax = 4 * 1024 * 1024;  // bytes, without the new line
inline constexpr std::size_t kPathMost = 64;
inline constexpr std::uint64_t kSizeMax = std::uint64_t{1} << 53U;

struct ExportHost {
  std::string id;    // 32 hex digits
  std::string key;   // "ssh-ed25519 AAAA..."
  std::string name;  // as people know it; printable ASCII
  bool operator==(const ExportHost&) const = default;
};

struct LogLine {
  ExportHost host;
  std::uint64_t first = 1;
  std::vector<Hash> frontier;
};
struct ProofLine {
  ExportHost host;
  Envelope checkpoint;
  std::string of;  // 32 hex digits: of a request or a grant
};
struct EntryLine {
  Hash hash{};
  std::string leaf;
  Personal personal;
  std::optional<std::vector<Hash>> path;  // in a proof
};
struct EvidenceLine {
  std::optional<Envelope> envelope;  // a request, a vote or a grant
  std::string code;                  // or a vote code
};
struct CheckpointLine {
  Envelope envelope;
};
struct EndLine {
  std::uint64_t size = 0;
};
using ExportLine = std::variant<LogLine, ProofLine, EntryLine, EvidenceLine, CheckpointLine, EndLine>;

std::string to_line(const ExportLine& line);  // without a new line
// Nothing: longer than kLineMax, not canonical, an unknown kind or member, out of range.
std::optional<ExportLine> read_line(std::string_view line);

}  // namespace jit::evidence
