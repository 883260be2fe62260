// SPDX-License-Identifier: Apache-2.0
// Findings on their way: places in the sources, and what is wrong there.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "policy/policy.h"

namespace jit::policy {

// A place in one of the sources; line and column 1-based, the column in code points.
struct Place {
  std::uint32_t file = 0;  // as Report::add_file gave it
  std::uint32_t line = 0;  // 0: the file as a whole
  std::uint32_t column = 0;
};

struct Text {
  std::string value;
  Place place;
};

class Report {
 public:
  std::uint32_t add_file(std::string name);
  void add(std::string_view code, const Place& place, std::string message);
  void add(std::string_view code, const Place& place, std::string message, const Place& other);
  std::string text_of(const Place& place) const;  // "file:line:column"
  const std::vector<std::string>& files() const { return files_; }
  bool failed() const { return failed_; }  // an error (E), not only warnings
  std::vector<Finding> take();             // in the order of files and places

 private:
  static constexpr std::size_t kMost = 1000;
  std::vector<std::string> files_;
  std::vector<Finding> findings_;
  std::vector<std::uint32_t> file_of_;  // parallel to findings_
  std::size_t dropped_ = 0;
  bool failed_ = false;
};

}  // namespace jit::policy
