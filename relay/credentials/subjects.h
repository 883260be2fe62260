// SPDX-License-Identifier: Apache-2.0
// Subjects and streams of the relay, and which of them a host or an approver may use. Names of people and sets become tokens:
// what NATS gives a meaning to is written as %HH, so two names are never one token.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jit::relay {

std::string token_of(std::string_view name);                    // "group:sre" stays as it is; "a.b" -> "a%2Eb"
std::optional<std::string> name_of_token(std::string_view token);  // nothing: it is not what token_of makes

std::string request_subject(std::string_view set, std::string_view host, std::string_view request);
std::string end_subject(std::string_view host, std::string_view request);
std::string vote_subject(std::string_view host, std::string_view request, std::string_view person);
std::string here_subject(std::string_view host);
std::string renewal_subject(std::string_view user);  // new claims of the user with this public key
std::string votes_of(std::string_view host);     // all that a host reads
std::string requests_of(std::string_view set);   // all that the approvers of a set read
inline constexpr std::string_view kEnds = "jit.v1.end.*.*";

// Parts of a subject that came in; nothing: it is another one.
struct RequestSubject {
  std::string set, host, request;
};
std::optional<RequestSubject> read_request_subject(std::string_view subject);
struct EndSubject {
  std::string host, request;
};
std::optional<EndSubject> read_end_subject(std::string_view subject);
struct VoteSubject {
  std::string host, request, person;
};
std::optional<VoteSubject> read_vote_subject(std::string_view subject);

// Streams in the account RELAY. What approvers may read again is a stream for each set: NATS permits reading by stream, not by
// what a message is about.
inline constexpr std::string_view kEndStream = "END";
inline constexpr std::string_view kVoteStream = "VOTE";
inline constexpr std::string_view kHereStream = "HERE";
inline constexpr std::string_view kRenewStream = "RENEW";
std::string request_stream(std::string_view set);  // "REQ-group:sre"

// The last message of one subject, read without a consumer; the answer comes to the reply subject.
std::string last_of(std::string_view stream, std::string_view subject);  // $JS.API.DIRECT.GET.STREAM.SUBJECT
std::string any_of(std::string_view stream);                             // $JS.API.DIRECT.GET.STREAM: by sequence

// Where answers to this client come; nobody else may listen there.
std::string inbox_of(std::string_view client);  // "_INBOX.host-ID", "_INBOX.person-TOKEN"
std::string host_client(std::string_view host);
std::string approver_client(std::string_view person);

struct Permissions {
  std::vector<std::string> publish, subscribe;
};
Permissions host_permissions(std::string_view host);
Permissions approver_permissions(std::string_view person, const std::vector<std::string>& sets);

// What the accounts show each other. kService: a question of one account, answered in another; kStream: messages of one account,
// seen in another.
struct Shared {
  std::string_view name;
  std::string_view subject;    // in RELAY
  bool service = false;
  bool hosts = false;      // imported by the account of the hosts
  bool approvers = false;
  std::string_view local = {};  // what it is called where it is imported; empty: the same
};
// A stream publishes again what it has stored, here: a message that came in as a question of one account is not seen by the
// subscriptions of another.
inline constexpr std::string_view kLive = "jit.v1.live.";  // + "req.SET.HOST.REQUEST", ...
const std::vector<Shared>& shared_subjects();

inline constexpr std::size_t kMessageMax = 264 * 1024;  // an envelope and its headers
inline constexpr std::size_t kClaimsMax = 1024 * 1024;  // of an account, with all that is revoked in it; newer servers read no longer ones
inline constexpr std::size_t kVoteMax = 64 * 1024;

}  // namespace jit::relay
