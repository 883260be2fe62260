// SPDX-License-Identifier: Apache-2.0
// A peer's bytes from the first one on. An input that begins with a NUL byte brings its own handshake, up to BEGIN.
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/peer.h"

using namespace jit::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view frames = text_of(data, size);
  std::string_view hello = kHello;
  if (frames.starts_with('\0')) {
    constexpr std::string_view kLast = "BEGIN\r\n";
    const std::size_t begin = frames.find(kLast);
    hello = frames.substr(0, begin == std::string_view::npos ? begin : begin + kLast.size());
    frames.remove_prefix(hello.size());
  }
  speak(hello, frames, 0, [](sd_bus_message* message) { require(sd_bus_message_get_cookie(message, nullptr) < 0); });
  return 0;
}
