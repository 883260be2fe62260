// SPDX-License-Identifier: Apache-2.0
#include "host/channels.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

namespace jit::host {

std::optional<std::vector<std::string>> channels(const std::string& folder) {
  std::error_code error;
  std::vector<std::string> out;
  std::filesystem::directory_iterator at(folder, error);
  if (error == std::errc::no_such_file_or_directory) return out;
  for (const std::filesystem::directory_iterator end; !error && at != end; at.increment(error)) {
    if (at->path().extension() == ".toml") out.push_back(at->path().stem().string());
  }
  if (error) return std::nullopt;
  std::ranges::sort(out);
  return out;
}

}  // namespace jit::host
