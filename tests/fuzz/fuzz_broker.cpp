// SPDX-License-Identifier: Apache-2.0
// broker.toml: any text gives values within their limits, or findings with a place.
#include "broker/config/broker_file.h"
#include "tests/fuzz/fuzz.h"

using namespace jit::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<jit::policy::Finding> findings;
  const jit::config::Broker broker = jit::config::parse_broker("broker.toml", text_of(data, size), findings);
  for (const auto& finding : findings) {
    require(finding.file == "broker.toml" && !finding.code.empty() && !finding.message.empty());
    require(finding.text().starts_with("broker.toml"));
  }
  require(broker.host_name.size() <= 253 && harmless(broker.host_name));
  require(broker.tags.size() <= 256);
  for (const std::string& tag : broker.tags) require(!tag.empty() && tag.size() <= 64 && harmless(tag));
  for (const std::size_t limit :
       {broker.pending_per_uid, broker.connections_per_uid, broker.requests_per_hour, broker.pending_per_host}) {
    require(limit <= 16'384);
  }
  const std::string& level = broker.log_level;
  require(level == "error" || level == "warning" || level == "info" || level == "debug");
  return 0;
}
