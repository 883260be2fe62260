// SPDX-License-Identifier: Apache-2.0
#include "broker/store/part_maker.h"

#include <utility>

namespace jit::store {
namespace {

constexpr std::size_t kStep = 50;                    // entries: each may hold a whole command
constexpr std::size_t kPartText = 8 * 1024 * 1024;  // bytes; longer parts end at their next signed head

}  // namespace

PartMaker::PartMaker(Database& database, evidence::ExportHost host, Database::Seal seal, ArchivePart part)
    : database_(database), host_(std::move(host)), seal_(std::move(seal)), part_(part), erasures_(database.erasures()), done_(part.first - 1) {}

PartMaker::Step PartMaker::step() {
  if (database_.erasures() != erasures_) return Step::kFailed;
  const auto add = [this](const evidence::ExportLine& line) { text_.append(evidence::to_line(line)).append("\n"); };
  if (text_.empty()) {
    auto frontier = database_.frontier_at(part_.first - 1);
    if (!frontier) return Step::kFailed;
    add(evidence::LogLine{host_, part_.first, std::move(*frontier)});
  }
  std::uint64_t last = done_;
  const auto lines = database_.lines(done_, part_.last, kStep, seal_, last);
  if (!lines || last == done_) return Step::kFailed;
  for (const evidence::ExportLine& line : *lines) {
    add(line);
    if (std::holds_alternative<evidence::EntryLine>(line)) ++done_;
    if (std::holds_alternative<evidence::CheckpointLine>(line) && text_.size() > kPartText) part_.last = done_;
    if (done_ == part_.last && std::holds_alternative<evidence::CheckpointLine>(line)) break;
  }
  if (done_ < part_.last) return Step::kMore;
  add(evidence::EndLine{part_.last});
  return Step::kMade;
}

}  // namespace jit::store
