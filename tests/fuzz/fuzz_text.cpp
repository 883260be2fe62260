// SPDX-License-Identifier: Apache-2.0
// Text for people: ASCII without control bytes, one line, never longer than asked.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "evidence/text.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

bool harmless(std::string_view text) {
  for (const char c : text) {
    if (c < 0x20 || c > 0x7e) return false;
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace jit::evidence;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::string whole = escape(text);
  require(harmless(whole));
  require(whole.size() >= code_points(text));
  for (const std::size_t limit : {std::size_t{0}, std::size_t{30}, std::size_t{480}, size}) {
    const std::string cut = escape_to(text, limit);
    require(harmless(cut) && cut.size() <= limit);
    require(whole.size() > limit || cut == whole);
  }
  std::vector<std::string> argv(1);
  for (const char c : text) {
    if (c == ' ') {
      argv.emplace_back();
    } else {
      argv.back() += c;
    }
  }
  require(harmless(render_argv(argv)));
  require(trim(text).size() <= text.size());
  (void)valid_utf8(text);
  return 0;
}
