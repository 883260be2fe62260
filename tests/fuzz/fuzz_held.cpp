// SPDX-License-Identifier: Apache-2.0
// The enforcer's record, and the paths of control groups: whatever reads is written again as the same, and leads nowhere else.
#include "enforcer/cgroup.h"
#include "enforcer/held.h"
#include "tests/fuzz/fuzz.h"

using namespace jit::fuzz;
using namespace jit::enforcer;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = text_of(data, size);
  if (const auto held = read_held(text)) {
    require(is_id(held->id) && held->end > 0 && (held->outer.empty() || is_id(held->outer)));
    const std::string again = write_held(*held);
    const auto twice = read_held(again);
    require(twice && write_held(*twice) == again);
    for (const Scope& scope : held->scopes) require(id_of_unit(scope.unit) == held->id);
  }
  const std::string id = id_of_unit(text);
  require(id.empty() || is_id(id));
  const std::string unit = unit_in(text);
  require(unit.empty() || unit_path(text).ends_with(unit));
  require(text.starts_with(unit_path(text)));
  require(!slice_in(text).empty());
  return 0;
}
