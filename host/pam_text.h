// SPDX-License-Identifier: Apache-2.0
// One file of pam.d as libpam takes it apart: lines joined, comments gone, words in brackets whole. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace jit::host {

struct PamEntry {
  // "auth", "account", "password", "session" (a leading - is dropped), "@include", or, where libpam would not take the line, as it
  // stands there.
  std::string type;
  // As libpam takes it, however it stands there: "required", in small letters and without brackets, or "[success=1 default=ignore]"; where
  // libpam would not take it, as it stands; empty with @include.
  std::string control;
  std::string module;   // as it stands there: a module, or what is included; empty: the line is not whole
  std::vector<std::string> arguments;  // brackets around one are gone
  std::uint32_t line = 0, last = 0;    // 1-based; of a joined line the first and the last

  bool includes() const { return type == "@include" || control == "include" || control == "substack"; }
  bool whole() const { return !module.empty() && (type == "@include" || is_type(type)); }
  static bool is_type(std::string_view word);
};

// What stands between the brackets of a control: {"success", "1"}. Nothing: libpam would not take it, and then calls every answer bad.
using PamActions = std::vector<std::pair<std::string, std::string>>;
std::optional<PamActions> read_pam_actions(std::string_view text);

std::vector<PamEntry> read_pam_text(std::string_view text);  // in their order; blank lines and comments are none

}  // namespace jit::host
