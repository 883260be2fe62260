// SPDX-License-Identifier: Apache-2.0
#include "cli/line_reader.h"

#include <unistd.h>

#include <cerrno>
#include <utility>

namespace jit::cli {

namespace {

constexpr std::size_t kLinesRead = 65'536;  // bytes at a time

}  // namespace

LineReader::Got LineReader::next(std::string& line) {
  for (std::size_t seen = at_;;) {
    const std::size_t end = buffer_.find('\n', seen);
    const bool whole = end != std::string::npos;
    if ((whole ? end : buffer_.size()) - at_ > most_) return Got::kTooLong;
    if (whole || ended_) {
      if (!whole && at_ == buffer_.size()) return Got::kEnd;
      line.assign(buffer_, at_, whole ? end - at_ : std::string::npos);
      at_ = whole ? end + 1 : buffer_.size();
      return Got::kLine;
    }
    buffer_.erase(0, std::exchange(at_, 0));
    seen = buffer_.size();
    buffer_.resize(seen + kLinesRead);
    ssize_t got = 0;
    do {
      got = read(fd_, buffer_.data() + seen, kLinesRead);
    } while (got < 0 && errno == EINTR);
    buffer_.resize(seen + static_cast<std::size_t>(got > 0 ? got : 0));
    if (got < 0) return Got::kBroken;
    ended_ = got == 0;
  }
}

}  // namespace jit::cli
