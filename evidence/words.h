// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace jit::evidence {

extern const std::string_view kWords;  // 2,048 words in order, one blank between two

}  // namespace jit::evidence
