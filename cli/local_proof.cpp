// SPDX-License-Identifier: Apache-2.0
#include "cli/local_proof.h"

#include <cerrno>
#include <cstring>
#include <fstream>

#include "evidence/prover.h"
#include "evidence/text.h"

namespace jit::cli {
namespace {

template <class Take>
std::optional<Failure> each_line(const std::vector<std::string>& files, const Take& take) {
  for (const std::string& name : files) {
    std::ifstream in(name, std::ios::binary);
    if (!in) return Failure{Exit::kUsage, evidence::escape(name) + ": " + std::strerror(errno)};
    for (std::string line; std::getline(in, line);) take(line);
    if (in.bad()) return Failure{Exit::kUsage, evidence::escape(name) + ": it cannot be read"};
  }
  return std::nullopt;
}

}  // namespace

Result<std::string> proof_in(const std::vector<std::string>& files, std::string& id) {
  evidence::Prover prover(id);
  if (auto failed = each_line(files, [&](const std::string& line) { prover.find(line); })) return *failed;
  if (std::string why = prover.found(); !why.empty()) return Failure{Exit::kNotAllowed, std::move(why)};
  if (auto failed = each_line(files, [&](const std::string& line) { prover.take(line); })) return *failed;
  std::string text;
  if (std::string why = prover.proof(text); !why.empty()) return Failure{Exit::kUsage, std::move(why)};
  id = prover.id();
  return text;
}

}  // namespace jit::cli
