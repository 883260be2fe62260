// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace jit::policy {

// "; did you mean `x`?" for the nearest of the words, where one is near enough; else empty.
std::string did_you_mean(std::string_view word, const std::vector<std::string_view>& words);

}  // namespace jit::policy
