// SPDX-License-Identifier: Apache-2.0
#include "policy/roster.h"

#include <algorithm>

#include "policy/fields.h"

namespace jit::policy {
namespace {

constexpr std::int64_t kClockSkew = 300;

void missing(const Fields& fields, std::string_view key, std::string_view table) {
  if (!fields.has(key)) fields.report().add("E01", fields.place(), std::string(table) + " without `" + std::string(key) + "`");
}

std::vector<Principal> read_who(const Fields& fields) {
  std::vector<Principal> out;
  const auto texts = fields.texts("who");
  if (!texts) return out;
  for (const Text& text : *texts) {
    ParsedPrincipal parsed = parse_principal(text.value);
    if (!parsed.principal) {
      fields.report().add("E01", text.place, std::move(parsed.why));
    } else if (parsed.principal->kind == Principal::Kind::kSet) {
      fields.report().add("E01", text.place, "a roster knows no sets; write user:, person: or group:");
    } else {
      out.push_back(std::move(*parsed.principal));
    }
  }
  return out;
}

Shift read_shift(const Node& node, Report& report) {
  const Fields fields(node, Table::kShift, report);
  for (const std::string_view key : {"from", "to", "who"}) missing(fields, key, "a shift");
  Shift out;
  const auto from = fields.time("from"), to = fields.time("to");
  out.who = read_who(fields);
  if (from && to && *to <= *from) {
    report.add("E05", fields.find("to")->value.place, "a shift that ends before it begins is never on duty");
  }
  out.from = from.value_or(0);
  out.to = to.value_or(0);
  return out;
}

}  // namespace

bool Roster::stale(std::int64_t now) const { return now > issued + fresh_s || now < issued - kClockSkew; }

std::optional<Roster> parse_roster(std::uint32_t file, std::string_view text, Report& report) {
  // What other files got wrong says nothing of this one.
  Report own;
  const std::uint32_t own_file = own.add_file({});
  const auto root = parse_document(own_file, text, own);
  Roster out;
  if (root) {
    const Fields fields(*root, Table::kRoster, own);
    if (!fields.has("issued")) {
      own.add("E01", {own_file, 1, 1}, "`issued` is missing; write when the roster was made, like issued = 2026-11-24T21:10:00Z");
    }
    out.issued = fields.time("issued").value_or(0);
    for (const Node* node : fields.tables("shift")) out.shifts.push_back(read_shift(*node, own));
    std::ranges::stable_sort(out.shifts, {}, &Shift::from);
  }
  const bool failed = own.failed();
  for (Finding& finding : own.take()) {
    report.add(finding.code, {file, finding.line, finding.column}, std::move(finding.message));
  }
  return failed ? std::nullopt : std::optional(std::move(out));
}

}  // namespace jit::policy
