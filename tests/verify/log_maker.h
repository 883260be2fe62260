// SPDX-License-Identifier: Apache-2.0
// Makes logs as a host would, good ones and such as a host that lies would sign.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "evidence/checkpoint.h"
#include "evidence/export.h"
#include "evidence/grant.h"
#include "evidence/host_key.h"
#include "evidence/request.h"
#include "evidence/vote.h"
#include "tests/evidence/voters.h"

namespace jit::test {

using evidence::Envelope;
using evidence::HostKey;
using evidence::Json;

HostKey key_of(std::uint8_t seed);
std::string id_of(std::string_view word);  // 32 hex digits

class LogMaker {
 public:
  explicit LogMaker(std::uint8_t host_seed = 1);

  std::uint64_t add(const std::string& type, const std::string& request, const std::string& grant, Json fields);
  void document(const Envelope& envelope);
  void code(const std::string& text);
  void checkpoint();
  void checkpoint(const HostKey& key, std::uint64_t size, const evidence::Hash& root, std::int64_t epoch);
  void end();

  // A whole story: its entries and documents.
  struct Ask {
    std::string id, digest;
    std::uint32_t needed = 0;
    std::vector<std::string> signed_votes;
    std::string person = {};
  };
  Ask ask(const std::string& word, const std::string& person, std::uint32_t needed, const std::string& extends = {}, bool self = false);
  // narrowed: what the entry says of it, and the voter signed. What `logged` names, the entry says otherwise.
  void vote(Ask& ask, const std::string& voter, bool approve, bool is_signed = false, const Json& logged = Json(nullptr));
  void vote_by_code(Ask& ask, const std::string& voter, const Json& logged = Json(nullptr));
  bool narrowed = false;
  // What a host that lies makes of it: of the signed document, and of its entry.
  std::function<void(evidence::Request&, Json&)> twist_request = {};
  std::function<void(evidence::Grant&, Json&)> twist_grant = {};
  std::string votes = "any";  // what the permits ask for
  std::map<std::string, Hand> hands = {};  // of voters who sign with another key than that of their name
  void approved(const Ask& ask, const std::string& grant = {});
  void end_of(const Ask& ask, const std::string& type);
  std::string grant(const Ask& ask, const std::string& word, const std::string& person);
  void use(const std::string& grant, const Ask& ask, const std::string& type, std::int64_t more_s = 0);  // more_s: than at first

  evidence::ExportHost host() const;
  const HostKey& key() const { return key_; }
  std::uint64_t size() const { return leaves_.size(); }
  evidence::Hash root() const { return tree_.root(); }
  std::string head() const { return std::to_string(size()) + ":" + evidence::to_hex(root()); }
  std::string text() const;                          // the export
  std::string text_from(std::uint64_t first) const;  // the same without what stands in front of that entry
  std::string proof(const std::string& id) const;    // under the newest head
  std::vector<evidence::ExportLine> lines;

 private:
  void narrow(Json& fields, const Json& logged) const;
  Hand hand_of(const std::string& voter) const;
  HostKey key_;
  evidence::Frontier tree_;
  std::vector<evidence::Hash> leaves_;
  std::uint8_t salt_ = 0;
};

std::string allowed_signers();  // of alice, bob, carol and dave

}  // namespace jit::test
