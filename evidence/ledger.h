// SPDX-License-Identifier: Apache-2.0
// What the entries of a log say together: each grant has its request, and where its permit asked for people, their votes: of distinct
// people, used once, and none of the requester unless the rule lets his hardware key answer. And the signed documents: each is the
// one that its entry names.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "evidence/allowed_signers.h"
#include "evidence/export.h"

namespace jit::evidence {

struct LedgerCounts {
  std::uint64_t requests = 0, grants = 0, votes = 0;
  std::uint64_t signed_votes = 0;      // with their document, and good under a key that was given
  std::uint64_t unknown_keys = 0;      // with their document; nobody gave a key of that person
  std::uint64_t host_votes = 0;        // that no key signed: the host's word
  std::uint64_t unsigned_requests = 0; // without their document
  std::uint64_t erased = 0;            // entries of which something was erased
  std::uint64_t unproven = 0;          // what began before the first entry, or whose voters or signed votes were erased
};

// What is seen of the log: all of it; its end, so that things may have begun before; what belongs to one request or grant.
enum class Reach : std::uint8_t { kWhole, kLate, kProof };

class Ledger {
 public:
  // The answers are what is wrong, for people; empty: nothing is.
  Ledger(Reach reach, ExportHost host, std::vector<AllowedSigner> signers);

  std::string entry(const Read& read);
  std::string document(const EvidenceLine& line);  // that stands behind that entry
  std::string settle();                            // before anything else, and at the end: nothing stands behind it any more
  const LedgerCounts& counts() const { return counts_; }

 private:
  struct Ask {
    std::uint64_t needed = 0;
    bool known = true;  // false: it was made before the first entry
    std::string person, digest, extends;
    std::set<std::string> voters;
    std::uint64_t erased_voters = 0;
    std::set<std::string> votes;  // digests of those that approve and are signed
    bool votes_known = true;      // false: such a digest was erased
    bool self = false;            // its document lets a hardware key of the requester answer
    std::string asks;             // for "any", "signed" or "hardware" votes; empty: its document is not here
    bool approved = false, denied = false, used = false;
  };
  std::string created(const Entry& entry);
  std::string vote(const Entry& entry);
  std::string approved(const Entry& entry);
  std::string closed(const Entry& entry);
  std::string granted(const Entry& entry);
  std::string extended(const Entry& entry);
  std::string used(const Entry& entry);
  Ask* find(const Entry& entry);
  bool is_own(const Entry& vote) const;
  static bool approves(const Entry& vote);
  bool needs_hardware(const Entry& vote) const;
  bool may_sign(const AllowedSigner& signer, const Entry& vote) const;
  std::string without_document(const Entry& vote);
  std::string signed_by_host(const Envelope& envelope, std::string_view purpose) const;
  std::string request_document(const Envelope& envelope);
  std::string grant_document(const Envelope& envelope);
  std::string vote_document(const Envelope& envelope);
  std::string vote_code(const std::string& text);
  std::string count_voter(bool any_key, bool good);

  Reach reach_;
  ExportHost host_;
  std::vector<AllowedSigner> signers_;
  std::map<std::string, Ask, std::less<>> asks_;
  std::set<std::string, std::less<>> grants_;
  std::set<std::string, std::less<>> prolonged_;  // grants for which more time was approved, and not given yet
  std::map<std::string, std::uint64_t, std::less<>> votes_seen_;
  Read last_;
  bool document_seen_ = false;
  LedgerCounts counts_;
};

}  // namespace jit::evidence
