// SPDX-License-Identifier: Apache-2.0
// Any text as a PAM file: where it is edited, our lines gate, stand once, and come out again with nothing else changed; what is wrong is
// told in one harmless line.
#include "host/pam_text.h"
#include "setup/edit.h"
#include "setup/inspect.h"
#include "tests/fuzz/fuzz.h"

using namespace jit;
using namespace jit::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = text_of(data, size);
  const auto holds = [](std::string_view included, std::string_view type) { return included.ends_with(type); };
  const setup::Left before = setup::without_lines(text);
  require(!setup::has_lines(before.text));
  for (const setup::Service& service : setup::services()) {
    for (const setup::Mode mode : {setup::Mode::kGate, setup::Mode::kObserve}) {
      const setup::Edited edited = setup::with_lines(service, text, {mode, true}, holds);
      require(edited.problem.empty() ? edited.line == 0 : edited.text.empty() && harmless(edited.problem));
      if (!edited.problem.empty()) continue;
      const setup::Left left = setup::without_lines(edited.text);
      require(left.text == before.text || left.text == before.text + '\n');
      require(setup::has_all_lines(service, edited.text, {mode, true}, holds));
      const setup::Edited fresh = setup::with_lines(service, before.text, {mode, true}, holds);
      for (const std::string& line : setup::without_lines(fresh.text).taken) require(setup::is_own_line(line));
      require(setup::with_lines(service, edited.text, {mode, true}, holds).text == edited.text);
      if (text.size() < 4096) require(setup::unified_diff(text, edited.text, "a", "b").empty() == (text == edited.text));
    }
  }
  host::PamService read;
  read.state = host::PamService::State::kRead;
  for (host::PamEntry& entry : host::read_pam_text(text)) {
    require(entry.line >= 1 && entry.last >= entry.line);
    if (!entry.whole() || entry.includes()) continue;
    read.lines.push_back({entry.type, entry.control, entry.module, entry.arguments, "/etc/pam.d/x", entry.line, 0, 0});
  }
  for (const setup::Service& service : setup::services()) (void)setup::inspect(service, read);
  return 0;
}
