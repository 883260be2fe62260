// SPDX-License-Identifier: Apache-2.0
#include "policy/text_scan.h"

#include <vector>

namespace jit::policy {
namespace {

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  std::optional<TextFault> run() {
    if (text_.starts_with("\xef\xbb\xbf")) return fault("a byte order mark; save the file without one");
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '\0') return fault("a NUL byte; the file must be plain text");
      if (quote_ != 0) {
        in_string(c);
      } else if (c == '#') {
        while (at_ < text_.size() && text_[at_] != '\n' && text_[at_] != '\0') step();
      } else if (c == '"' || c == '\'') {
        open_string(c);
      } else {
        bare(c);
        if (depth() > kDeepest) return fault("nested deeper than " + std::to_string(kDeepest) + " levels");
        step();
      }
    }
    return std::nullopt;
  }

 private:
  // Dots of the key that is being read, plus those and the bracket of everything that is open around it.
  unsigned depth() const { return dots_ + around_; }

  void bare(char c) {
    switch (c) {
      case '[':
      case '{':
        open_.push_back(dots_ + 1);
        around_ += dots_ + 1;
        dots_ = 0;
        break;
      case ']':
      case '}':
        if (open_.empty()) break;
        around_ -= open_.back();
        open_.pop_back();
        dots_ = 0;
        break;
      case ',': dots_ = 0; break;
      case '\n':
        if (open_.empty()) dots_ = 0;
        break;
      case '.': ++dots_; break;
      default: break;
    }
  }

  void open_string(char quote) {
    const std::string_view rest = text_.substr(at_);
    triple_ = rest.size() >= 3 && rest[1] == quote && rest[2] == quote;
    quote_ = quote;
    step();
    if (triple_) step(), step();
  }

  void in_string(char c) {
    const std::string_view rest = text_.substr(at_);
    if (c == '\\' && quote_ == '"') {
      step();
      if (at_ < text_.size() && text_[at_] != '\0') step();
    } else if (triple_ && rest.size() >= 3 && c == quote_ && rest[1] == quote_ && rest[2] == quote_) {
      // Up to two quotes may stand before the closing three.
      while (at_ < text_.size() && text_[at_] == quote_) step();
      quote_ = 0;
    } else {
      // A single-line string cannot go on after its line: the parser stops there, and so does this state.
      if (!triple_ && (c == quote_ || c == '\n')) quote_ = 0;
      step();
    }
  }

  void step() {
    const auto c = static_cast<unsigned char>(text_[at_++]);
    if (c == '\n') {
      ++line_;
      column_ = 1;
    } else if ((c & 0xc0U) != 0x80U) {
      ++column_;
    }
  }

  TextFault fault(std::string message) const { return {line_, column_, std::move(message)}; }

  std::string_view text_;
  std::size_t at_ = 0;
  std::uint32_t line_ = 1;
  std::uint32_t column_ = 1;
  char quote_ = 0;  // 0: outside of strings
  bool triple_ = false;
  unsigned dots_ = 0;
  unsigned around_ = 0;
  std::vector<unsigned> open_;
};

}  // namespace

std::optional<TextFault> scan_text(std::string_view text) { return Scanner(text).run(); }

}  // namespace jit::policy
