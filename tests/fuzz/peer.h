// SPDX-License-Identifier: Apache-2.0
// The gate's reading of one peer, as broker/gate/server.cpp drives it, over a socket pair and without a server.
#pragma once

#include <systemd/sd-bus.h>

#include <functional>
#include <string>
#include <string_view>

namespace jit::fuzz {

inline constexpr std::string_view kHello("\0AUTH EXTERNAL\r\nDATA\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n", 48);

// A method call of the gate with this body; it announces kDescriptors.
inline constexpr std::size_t kDescriptors = 3;
std::string call(const char* member, const char* signature, std::string_view body);

// The peer says hello, then, when that was answered, all of frames, with so many descriptors. on_message gets each message
// that comes of it. Stops where the gate would hang up. No descriptors with frames that sd-bus may refuse: it forgets
// to close those (libsystemd 252).
void speak(std::string_view hello, std::string_view frames, std::size_t descriptors,
           const std::function<void(sd_bus_message*)>& on_message);

}  // namespace jit::fuzz
