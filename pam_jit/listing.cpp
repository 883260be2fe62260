// SPDX-License-Identifier: Apache-2.0
#include "pam_jit/listing.h"

#include <link.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>

#include "pam_jit/proc.h"

namespace jit::pam {
namespace {

constexpr std::array<std::string_view, 2> kSudoers = {"/usr/libexec/sudo/sudoers.so", "/usr/lib/sudo/sudoers.so"};

bool is_roots(const char* path) {
  struct stat s {};
  return lstat(path, &s) == 0 && S_ISREG(s.st_mode) && s.st_uid == 0 && (s.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

int see_object(dl_phdr_info* object, std::size_t, void* found) {
  if (object->dlpi_name == nullptr) return 0;
  const std::string_view name = object->dlpi_name;
  for (const std::string_view path : kSudoers) {
    if (name == path && is_roots(object->dlpi_name)) *static_cast<bool*>(found) = true;
  }
  return 0;
}

}  // namespace

bool is_sudo_listing(const SudoOptions& options) {
  if (!options.understood || options.lists == options.validates) return false;
  const std::string_view wanted = options.lists ? "list" : "validate";

  // sudo.ws answers getenv() from the environment that it built for the command. sudo-rs does not: there this would be
  // what the caller exported, hence the two checks below.
  const char* said = getenv("SUDO_COMMAND");
  if (said == nullptr || said != wanted) return false;
  std::array<char, 16> started{};
  std::size_t size = 0;
  const Read read = read_environ("SUDO_COMMAND=", started, size);
  if (read == Read::kFailed || (read == Read::kFound && std::string_view(started.data(), size) == wanted)) return false;

  if (getauxval(AT_SECURE) == 0 && getuid() != 0) return false;  // not setuid: whoever started it could load anything
  bool sudoers = false;
  dl_iterate_phdr(see_object, &sudoers);
  return sudoers;
}

}  // namespace jit::pam
