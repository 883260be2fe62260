// SPDX-License-Identifier: Apache-2.0
// Any text as an export, a proof, kept heads and allowed signers: what is read is written back as it was, and an audit ends with
// a verdict that it can say.
#include "evidence/audit.h"
#include "tests/fuzz/fuzz.h"

using namespace jit;
using namespace jit::fuzz;

namespace {

void one_line(std::string_view text) {
  const auto line = evidence::read_line(text);
  if (!line) return;
  require(evidence::to_line(*line) == text);
  const auto* entry = std::get_if<evidence::EntryLine>(&*line);
  if (entry == nullptr) return;
  const auto read = evidence::read_leaf(entry->leaf, entry->personal);
  if (!read) return;
  require(read->entry.sequence > 0 && !read->entry.type.empty());
  // With less of it known it is the same entry.
  const auto bare = evidence::read_leaf(entry->leaf, {});
  require(bare && bare->entry.sequence == read->entry.sequence && bare->erased.size() == read->erased.size() + entry->personal.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = text_of(data, size);
  evidence::Audit audit(evidence::Trust{});
  std::uint64_t lines = 0;
  bool good = true;
  for (std::string_view left = text; !left.empty();) {
    const std::size_t end = left.find('\n');
    one_line(left.substr(0, end));
    good = audit.line(left.substr(0, end)) && good;
    ++lines;
    left.remove_prefix(end == std::string_view::npos ? left.size() : end + 1);
  }
  const evidence::Audited audited = audit.finish();
  require(good || audited.problem);
  require(!audited.problem || (!audited.problem->what.empty() && audited.problem->line <= lines && audited.problem->first <= audited.problem->last));
  const std::string said = evidence::text_of(audited);
  require(said.starts_with(audited.problem ? "NOT verified" : "verified"));
  // Nothing of the input reaches people but as printable text.
  for (const char c : said) require(c == '\n' || (c >= 0x20 && c < 0x7f));

  const auto heads = evidence::parse_heads(text);
  require(heads.bad_line == 0 ? heads.error.empty() : heads.all.empty() && !heads.error.empty());
  const auto signers = evidence::parse_allowed_signers(text);
  require(signers.bad_line == 0 ? signers.error.empty() : signers.all.empty() && !signers.error.empty());
  for (const auto& signer : signers.all) require(!signer.persons.empty() && evidence::flaw_of(signer.key) == evidence::Flaw::kNone);
  return 0;
}
