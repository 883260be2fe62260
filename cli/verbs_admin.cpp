// SPDX-License-Identifier: Apache-2.0
#include "cli/commands.h"

namespace jit::cli {

namespace {

void flatten(const Json& json, const std::string& name, Facts& out) {
  if (json.is_object()) {
    for (const auto& item : json.items()) flatten(item.value(), name.empty() ? item.key() : name + " " + item.key(), out);
  } else if (json.is_array()) {
    for (const Json& one : json) flatten(one, name, out);
  } else if (!json.is_null()) {
    out.emplace_back(name, json.is_string() ? json.get<std::string>() : json.dump());
  }
}

}  // namespace

Exit Verbs::status() {
  const auto client = Client::connect();
  if (!client) return out.fail(client.failure());
  const auto status = (*client)->status();
  if (!status) return out.fail(status.failure());
  Facts facts;
  flatten(*status, "", facts);
  if (number_of(*status, "policy.error_count") + number_of(*status, "policy.warning_count") > 0 &&
      !member(*status, "policy.errors").is_array() && !member(*status, "policy.warnings").is_array()) {
    facts.emplace_back("policy findings", "an admin can see them");
  }
  return print(*status, facts);
}

Exit Verbs::reload() {
  const auto client = Client::connect();
  if (!client) return out.fail(client.failure());
  const auto status = (*client)->reload();
  return status ? loaded_again(*status) : out.fail(status.failure());
}

Exit Verbs::loaded_again(const Json& status) {
  const Json& errors = member(status, "policy.errors");
  const bool refused = errors.is_array() && !errors.empty();
  if (json()) {
    out.line(status.dump());
  } else if (!refused) {
    out.line("loaded: " + std::to_string(number_of(status, "policy.rules")) + " rules (policy " +
             text_of(status, "policy.hash").substr(0, 12) + ")");
  } else {
    for (const Json& line : errors) out.line(line.is_string() ? line.get<std::string>() : "");
  }
  if (!refused) return Exit::kDone;
  return out.fail({Exit::kNo, "the new policy was refused, the last good one stays in force: mend it, then reload again"});
}

}  // namespace jit::cli
