// SPDX-License-Identifier: Apache-2.0
// Dictionaries of the broker's methods, and the texts that go back. A seed has a line for each entry: a type letter, the
// key, a blank, the value.
#include <charconv>

#include "broker/bus/args.h"
#include "broker/bus/json.h"
#include "broker/core/limits.h"
#include "evidence/text.h"
#include "tests/fuzz/fuzz.h"

using namespace jit;
using namespace jit::fuzz;

namespace {

template <class Number>
Number number(std::string_view text) {
  Number value{};
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

bus::Bytes bytes(std::string_view text) { return {text.begin(), text.end()}; }

sdbus::Variant variant(char type, std::string_view value) {
  switch (type) {
    case 's': {  // the bus itself lets nothing else through
      const std::string_view text = value.substr(0, value.find('\0'));
      return sdbus::Variant(std::string(evidence::valid_utf8(text) ? text : ""));
    }
    case 'b': return sdbus::Variant(value == "1");
    case 'u': return sdbus::Variant(number<std::uint32_t>(value));
    case 't': return sdbus::Variant(number<std::uint64_t>(value));
    case 'x': return sdbus::Variant(number<std::int64_t>(value));
    case 'a': return sdbus::Variant(bytes(value));
    default: break;
  }
  std::vector<bus::Bytes> words;  // parted by blanks
  while (!value.empty()) {
    const std::size_t end = value.find(' ');
    words.push_back(bytes(value.substr(0, end)));
    value.remove_prefix(end == std::string_view::npos ? value.size() : end + 1);
  }
  return sdbus::Variant(words);
}

bus::Dict dict_of(std::string_view text) {
  bus::Dict out;
  for (const std::string& line : lines_of(text)) {
    if (line.empty() || out.size() == 8) continue;
    const std::size_t blank = std::min(line.find(' '), line.size());
    const std::size_t value = std::min(blank + 1, line.size());
    out.insert_or_assign(line.substr(1, blank == 0 ? 0 : blank - 1), variant(line[0], std::string_view(line).substr(value)));
  }
  return out;
}

template <class T>
bool accepted(const core::Outcome<T>& outcome) {
  require(static_cast<bool>(outcome) == (outcome.error == core::Error::kNone));
  require(static_cast<bool>(outcome) || (outcome.error == core::Error::kBadInput && !outcome.message.empty()));
  return static_cast<bool>(outcome);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = text_of(data, size);
  const bus::Dict dict = dict_of(text);
  const auto in_range = [](std::size_t limit) { return limit >= 1 && limit <= bus::kListMax; };
  if (const auto query = bus::read_request_query(dict); accepted(query)) require(in_range(query.value.limit));
  if (const auto query = bus::read_grant_query(dict); accepted(query)) require(in_range(query.value.limit));
  if (const auto query = bus::read_audit_query(dict); accepted(query)) {
    require(in_range(query.value.limit) && (query.value.request.empty() || bus::read_id(query.value.request)));
  }
  if (const auto create = bus::read_create(dict); accepted(create)) {
    require(create.value.reason.size() <= core::kReasonMax && create.value.ticket.size() <= core::kTicketMax);
    require(create.value.cwd.empty() || create.value.cwd.front() == '/');
    require(create.value.door != policy::Door::kPolkit);
    for (const std::string& word : create.value.argv) require(!has_nul(word));
  }
  if (const auto explain = bus::read_explain(dict); accepted(explain)) {
    require(!dict.contains("user") || !explain.value.user.empty());
    require(!explain.value.suppose.at_s || *explain.value.suppose.at_s >= 0);
  }
  (void)accepted(bus::read_ballot(true, dict));
  if (const auto ballot = bus::read_ballot(false, dict); accepted(ballot)) {
    require(!ballot.value.duration_s && !ballot.value.scope);
  }
  (void)accepted(bus::read_which(dict));
  if (const auto reason = bus::read_reason(bytes(text)); accepted(reason)) require(!reason.value.empty() && !has_nul(text));
  (void)accepted(bus::read_id(std::string(text)));
  require(harmless(bus::wire_text(text)));
  require(harmless(bus::reprint(std::string(text))));
  return 0;
}
