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

using Places = std::array<std::string_view, 2>;
constexpr Places kSudoers = {"/usr/libexec/sudo/sudoers.so", "/usr/lib/sudo/sudoers.so"};
constexpr Places kSudoJit = {"/usr/libexec/sudo/sudo_jit.so", "/usr/lib/sudo/sudo_jit.so"};

bool is_roots(const char* path) {
  struct stat s {};
  return lstat(path, &s) == 0 && S_ISREG(s.st_mode) && s.st_uid == 0 && (s.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

struct Search {
  const Places& places;
  bool found = false;
};

int see_object(dl_phdr_info* object, std::size_t, void* data) {
  auto& search = *static_cast<Search*>(data);
  if (object->dlpi_name == nullptr) return 0;
  const std::string_view name = object->dlpi_name;
  for (const std::string_view path : search.places) {
    if (name == path && is_roots(object->dlpi_name)) search.found = true;
  }
  return 0;
}

bool is_loaded(const Places& places) {
  Search search{places};
  dl_iterate_phdr(see_object, &search);
  return search.found;
}

// Where it does not run setuid, whoever started it could load anything.
bool is_sudo_ws() { return (getauxval(AT_SECURE) != 0 || getuid() == 0) && is_loaded(kSudoers); }

}  // namespace

bool sudo_jit_asks() { return is_sudo_ws() && is_loaded(kSudoJit); }

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

  return is_sudo_ws();
}

}  // namespace jit::pam
