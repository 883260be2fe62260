// SPDX-License-Identifier: Apache-2.0
// The bytes of a peer before sd-bus sees them, and the messages to it.
#pragma once

#include <systemd/sd-bus.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "broker/core/ports.h"

namespace jit::gate {

struct CloseBus { void operator()(sd_bus* bus) const noexcept { sd_bus_close_unref(bus); } };
using BusPtr = std::unique_ptr<sd_bus, CloseBus>;
struct UnrefMessage { void operator()(sd_bus_message* message) const noexcept { sd_bus_message_unref(message); } };
using MessagePtr = std::unique_ptr<sd_bus_message, UnrefMessage>;

// The handshake as sd-bus sends it: whole, in one write. Nothing may follow it before our answer, so that from then on
// every message begins where next_frame() looks.
enum class Ahead : std::uint8_t { kNothing, kWhole, kGone, kBad };
Ahead handshake_ahead(int fd);

// A server side on fd (owned from here on) that has read the handshake and is ready; null when that failed.
BusPtr greet(int fd);

// The next message's length by its header, peeked at, since sd-bus itself would take 128 MiB.
Ahead next_frame(int fd, std::uint32_t& length);

// Bytes that wait in the socket.
std::uint32_t waiting(int fd);

enum class Call : std::uint8_t { kNone, kSubmit, kResume, kBind, kVote };

// Replies to the call with this cookie; null when it cannot be built. The call itself is long gone: it would keep its
// three descriptors.
MessagePtr reply_to_submit(sd_bus* bus, std::uint64_t cookie, const core::Answer& answer);
MessagePtr reply_to_resume(sd_bus* bus, std::uint64_t cookie, const core::Answer& answer);
MessagePtr reply_to_bind(sd_bus* bus, std::uint64_t cookie, const core::BindAnswer& answer);
MessagePtr reply_to_vote(sd_bus* bus, std::uint64_t cookie, bool taken, const std::string& text);
MessagePtr signal_progress(sd_bus* bus, const std::vector<std::string>& text);
MessagePtr signal_decided(sd_bus* bus, const core::Answer& answer);

}  // namespace jit::gate
