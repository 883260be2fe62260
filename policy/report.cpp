// SPDX-License-Identifier: Apache-2.0
#include "policy/report.h"

#include <algorithm>
#include <numeric>
#include <tuple>

namespace jit::policy {
namespace {

std::string place_text(const std::string& file, std::uint32_t line, std::uint32_t column) {
  if (line == 0) return file;
  return file + ':' + std::to_string(line) + ':' + std::to_string(column);
}

}  // namespace

std::string Finding::text() const {
  std::string out = place_text(file, line, column) + ": " + code + ' ' + message;
  if (!other.empty()) out += " (other place: " + other + ')';
  return out;
}

std::uint32_t Report::add_file(std::string name) {
  files_.push_back(std::move(name));
  return static_cast<std::uint32_t>(files_.size() - 1);
}

void Report::add(std::string_view code, const Place& place, std::string message) {
  failed_ = failed_ || code.starts_with('E');
  if (findings_.size() >= kMost) {
    ++dropped_;
    return;
  }
  findings_.push_back({std::string(code), files_.at(place.file), place.line, place.column, std::move(message), {}, {}});
  file_of_.push_back(place.file);
}

void Report::add(std::string_view code, const Place& place, std::string message, const Place& other) {
  const std::size_t before = findings_.size();
  add(code, place, std::move(message));
  if (findings_.size() > before) {
    findings_.back().other = place_text(files_.at(other.file), other.line, other.column);
  }
}

std::vector<Finding> Report::take() {
  std::vector<std::size_t> order(findings_.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, {}, [this](std::size_t i) {
    return std::tuple(file_of_[i], findings_[i].line, findings_[i].column);
  });
  std::vector<Finding> out;
  out.reserve(order.size() + 1);
  for (const std::size_t i : order) out.push_back(std::move(findings_[i]));
  if (dropped_ > 0) {
    out.push_back({"E01", files_.empty() ? "policy" : files_.front(), 0, 0,
                   "and " + std::to_string(dropped_) + " more findings; mend these first", {}, {}});
  }
  return out;
}

}  // namespace jit::policy
