// SPDX-License-Identifier: Apache-2.0
// Envelopes, requests, votes, grants, vote codes and what is carried. What is read was written by our own writer, and nothing is found
// to be signed.
#include "evidence/carried.h"
#include "evidence/envelope.h"
#include "evidence/grant.h"
#include "evidence/host_key.h"
#include "evidence/request.h"
#include "evidence/vote.h"
#include "evidence/vote_code.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace jit::evidence;
using jit::fuzz::require;

void judge_code(const ReadCode& code) {
  static const HostKey key = *HostKey::from_secret(Bytes(kSecretBytes, 9));
  VoteCode out;
  require(code.verify(key.public_key(), out) != Flaw::kNone);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto envelope = parse_envelope(text)) require(to_json(*envelope) == text);
  if (const auto request = read_request(text)) require(payload_of(*request) == text);
  if (const auto vote = read_vote(text)) require(payload_of(*vote) == text);
  if (const auto grant = read_grant(text)) require(payload_of(*grant) == text);
  if (const auto code = ReadCode::parse(text)) judge_code(*code);
  if (const auto inside = from_carried(text)) require(inside->size() <= kEnvelopeMax);
  return 0;
}
