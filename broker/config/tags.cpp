// SPDX-License-Identifier: Apache-2.0
#include "broker/config/tags.h"

#include <algorithm>

#include "evidence/text.h"

namespace jit::config {

std::string tags_hash(std::vector<std::string> tags) {
  std::ranges::sort(tags);
  std::string text;
  for (const std::string& tag : tags) text += tag + '\n';
  return evidence::sha256_hex(text);
}

}  // namespace jit::config
