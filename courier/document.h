// SPDX-License-Identifier: Apache-2.0
// Members of a document, where another kind of value, or none, is the same as an empty one.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace jit::courier {

std::string word(const nlohmann::json& json, const char* name);
std::int64_t number(const nlohmann::json& json, const char* name);
bool truth(const nlohmann::json& json, const char* name);
std::vector<std::string> names(const nlohmann::json& json, const char* name);  // the texts of a list, unescaped

}  // namespace jit::courier
