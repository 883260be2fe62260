// SPDX-License-Identifier: Apache-2.0
// What a host asks of people, as it signs it. Every field is under the signature and in the digest that votes name.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jit::evidence {

inline constexpr std::string_view kRequestType = "application/vnd.pam-jit.request.v1+json";
inline constexpr std::size_t kRequestMax = 188 * 1024;  // bytes of a payload: with its envelope it fits kEnvelopeMax

// [privacy] of broker.toml. command: its words, program, digest, options and environment.
struct PrivateFields {
  bool command = false, cwd = false, reason = false;
  bool any() const { return command || cwd || reason; }
};

// Texts are bytes as they came; the document holds them escaped (text.h), argv as base64.
struct Request {
  std::string id;       // 32 hex digits
  std::string kind;     // "elevation", "login", "extension", "ahead of time", "break-glass"
  std::string host_id;  // 32 hex digits
  std::string host_name;
  std::string boot_id;
  std::int64_t epoch = 1;  // of the host's database
  std::string nonce;       // 64 hex digits
  struct Subject {
    std::string name;
    std::uint32_t uid = 0;
    std::optional<std::uint32_t> loginuid;
    std::string login_name;  // of the loginuid, where it is another uid
    std::string person;
    std::string origin;      // "local", "unknown" or an address: that of the connection, as the kernel has it
    std::string tty;
    std::optional<std::uint32_t> audit_session;
    bool operator==(const Subject&) const = default;
  } subject;
  std::string door;
  std::string service;
  struct Target {
    std::string name;
    std::uint32_t uid = 0;
    bool verified = false;  // false: read from a command line
    std::string group = {}; // of sudo's -g; empty: his own
    bool operator==(const Target&) const = default;
  } target;
  struct Command {
    std::vector<std::string> argv;
    std::string path;         // empty: not known
    std::string sha256;       // 64 hex digits; empty: not bound
    bool known = false;       // false: path, words_at, options and env mean nothing
    bool verified = false;    // false: a claim of the command line
    bool changeable = false;  // the requester can change a file that it runs or reads
    std::uint32_t words_at = 0;
    std::vector<std::string> options, env;
    bool operator==(const Command&) const = default;
  } command;
  std::string cwd;
  std::string reason;
  std::string reason_from;  // "", "prompt", "environment", "command line"
  std::string ticket;
  std::string urgency;
  std::optional<std::uint32_t> asked_s;
  std::string asked_scope;  // empty: none
  std::string via;          // the permit that was named
  std::string ssh_key;      // hex SHA-256; empty: none
  std::string extends;      // a grant; empty: none
  std::int64_t not_before_ms = 0;  // Unix time; 0: at once
  struct Seat {
    std::string set;
    std::uint32_t count = 1;
    bool operator==(const Seat&) const = default;
  };
  struct Step {
    std::uint32_t after_s = 0;
    std::string add, to, notify;
    bool operator==(const Step&) const = default;
  };
  struct Offer {
    std::string rule;
    std::string fingerprint;
    std::vector<Seat> seats;
    std::vector<Step> ladder;
    std::string votes;  // "any", "signed", "hardware"
    std::string scope;
    std::uint32_t give_s = 0, max_s = 0, wait_s = 0, claim_s = 0, review_s = 0, run_max_s = 0, reason_min = 0;
    std::string on_expiry;
    std::vector<std::uint32_t> warn_before_s;
    std::vector<std::string> tickets, notify;
    bool reason_required = false, record = false, machines = false, match = false, self = false, break_glass = false;
    bool operator==(const Offer&) const = default;
  } offer;
  std::string policy_hash;
  std::int64_t risk = 0;  // 0 to 100
  std::vector<std::string> risk_signs;
  struct Hidden {  // hex SHA-256, see hidden.h; empty: it is said openly
    std::string command, cwd, reason;
    bool operator==(const Hidden&) const = default;
  } hidden;
  std::string head;       // "SIZE:ROOT" of the log when it was made; empty: the log was new
  std::int64_t created_ms = 0, deadline_ms = 0;    // Unix time, for people
  std::int64_t created_boot_ms = 0, deadline_boot_ms = 0;  // CLOCK_BOOTTIME of that boot: what decides
  bool operator==(const Request&) const = default;
};

std::string payload_of(const Request& request);  // canonical
// Only of a payload whose signature was found good. Nothing: longer than kRequestMax, not canonical, an unknown member, out of range.
std::optional<Request> read_request(std::string_view payload);

}  // namespace jit::evidence
