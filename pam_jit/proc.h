// SPDX-License-Identifier: Apache-2.0
// What the kernel keeps of how this program was started.
#pragma once

#include <span>

#include "pam_jit/guest.h"

namespace jit::pam {

inline constexpr std::size_t kArgvMax = 128 * 1024;  // bytes, NULs included
inline constexpr std::size_t kReasonMax = 1024;

enum class Read : std::uint8_t { kFound, kAbsent, kTooLong, kFailed };

// /proc/self/cmdline, whole: words, each ended by a NUL. size does not exceed kArgvMax.
Read read_argv(Bytes& words, std::size_t& size);

// The value of NAME in the environment that this program was started with; not getenv(), which sudo answers itself.
// prefix is "NAME=". Up to value.size() bytes, no NUL is added.
Read read_environ(std::string_view prefix, std::span<char> value, std::size_t& size);

}  // namespace jit::pam
