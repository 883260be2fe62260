// SPDX-License-Identifier: Apache-2.0
#include "broker/bus/size_guard.h"

#include <cstring>

#include "broker/core/limits.h"

namespace jit::bus {

namespace {

// The message inside: sdbus-c++ has no way to add a filter or to ask for a size.
struct Inside : sdbus::Message {
  static sd_bus_message* of(const sdbus::Message& message) {
    return static_cast<sd_bus_message*>(message.*(&Inside::msg_));
  }
};

// Takes what the message holds, container by container, from the budget; false: over it, or not readable.
bool within(sd_bus_message* message, std::size_t& budget) {
  for (;;) {
    char type = 0;
    const char* contents = nullptr;
    const int more = sd_bus_message_peek_type(message, &type, &contents);
    if (more <= 0) return more == 0;
    std::size_t used = 16;
    if (type == SD_BUS_TYPE_ARRAY && std::strcmp(contents, "y") == 0) {
      const void* bytes = nullptr;
      std::size_t size = 0;
      if (sd_bus_message_read_array(message, 'y', &bytes, &size) < 0) return false;
      used += size;
    } else if (std::strchr("aver", type) != nullptr) {
      if (sd_bus_message_enter_container(message, type, contents) < 0) return false;
      if (!within(message, budget)) return false;
      if (sd_bus_message_exit_container(message) < 0) return false;
    } else if (std::strchr("sog", type) != nullptr) {
      const char* text = nullptr;
      if (sd_bus_message_read_basic(message, type, &text) < 0) return false;
      used += std::strlen(text);
    } else if (sd_bus_message_skip(message, nullptr) < 0) {
      return false;
    }
    if (used > budget) return false;
    budget -= used;
  }
}

int look(sd_bus_message* message, void*, sd_bus_error*) {
  if (sd_bus_message_is_method_call(message, nullptr, nullptr) <= 0) return 0;
  std::size_t budget = core::kFrameMax;
  const bool good = within(message, budget);
  if (sd_bus_message_rewind(message, 1) >= 0 && good) return 0;
  sd_bus_reply_method_errorf(message, "org.pamjit.Error.BadInput", "the arguments are longer than 1 MiB together");
  return 1;
}

}  // namespace

SizeGuard::SizeGuard(const sdbus::Message& any) {
  sd_bus* const bus = sd_bus_message_get_bus(Inside::of(any));
  const int added = sd_bus_add_filter(bus, &slot_, look, nullptr);
  if (added < 0) throw sdbus::createError(-added, "Failed to guard the size of messages");
}

SizeGuard::~SizeGuard() { sd_bus_slot_unref(slot_); }


}  // namespace jit::bus
