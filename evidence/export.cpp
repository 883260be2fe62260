// SPDX-License-Identifier: Apache-2.0
#include "evidence/export.h"

#include "evidence/canonical.h"

namespace jit::evidence {
namespace {

constexpr std::size_t kNameMost = 1024;
constexpr std::size_t kCodeMost = 1024;
constexpr std::size_t kPersonalMost = 256;

Json hashes(const std::vector<Hash>& all) {
  Json out = Json::array();
  for (const Hash& each : all) out.push_back(to_hex(each));
  return out;
}

Json host_json(const ExportHost& host) { return {{"id", host.id}, {"key", host.key}, {"name", host.name}}; }

// As its own writer writes it, since an envelope is canonical itself.
Json envelope_json(const Envelope& envelope) {
  Json out = Json::parse(to_json(envelope), nullptr, false);
  return out;
}

struct Write {
  Json operator()(const LogLine& line) const {
    return {{"first", line.first}, {"frontier", hashes(line.frontier)}, {"host", host_json(line.host)}, {"kind", "log"}, {"v", 1}};
  }
  Json operator()(const ProofLine& line) const {
    return {{"envelope", envelope_json(line.checkpoint)}, {"host", host_json(line.host)}, {"kind", "proof"}, {"of", line.of}, {"v", 1}};
  }
  Json operator()(const EntryLine& line) const {
    Json personal = Json::object();
    for (const auto& [name, value] : line.personal) personal[name] = value;
    Json out{{"hash", to_hex(line.hash)}, {"kind", "entry"}, {"leaf", line.leaf}, {"personal", std::move(personal)}};
    if (line.path) out["path"] = hashes(*line.path);
    return out;
  }
  Json operator()(const EvidenceLine& line) const {
    if (line.envelope) return {{"envelope", envelope_json(*line.envelope)}, {"kind", "evidence"}};
    return {{"code", line.code}, {"kind", "evidence"}};
  }
  Json operator()(const CheckpointLine& line) const { return {{"envelope", envelope_json(line.envelope)}, {"kind", "checkpoint"}}; }
  Json operator()(const EndLine& line) const { return {{"kind", "end"}, {"size", line.size}}; }
};

std::vector<Hash> read_hashes(Members& from, const char* name) {
  std::vector<Hash> out;
  for (const Json& each : from.array(name, kPathMost)) {
    const auto hash = each.is_string() ? hash_from_hex(each.get_ref<const std::string&>()) : std::nullopt;
    if (!hash) {
      from.fail();
      return {};
    }
    out.push_back(*hash);
  }
  return out;
}

Hash read_hash(Members& from, const char* name) {
  const auto hash = hash_from_hex(from.hex(name, 32));
  if (!hash) from.fail();
  return hash.value_or(Hash{});
}

ExportHost read_host(Members& from) {
  Members host(from.object("host"));
  ExportHost out{host.hex("id", 16), host.text("key", kNameMost), host.text("name", kNameMost)};
  if (!host.done()) from.fail();
  return out;
}

Envelope read_envelope(Members& from) {
  auto envelope = parse_envelope(from.object("envelope").dump());
  if (!envelope) from.fail();
  return envelope ? std::move(*envelope) : Envelope();
}

LogLine read_log(Members& from) {
  LogLine out;
  out.host = read_host(from);
  out.first = static_cast<std::uint64_t>(from.number("first", 1, std::int64_t{kSizeMax}));
  out.frontier = read_hashes(from, "frontier");
  if (from.number("v", 1, 1) != 1 || !Frontier::from(out.first - 1, out.frontier)) from.fail();
  return out;
}

ProofLine read_proof(Members& from) {
  ProofLine out;
  out.host = read_host(from);
  out.checkpoint = read_envelope(from);
  out.of = from.hex("of", 16);
  if (from.number("v", 1, 1) != 1) from.fail();
  return out;
}

EntryLine read_entry(Members& from) {
  EntryLine out;
  out.hash = read_hash(from, "hash");
  out.leaf = from.text("leaf", kLeafMax);
  const Json& personal = from.object("personal");
  if (personal.size() > kPersonalMost) from.fail();
  if (personal.is_object()) {
    for (auto it = personal.begin(); it != personal.end(); ++it) out.personal.emplace(it.key(), it.value());
  }
  if (from.has("path")) out.path = read_hashes(from, "path");
  return out;
}

EvidenceLine read_evidence(Members& from) {
  EvidenceLine out;
  if (from.has("code")) {
    out.code = from.text("code", kCodeMost);
    if (out.code.empty()) from.fail();
  } else {
    out.envelope = read_envelope(from);
  }
  return out;
}

}  // namespace

std::string to_line(const ExportLine& line) { return std::visit(Write(), line).dump(); }

std::optional<ExportLine> read_line(std::string_view line) {
  const auto whole = parse_canonical(line, kLineMax);
  if (!whole) return std::nullopt;
  Members members(*whole);
  const std::string kind = members.text("kind", 16);
  std::optional<ExportLine> out;
  if (kind == "log") out = read_log(members);
  if (kind == "proof") out = read_proof(members);
  if (kind == "entry") out = read_entry(members);
  if (kind == "evidence") out = read_evidence(members);
  if (kind == "checkpoint") out = CheckpointLine{read_envelope(members)};
  if (kind == "end") out = EndLine{static_cast<std::uint64_t>(members.number("size", 0, std::int64_t{kSizeMax}))};
  if (!members.done()) return std::nullopt;
  return out;
}

}  // namespace jit::evidence
