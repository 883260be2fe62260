// SPDX-License-Identifier: Apache-2.0
// What the entries of a log say together: each grant has its request, and where its permit asked for people, their votes: of distinct
// people, used once, and none of the requester unless the rule lets his hardware key answer. It gives him what was asked, and no more than
// was offered and than each voter gave. And the signed documents: each is the one that its entry names, and says the same.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "evidence/allowed_signers.h"
#include "evidence/export.h"
#include "evidence/request.h"

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

inline constexpr std::array<std::string_view, 4> kScopes = {"command", "tty", "session", "login"};  // the narrowest first; as vote_code.h numbers them

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
    Json repeated = Json::object();  // fields that its grant must repeat, until it is made
    std::string user, boot;
    std::optional<std::uint64_t> give_s;  // at most: what was offered, or less where a voter gave less
    std::optional<std::size_t> scope;     // of kScopes, as above
    // Of its document; nothing: that is not here.
    struct Signed {
      std::uint64_t max_s = 0, claim_s = 0;
      std::int64_t epoch = 0;
      std::string target;
      std::uint32_t target_uid = 0;
    };
    std::optional<Signed> document;
    void offer(const Entry& created);
    void narrow(const Entry& vote);
    std::string beyond(const Read& grant) const;  // empty: it is what was asked, offered and given
    bool gives(std::uint64_t lifetime_s, std::string_view of_scope) const;  // no more than that
  };
  std::string created(const Entry& entry);
  std::string vote(const Entry& entry);
  std::string approved(const Entry& entry);
  std::string closed(const Entry& entry);
  std::string granted(const Entry& entry);
  std::string extended(const Entry& entry);
  std::string longer(const Entry& entry, const std::optional<std::uint64_t>& most_s);
  std::string used(const Entry& entry);
  std::string claimed(const Entry& entry);
  bool repeats(const Request& request) const;
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
  // Grants for which more time was approved and not given yet, and how much at most; nothing: nobody knows.
  std::map<std::string, std::optional<std::uint64_t>, std::less<>> prolonged_;
  std::map<std::string, std::uint64_t, std::less<>> lifetimes_;  // of grants that were not claimed yet, in seconds
  std::map<std::string, std::int64_t, std::less<>> ends_;  // of grants in use, in wall-clock milliseconds
  std::map<std::string, std::uint64_t, std::less<>> votes_seen_;
  Read last_;
  bool document_seen_ = false;
  LedgerCounts counts_;
};

}  // namespace jit::evidence
