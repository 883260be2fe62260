// SPDX-License-Identifier: Apache-2.0
// jitctl's command line, a word a line; its times; and the broker's documents, as it shows them.
#include <algorithm>

#include "cli/args.h"
#include "cli/documents.h"
#include "tests/fuzz/fuzz.h"

using namespace jit::cli;
using namespace jit::fuzz;

namespace {

constexpr std::int64_t kNow = 1'800'000'000'000;

void arguments(std::string_view text) {
  const std::vector<std::string> words = lines_of(text);
  const auto parsed = parse_args(words);
  if (!parsed) return require(parsed.failure().code == Exit::kUsage && harmless(parsed.failure().message));
  const Args& args = *parsed;
  const Verb* verb = verb_named(args.verb);
  if (verb == nullptr) return require(args.verb == "help" || args.verb == "version");
  require(args.words.size() >= verb->least && args.words.size() <= verb->most);
  require(verb->command || args.command.empty());
  for (const auto& [option, value] : args.values) require(std::ranges::find(verb->options, option) != verb->options.end());
}

void document(std::string_view text) {
  const auto read = read_document(text);
  if (!read) return;
  for (const auto& facts : {request_facts(*read), grant_facts(*read)}) {
    for (const auto& [name, value] : facts) require(harmless(name) && harmless(value));
  }
  require(harmless(request_line(*read)));
  for (const bool terminal : {false, true}) {
    for (const auto& row : {request_row(*read, terminal), grant_row(*read, terminal)}) {
      for (const std::string& cell : row) require(harmless(cell));
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = text_of(data, size);
  arguments(text);
  document(text);
  if (const auto since = parse_since(text, kNow)) require(*since >= 0);
  return 0;
}
