// SPDX-License-Identifier: Apache-2.0
// Reads its own command line and JIT_REASON as the module does; the exit code says how that went.
#include <array>

#include "pam_jit/proc.h"

int main() {
  using namespace jit::pam;
  Bytes words;
  std::size_t size = 0;
  std::array<char, kReasonMax> reason;
  const Read argv = read_argv(words, size);
  const Read read = read_environ("JIT_REASON=", reason, size);
  return static_cast<int>(argv) + 10 * static_cast<int>(read);
}
