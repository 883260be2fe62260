// SPDX-License-Identifier: Apache-2.0
// Refuses a call whose arguments are larger than any honest ones before sdbus-c++ copies them: the bus lets 32 MiB
// through, and decoding those would cost several times that. Bus thread only.
#pragma once

#include <sdbus-c++/sdbus-c++.h>
#include <systemd/sd-bus.h>

namespace jit::bus {

class SizeGuard {
 public:
  // any: a message of the connection that is to be guarded.
  explicit SizeGuard(const sdbus::Message& any);
  ~SizeGuard();
  SizeGuard(const SizeGuard&) = delete;
  SizeGuard& operator=(const SizeGuard&) = delete;

 private:
  sd_bus_slot* slot_ = nullptr;
};

}  // namespace jit::bus
