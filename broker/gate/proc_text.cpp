// SPDX-License-Identifier: Apache-2.0
#include "broker/gate/proc_text.h"

#include <charconv>

namespace jit::gate {
namespace {

template <class Number>
std::optional<Number> number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// Cuts the next field off; empty at the end.
std::string_view next(std::string_view& rest, std::string_view blanks) {
  const auto from = rest.find_first_not_of(blanks);
  if (from == std::string_view::npos) {
    rest = {};
    return {};
  }
  const auto to = std::min(rest.find_first_of(blanks, from), rest.size());
  const auto field = rest.substr(from, to - from);
  rest.remove_prefix(to);
  return field;
}

// The value of the one line "KEY:\tVALUE"; nothing when it is not there or there twice.
std::optional<std::string_view> line_of(std::string_view text, std::string_view key) {
  std::optional<std::string_view> value;
  while (!text.empty()) {
    const auto end = text.find('\n');
    const auto line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    if (!line.starts_with(key) || line.size() <= key.size() || line[key.size()] != ':') continue;
    if (value) return std::nullopt;
    value = line.substr(key.size() + 1);
  }
  return value;
}

}  // namespace

std::optional<Stat> parse_stat(std::string_view text) {
  const auto name_end = text.rfind(')');
  if (name_end == std::string_view::npos) return std::nullopt;
  auto rest = text.substr(name_end + 1);
  // Fields 3 to 22 of proc(5): state ppid pgrp session tty_nr ... starttime.
  constexpr std::string_view kBlanks = " \n";
  if (next(rest, kBlanks).size() != 1) return std::nullopt;
  const auto parent = number<std::int32_t>(next(rest, kBlanks));
  next(rest, kBlanks);
  const auto session = number<std::int32_t>(next(rest, kBlanks));
  const auto tty = number<std::int32_t>(next(rest, kBlanks));
  for (int field = 8; field < 22; ++field) next(rest, kBlanks);
  const auto start = number<std::uint64_t>(next(rest, kBlanks));
  if (!parent || *parent < 0 || !session || *session < 0 || !tty || !start) return std::nullopt;
  return Stat{*parent, *session, static_cast<std::uint32_t>(*tty), *start};
}

std::optional<Credentials> parse_status(std::string_view text) {
  auto uids = line_of(text, "Uid");
  auto gids = line_of(text, "Gid");
  auto groups = line_of(text, "Groups");
  if (!uids || !gids || !groups) return std::nullopt;
  constexpr std::string_view kBlanks = " \t";
  Credentials out;
  const auto real = number<std::uint32_t>(next(*uids, kBlanks));
  const auto effective = number<std::uint32_t>(next(*uids, kBlanks));
  next(*gids, kBlanks);
  const auto gid = number<std::uint32_t>(next(*gids, kBlanks));
  if (!real || !effective || !gid) return std::nullopt;
  out.real_uid = *real;
  out.effective_uid = *effective;
  out.gids.push_back(*gid);
  for (auto field = next(*groups, kBlanks); !field.empty(); field = next(*groups, kBlanks)) {
    const auto group = number<std::uint32_t>(field);
    if (!group || out.gids.size() >= kKernelGroupsMax) return std::nullopt;
    out.gids.push_back(*group);
  }
  return out;
}

std::optional<std::uint32_t> parse_number(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  return number<std::uint32_t>(text);
}

std::optional<std::int32_t> parse_pidfd_info(std::string_view text) {
  auto line = line_of(text, "Pid");
  if (!line) return std::nullopt;
  const auto pid = number<std::int32_t>(next(*line, " \t"));
  if (!pid || *pid <= 0) return std::nullopt;  // 0: another pid namespace, -1: it has ended
  return pid;
}

std::optional<std::uint32_t> virtual_console(std::uint32_t tty_nr) {
  const std::uint32_t major = (tty_nr >> 8) & 0xfff;
  const std::uint32_t minor = (tty_nr & 0xff) | ((tty_nr >> 12) & 0xfff00);
  if (major != 4 || minor < 1 || minor > 63) return std::nullopt;
  return minor;
}

}  // namespace jit::gate
