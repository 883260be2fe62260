// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "evidence/at_exit.h"

namespace {

// With one of 0, 1, 2 closed, the next file that is opened (the bus, say) would get its number and our output.
bool standard_files_open() {
  bool all = true;
  for (int fd = 0; fd <= 2; ++fd) {
    if (fcntl(fd, F_GETFD) != -1 || errno != EBADF) continue;
    all = false;
    if (open("/dev/null", O_RDWR | O_NOCTTY) != fd) _exit(static_cast<int>(jit::cli::Exit::kUsage));
  }
  return all;
}

}  // namespace

int main(int argc, char** argv) {
  using jit::cli::Exit;
  jit::evidence::keep_crypto_at_exit();
  const bool open = standard_files_open();
  jit::cli::Output out(jit::cli::Style::detect());
  if (!open) return static_cast<int>(out.fail({Exit::kUsage, "standard input, output or error is closed: open it"}));
  std::vector<std::string> arguments;
  for (int i = 1; i < argc; ++i) arguments.emplace_back(argv[i]);
  return static_cast<int>(out.finish(jit::cli::run(arguments, out)));
}
