// SPDX-License-Identifier: Apache-2.0
// The texts of proc(5). A process chooses its own name in them: nothing that stands there may move a field.
#include "broker/gate/origins.h"
#include "broker/gate/proc_text.h"
#include "tests/fuzz/fuzz.h"

using namespace jit::fuzz;
using namespace jit::gate;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = text_of(data, size);
  if (const auto stat = parse_stat(text)) {
    require(stat->parent >= 0 && stat->session >= 0);
    const std::string rest(text.substr(text.rfind(')')));
    require(parse_stat("1 (" + rest) == stat);
    require(parse_stat("1 (x) S 9 9 9 9 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 77\n" + rest) == stat);
    const auto console = virtual_console(stat->tty);
    require(!console || (*console >= 1 && *console <= 63));
    require(login_origin(text, "", stat->tty).kind != jit::policy::Origin::Kind::kPeer);
  }
  if (const auto status = parse_status(text)) {
    require(!status->gids.empty() && status->gids.size() <= kKernelGroupsMax);
    require(!parse_status(std::string(text) + "\nUid:\t0\t0\t0\t0\n"));
  }
  if (const auto number = parse_number(text)) require(parse_number(std::to_string(*number)) == number);
  if (const auto pid = parse_pidfd_info(text)) require(*pid > 0);
  return 0;
}
