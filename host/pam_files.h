// SPDX-License-Identifier: Apache-2.0
// The files of pam.d as libpam puts them together: @include, include and substack followed, lines joined, comments gone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jit::host {

struct PamLine {
  std::string type;     // "auth", "account", "password", "session"; a leading - is dropped
  std::string control;  // as libpam takes it (pam_text.h): "required", or "[success=1 default=ignore]" with its brackets
  std::string module;   // without its folder: "pam_jit.so"
  std::vector<std::string> arguments;  // brackets around one are gone
  std::string file;
  std::uint32_t line = 0;      // 1-based; of a joined line the first
  std::int64_t changed = 0;    // when the file was, Unix time, seconds
  std::uint32_t stack = 0;     // a jump never leaves its own: 0 of the service, each substack has another
};

struct PamService {
  // kUnknown: something cannot be read, or libpam would not take it, so nothing of the whole is known.
  enum class State : std::uint8_t { kRead, kAbsent, kUnknown } state = State::kUnknown;
  std::vector<PamLine> lines;  // kRead; in their order, those of all types mixed
};

struct PamFolders {
  // Where a service is looked for, the first that has it; an absolute path in an include is taken as it is.
  std::vector<std::string> paths = {"/etc/pam.d", "/usr/lib/pam.d"};
};

// At most 1 MiB a file, 16 levels of includes and 4096 lines, else kUnknown.
PamService read_service(const PamFolders& folders, std::string_view service);

}  // namespace jit::host
