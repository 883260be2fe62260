// SPDX-License-Identifier: Apache-2.0
#include "cli/local_proof.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "cli/line_reader.h"
#include "evidence/export.h"
#include "evidence/prover.h"
#include "evidence/text.h"

namespace jit::cli {
namespace {

template <class Take>
std::optional<Failure> each_line(const std::vector<std::string>& files, const Take& take) {
  for (const std::string& name : files) {
    const int fd = open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) return Failure{Exit::kUsage, evidence::escape(name) + ": " + std::strerror(errno)};
    LineReader reader(fd, evidence::kLineMax);
    auto got = LineReader::Got::kLine;
    for (std::string line; (got = reader.next(line)) == LineReader::Got::kLine;) take(line);
    const int error = errno;
    close(fd);
    if (got == LineReader::Got::kTooLong) return Failure{Exit::kUsage, evidence::escape(name) + ": a line is too long: it is no export"};
    if (got == LineReader::Got::kBroken) return Failure{Exit::kUsage, evidence::escape(name) + ": " + std::strerror(error)};
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
