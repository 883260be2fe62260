// SPDX-License-Identifier: Apache-2.0
// Entries of the audit log, one document of JSON a line, as events of OCSF: ocsf_sample HOST
#include <iostream>

#include "cli/ocsf.h"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const auto host = jit::cli::Json::parse(argv[1]);
  for (std::string line; std::getline(std::cin, line);) std::cout << jit::cli::ocsf_event(jit::cli::Json::parse(line), host).dump() << "\n";
  return 0;
}
