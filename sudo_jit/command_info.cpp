// SPDX-License-Identifier: Apache-2.0
#include "sudo_jit/command_info.h"

#include <array>
#include <charconv>

namespace jit::sudo {
namespace {

constexpr std::array<std::string_view, 5> kStreams = {"iolog_stdin", "iolog_stdout", "iolog_stderr", "iolog_ttyin", "iolog_ttyout"};

bool read_uid(std::string_view text, std::uint32_t& out) {
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, out);
  return !text.empty() && error == std::errc{} && stop == end && out != 4294967295U;
}

}  // namespace

std::string_view value_of(char* const list[], std::string_view name) {
  std::string_view found;
  for (; list != nullptr && *list != nullptr; ++list) {
    std::string_view entry = *list;
    if (!pam::starts_with(entry, name) || entry.size() == name.size() || entry[name.size()] != '=') continue;
    entry.remove_prefix(name.size() + 1);
    found = entry;
  }
  return found;
}

bool is_true(char* const list[], std::string_view name) { return value_of(list, name) == "true"; }

bool read_command_info(char* const list[], CommandInfo& out) {
  out.command = value_of(list, "command");
  out.user = value_of(list, "runas_user");
  out.group = value_of(list, "runas_group");
  std::string_view uid = value_of(list, "runas_euid");
  if (uid.empty()) uid = value_of(list, "runas_uid");
  if (out.user.empty() || !read_uid(uid, out.uid)) return false;
  out.child = value_of(list, "runcwd").data() != nullptr;
  out.folder = value_of(list, out.child ? "runcwd" : "cwd");
  out.edits = is_true(list, "sudoedit");
  out.chroot = !value_of(list, "chroot").empty();
  for (const std::string_view stream : kStreams) {
    if (is_true(list, stream)) out.recording = value_of(list, "iolog_path");
  }
  return true;
}

}  // namespace jit::sudo
