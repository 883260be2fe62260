// SPDX-License-Identifier: Apache-2.0
// A sudo command line, a word a line. The broker and the module read it with code of their own: they must not differ.
#include "broker/gate/sudo_argv.h"
#include "pam_jit/sudo_options.h"
#include "tests/fuzz/fuzz.h"

using namespace jit::fuzz;
using jit::gate::SudoTarget;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = text_of(data, size);
  if (has_nul(text)) return 0;  // no word holds one
  const std::vector<std::string> argv = lines_of(text);
  std::string joined;
  for (const std::string& word : argv) joined += word + '\0';
  const jit::pam::SudoOptions options = jit::pam::read_sudo_options(joined);

  const auto target = jit::gate::sudo_target(argv);
  if (target) {
    require(options.understood);
    require((target->kind == SudoTarget::Kind::kName) == !target->name.empty());
    require(target->kind != SudoTarget::Kind::kUid || target->uid != 4294967295U);
  }
  const auto command = jit::gate::sudo_command(argv);
  require(command.data() + command.size() == argv.data() + argv.size());
  require(command.empty() == argv.empty());
  if (command.size() < argv.size()) {
    require(options.understood && !options.lists && !options.validates);
    require(command.front().find('=') == std::string::npos || command.front().front() == '/' || command.front().front() == '=');
  }
  return 0;
}
