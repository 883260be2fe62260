// SPDX-License-Identifier: Apache-2.0
// A folder that goes away, with the files of a case.
#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

namespace jit::test {

class TemporaryFolder {
 public:
  TemporaryFolder() : path(std::filesystem::current_path() / "host-XXXXXX") {
    if (::mkdtemp(path.data()) == nullptr) throw std::runtime_error("mkdtemp");
    ::chmod(path.c_str(), 0755);
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::string at(const std::string& name) const { return path + '/' + name; }
  void put(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories(std::filesystem::path(at(name)).parent_path());
    std::ofstream(at(name), std::ios::binary | std::ios::trunc) << text;
  }

  std::string path;
};

}  // namespace jit::test
