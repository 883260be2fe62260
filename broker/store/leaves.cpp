// SPDX-License-Identifier: Apache-2.0
#include "broker/store/leaves.h"

#include <sys/random.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "evidence/text.h"

namespace jit::store {
namespace {

using evidence::Json;

// What is said of and by who is not the subject of the entry. "reason" is his where he votes.
constexpr std::array<std::string_view, 9> kOfAnother{"by", "by_uid", "key", "text", "typed", "vote", "voter", "voter_uid", "why"};

std::string another_in(const evidence::Personal& personal) {
  for (const char* name : {"voter", "by"}) {
    const auto found = personal.find(name);
    if (found == personal.end() || !found->second.at("value").is_string()) continue;
    const auto& escaped = found->second.at("value").get_ref<const std::string&>();
    return evidence::unescape(escaped).value_or(escaped);
  }
  return {};
}

core::Id id_of(const std::string& text) { return core::Id::parse(text).value_or(core::Id()); }

// The decision of a rule may hold what a leaf cannot, and stands there as its text then.
void unfold(Json& fields) {
  const auto decision = fields.find("decision");
  if (decision == fields.end() || !decision->is_string()) return;
  Json whole = Json::parse(decision->get_ref<const std::string&>(), nullptr, false);
  if (whole.is_object()) *decision = std::move(whole);
}

}  // namespace

std::array<std::uint8_t, 16> Salts::next() {
  std::array<std::uint8_t, 16> out{};
  if (used_ + out.size() > pool_.size()) {
    for (std::size_t got = 0; got < pool_.size();) {
      // Up to 256 bytes come whole, whatever signals come.
      const ssize_t n = ::getrandom(pool_.data() + got, 256, 0);
      if (n <= 0) std::abort();
      got += static_cast<std::size_t>(n);
    }
    used_ = 0;
  }
  std::memcpy(out.data(), pool_.data() + used_, out.size());
  used_ += out.size();
  return out;
}

Made leaf_of(const core::AuditEntry& entry, std::uint64_t sequence, Salts& salts) {
  evidence::Entry as;
  as.sequence = sequence;
  as.boottime_ms = entry.boottime;
  as.wall_ms = entry.wall;
  as.boot_id = entry.boot_id;
  as.type = entry.type;
  if (!entry.request.empty()) as.request = entry.request.text();
  if (!entry.grant.empty()) as.grant = entry.grant.text();
  as.fields = Json::parse(entry.fields, nullptr, false);
  if (!as.fields.is_object()) as.fields = Json{{"text", evidence::escape(entry.fields)}};
  if (!entry.person.empty()) as.fields["person"] = evidence::escape(entry.person);
  if (entry.uid != policy::kNoUid) as.fields["uid"] = entry.uid;
  Made out{evidence::leaf_of(as, [&salts] { return salts.next(); }), {}};

  const std::string another = another_in(out.leaf.personal);
  const bool apart = !another.empty() && another != entry.person;
  const bool votes = out.leaf.personal.contains("voter");
  std::array<Json, 2> parts{Json::object(), Json::object()};
  for (const auto& [name, value] : out.leaf.personal) {
    const bool his = apart && (std::ranges::find(kOfAnother, name) != kOfAnother.end() || (votes && name == "reason"));
    parts[his ? 1 : 0][name] = value;
  }
  out.told[0].person = entry.person;
  out.told[1].person = another;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (!parts[i].empty()) out.told[i].fields = parts[i].dump();
  }
  return out;
}

bool add_told(std::string_view fields, evidence::Personal& to) {
  const Json whole = Json::parse(fields.begin(), fields.end(), nullptr, false);
  if (!whole.is_object()) return false;
  for (auto it = whole.begin(); it != whole.end(); ++it) to.emplace(it.key(), it.value());
  return true;
}

std::optional<core::AuditEntry> entry_of(std::string_view leaf, const evidence::Personal& personal) {
  auto read = evidence::read_leaf(leaf, personal);
  if (!read) return std::nullopt;
  core::AuditEntry out;
  out.sequence = read->entry.sequence;
  out.boottime = read->entry.boottime_ms;
  out.wall = read->entry.wall_ms;
  out.boot_id = std::move(read->entry.boot_id);
  out.type = std::move(read->entry.type);
  out.request = id_of(read->entry.request);
  out.grant = id_of(read->entry.grant);
  Json& fields = read->entry.fields;
  if (const auto person = fields.find("person"); person != fields.end() && person->is_string()) {
    const auto& escaped = person->get_ref<const std::string&>();
    out.person = evidence::unescape(escaped).value_or(escaped);
    fields.erase(person);
  }
  if (const auto uid = fields.find("uid"); uid != fields.end() && uid->is_number_unsigned()) {
    out.uid = uid->get<std::uint32_t>();
    fields.erase(uid);
  }
  unfold(fields);
  if (!read->erased.empty()) fields["erased"] = read->erased;
  out.fields = fields.dump();
  return out;
}

}  // namespace jit::store
