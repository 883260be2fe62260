// SPDX-License-Identifier: Apache-2.0
// What a broker knows of the origins of this boot, for the next one: lines in a small file of the runtime directory, which is in
// memory and gone with the boot. What is lost of it is unknown, and unknown never opens.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace jit::gate {

class OriginFile {
 public:
  // boot: a file of another boot counts as missing.
  OriginFile(std::string path, std::string boot) : path_(std::move(path)), boot_(std::move(boot)) {}

  std::optional<std::string> load() const;  // nothing: it is missing, not whole, or others may have a hand in it
  // Where one fails the file is removed: a part of what is known may be wrong.
  bool add(std::string_view line) const;
  bool replace(std::string_view lines) const;

 private:
  std::string header() const { return "jit-origins-1 " + boot_ + '\n'; }
  bool write(int fd, std::string_view text) const;  // closes it

  std::string path_;
  std::string boot_;
};

}  // namespace jit::gate
