// SPDX-License-Identifier: Apache-2.0
// The command line as values; what is wrong with it as one line.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/exit.h"

namespace jit::cli {

enum class Option : std::uint8_t {
  kDoor, kAs, kFor, kReason, kTicket, kVia, kWait, kJson, kAll, kState, kSince, kScope, kUser, kPerson, kRequest,
  kType, kLimit, kCheck, kGroups,
  kFrom, kAt, kFact, kUrgency, kClaimed, kHostTag, kOwed, kBlock, kTyped, kUntil,
  kKey, kCode, kPaste, kEnvelope, kTrust, kYes, kNo, kId, kKind, kVerifyRequired,
  kFormat, kHostKey, kAllowedSigners, kHead,
  kObserve, kConfirm, kUndo, kUnconfirmed, kKeep, kPolicy,
  kRelay, kServer, kSet, kCa, kData,
};

struct Args {
  std::string verb;                        // "request", "policy check"; "help" and "version" too
  std::vector<std::string> words;          // ids, paths
  std::map<Option, std::string> values;    // flags hold ""; what may be given again has all of its values, with commas
  std::vector<std::string> command;        // after --
  bool has(Option option) const { return values.contains(option); }
  std::string value(Option option) const;  // "" where it was not given
};

struct OptionName {
  Option option;
  std::string_view name;       // "--door"
  std::string_view short_name; // "-m", or empty
  std::string_view value;      // "DOOR"; empty: a flag
};

struct Verb {
  std::string_view name;
  std::string_view words;    // "ID", "[PATH...]", or empty
  std::size_t least = 0;
  std::size_t most = 0;
  bool command = false;      // takes -- CMD ARG...
  std::vector<Option> options;
  std::string_view help;
};

std::span<const OptionName> option_names();
std::span<const Verb> verbs();
const Verb* verb_named(std::string_view name);
std::string usage_of(const Verb& verb);

inline constexpr std::size_t kArgsMax = 256 * 1024;  // bytes of all arguments

Result<Args> parse_args(std::span<const std::string> arguments);  // without the program's name

// "2h": that long before now; or ISO 8601 with a zone ("2026-11-22T10:00:00Z"). Unix milliseconds.
std::optional<std::int64_t> parse_since(std::string_view text, std::int64_t now_ms);
// "2h": that long after now; or ISO 8601 with a zone.
std::optional<std::int64_t> parse_ahead(std::string_view text, std::int64_t now_ms);

}  // namespace jit::cli
