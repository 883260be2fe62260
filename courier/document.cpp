// SPDX-License-Identifier: Apache-2.0
#include "courier/document.h"

#include "evidence/text.h"

namespace jit::courier {

std::string word(const nlohmann::json& json, const char* name) {
  const auto at = json.is_object() ? json.find(name) : json.end();
  return json.is_object() && at != json.end() && at->is_string() ? at->get<std::string>() : std::string();
}

std::int64_t number(const nlohmann::json& json, const char* name) {
  const auto at = json.is_object() ? json.find(name) : json.end();
  return json.is_object() && at != json.end() && at->is_number_integer() ? at->get<std::int64_t>() : 0;
}

bool truth(const nlohmann::json& json, const char* name) {
  const auto at = json.is_object() ? json.find(name) : json.end();
  return json.is_object() && at != json.end() && at->is_boolean() && at->get<bool>();
}

std::vector<std::string> names(const nlohmann::json& json, const char* name) {
  std::vector<std::string> out;
  const auto at = json.is_object() ? json.find(name) : json.end();
  if (!json.is_object() || at == json.end() || !at->is_array()) return out;
  for (const nlohmann::json& each : *at) {
    const auto text = each.is_string() ? evidence::unescape(each.get<std::string>()) : std::nullopt;
    if (text && !text->empty()) out.push_back(*text);
  }
  return out;
}

}  // namespace jit::courier
