// SPDX-License-Identifier: Apache-2.0
// Lines of a file or a pipe that may be anybody's: one without an end must cost no memory.
#pragma once

#include <cstdint>
#include <string>

namespace jit::cli {

class LineReader {
 public:
  // most: bytes of a line, without its new line
  LineReader(int fd, std::size_t most) : fd_(fd), most_(most) {}

  enum class Got : std::uint8_t { kLine, kEnd, kTooLong, kBroken };  // kBroken: errno says why
  Got next(std::string& line);

 private:
  int fd_;
  std::size_t most_;
  std::string buffer_;
  std::size_t at_ = 0;  // of the buffer: what was handed out already
  bool ended_ = false;
};

}  // namespace jit::cli
