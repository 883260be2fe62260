// SPDX-License-Identifier: Apache-2.0
// What an approver answers to, and his answer, both with their signatures: the request as its host signed it, and the vote as he does.
#pragma once

#include "cli/client.h"
#include "cli/signer.h"
#include "evidence/request.h"

namespace jit::cli {

struct SignedRequest {
  evidence::Request request;
  std::string digest;
};

// What the host keeps to itself and tells who may see it there: false where that is not what it signed.
bool open_private(SignedRequest& request, const Json& openings);

// Nothing is parsed before the signature was found to be the host's.
Result<SignedRequest> verified(std::string_view envelope, const evidence::PublicKey& host);
// As the broker's documents are, so that it is shown with the same words.
Json document_of(const SignedRequest& request);

struct Decision {
  bool approve = false;
  std::optional<std::uint32_t> duration_s, block_s;
  std::string scope;  // empty: as offered
  std::string reason;
  std::string typed;
};

Decision decision_of(const Dict& options);  // of an approval; the options of Requests.Vote

// The envelope of a vote; a vote code.
Result<std::string> signed_vote(const SignedRequest& request, const Decision& decision, const std::string& person,
                                std::span<const evidence::PublicKey> keys, const std::string& key_file);
Result<std::string> vote_code(const SignedRequest& request, const Decision& decision, const std::string& person,
                              std::span<const evidence::PublicKey> keys, const std::string& key_file);

// Whose keys count here, as the broker says.
struct Voter {
  std::string person;
  std::vector<evidence::PublicKey> keys;  // that sign in a terminal: those of ssh
  evidence::PublicKey host;
  std::string host_id;
};
Result<Voter> voter_of(Client& client);

// Fetches what `shown` is about as the host signed it, sees that it is the same, signs and hands it in.
Result<Json> cast_signed(Client& client, const Json& shown, const Decision& decision, const Voter& voter, const std::string& key_file);

}  // namespace jit::cli
