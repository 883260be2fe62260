// SPDX-License-Identifier: Apache-2.0
// The last signed head of the log in a small file of the runtime directory, where nothing that puts back a database reaches.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "evidence/envelope.h"

namespace jit::store {

class HeadFile {
 public:
  struct Kept {
    std::string boot;
    std::int64_t epoch = 1;
    evidence::Envelope checkpoint;
  };

  explicit HeadFile(std::string path) : path_(std::move(path)) {}
  // In place of the one before, at once or not at all. False: errno says why, and the one before may stay.
  bool write(const Kept& kept) const;
  // Nothing, with an empty problem(): there is none, as before the first head of a boot.
  std::optional<Kept> read();
  const std::string& problem() const { return problem_; }
  const std::string& path() const { return path_; }

 private:
  std::optional<Kept> refuse(const std::string& why);
  std::string path_;
  std::string problem_;
};

}  // namespace jit::store
