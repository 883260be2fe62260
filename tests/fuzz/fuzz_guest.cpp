// SPDX-License-Identifier: Apache-2.0
// What the module reads in its host program: the words of its PAM line, and the environment and command line that the
// kernel keeps. --wrap=open: the files of /proc/self hold the input.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstring>

#include "pam_jit/log.h"
#include "pam_jit/options.h"
#include "pam_jit/proc.h"
#include "tests/fuzz/fuzz.h"

using namespace jit::fuzz;
using namespace jit::pam;

namespace {

std::string_view input;

int input_as_file() {
  const int fd = memfd_create("input", MFD_CLOEXEC);
  require(fd >= 0 && write(fd, input.data(), input.size()) == static_cast<ssize_t>(input.size()));
  require(lseek(fd, 0, SEEK_SET) == 0);
  return fd;
}

// By another way: the first entry that begins so.
std::string_view entry_of(std::string_view environment, std::string_view prefix) {
  while (!environment.empty()) {
    const std::string_view entry = environment.substr(0, environment.find('\0'));
    if (entry.starts_with(prefix)) return entry.substr(prefix.size());
    environment.remove_prefix(std::min(environment.size(), entry.size() + 1));
  }
  return {};
}

}  // namespace

// What the module says would go to this machine's log.
void jit::pam::log_line(int, const char*, ...) {}

extern "C" int __real_open(const char* path, int flags, ...);
extern "C" int __wrap_open(const char* path, int flags, ...);
extern "C" int __wrap_open(const char* path, int flags, ...) {
  if (std::strcmp(path, "/proc/self/environ") == 0 || std::strcmp(path, "/proc/self/cmdline") == 0) return input_as_file();
  std::va_list rest;
  va_start(rest, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  return __real_open(path, flags, mode);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  input = text_of(data, size);

  Bytes words;
  std::size_t length = 0;
  const Read argv = read_argv(words, length);
  require(argv == (size == 0 ? Read::kAbsent : size > kArgvMax ? Read::kTooLong : Read::kFound));
  if (argv == Read::kFound) require(std::string_view(words.get(), length) == input);

  std::array<char, 64> value{};
  constexpr std::string_view kPrefix = "JIT_REASON=";
  const Read found = read_environ(kPrefix, value, length);
  require(found != Read::kFailed && length <= value.size());
  const std::string_view expected = entry_of(input, kPrefix);
  if (found == Read::kFound) require(std::string_view(value.data(), length) == expected);
  if (found == Read::kTooLong) require(expected.size() > value.size());
  if (found == Read::kAbsent) require(expected.empty());

  if (has_nul(input)) return 0;
  const std::vector<std::string> line = lines_of(input);
  std::vector<const char*> pointers;
  for (const std::string& word : line) pointers.push_back(word.c_str());
  if (const auto options = read_options(static_cast<int>(pointers.size()), pointers.data())) {
    require(options->budget_s.value_or(0) <= kBudgetMax);
    for (const std::string& word : line) require(word == "observe" || word == "debug" || word.starts_with("budget="));
  }
  return 0;
}
