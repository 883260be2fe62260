// SPDX-License-Identifier: Apache-2.0
// broker.toml: what this host is called and how much it takes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "broker/config/config.h"

namespace jit::config {

// Fills what the text says; each fault is a finding with its place. `name`: as the file stands in findings.
Broker parse_broker(const std::string& name, std::string_view text, std::vector<policy::Finding>& findings);

std::string kernel_host_name();

}  // namespace jit::config
