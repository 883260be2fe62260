// SPDX-License-Identifier: Apache-2.0
// Checks a whole export, or a proof, line by line, with public keys alone. It stops at the first thing that is wrong. A log may come
// in parts (those in the archive, and the rest), one behind the other.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "evidence/allowed_signers.h"
#include "evidence/checkpoint.h"
#include "evidence/ledger.h"

namespace jit::evidence {

// A head that was kept elsewhere: of a log that was cut or rolled back it tells.
struct KeptHead {
  std::uint64_t size = 0;
  Hash root{};
  std::optional<Envelope> envelope;  // where it is a signed one
};
struct KeptHeads {
  std::vector<KeptHead> all;
  std::size_t bad_line = 0;  // counted from 1; 0: none, else what is wrong in it
  std::string error;
};
// One a line: "SIZE:ROOT", a checkpoint's envelope, or an object that holds one as "envelope" (a line of an export, of
// /run/jit-broker/head).
KeptHeads parse_heads(std::string_view text);

struct Trust {
  std::string host_key;  // "ssh-ed25519 AAAA..." or its fingerprint "SHA256:..."; empty: the one that the export names is taken
  std::vector<AllowedSigner> signers;
  std::vector<KeptHead> heads;
};

struct Problem {
  std::uint64_t first = 0, last = 0;  // entries, by sequence: it is one of these. 0: not of an entry
  std::uint64_t line = 0;             // of the file, from 1
  std::string what;
};

struct Audited {
  std::optional<Problem> problem;
  ExportHost host;
  std::string fingerprint;             // of the host's key
  std::uint64_t first = 0, last = 0;   // entries that were checked
  std::uint64_t checkpoints = 0;
  std::uint64_t newest_ms = 0;         // when the newest signed head was made
  std::string proof_of;                // of a proof: the id
  LedgerCounts counts;
  std::vector<std::string> notes;      // what is odd and no proof of anything
};

class Audit {
 public:
  explicit Audit(Trust trust);
  ~Audit();
  bool line(std::string_view text);  // without its new line; false: something is wrong, and no further line is looked at
  Audited finish();                  // once, after the last line

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// For people: what was found, in lines. The first begins with "verified" or "NOT verified".
std::string text_of(const Audited& audited);

}  // namespace jit::evidence
