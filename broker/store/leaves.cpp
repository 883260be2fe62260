// SPDX-License-Identifier: Apache-2.0
#include "broker/store/leaves.h"

#include <sys/random.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <exception>

#include "evidence/text.h"

namespace jit::store {
namespace {

using evidence::Json;

// What is said of and by who is not the subject of the entry. "reason" is his where he votes.
constexpr std::array<std::string_view, 9> kOfAnother{"by", "by_uid", "key", "text", "typed", "vote", "voter", "voter_uid", "why"};

std::string name_in(const std::string& escaped) { return evidence::unescape(escaped).value_or(escaped); }

// Who else it tells of, as his name is written there.
std::string another_in(std::string_view type, const evidence::Fields& fields) {
  for (const char* name : {"voter", "by"}) {
    const evidence::Member* const found = fields.find(name);
    if (found == nullptr || !found->value.starts_with('"') || evidence::is_public(type, name)) continue;
    return name_in(Json::parse(found->value).get<std::string>());
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

namespace {

Drafted drafted(const core::AuditEntry& entry, Salts& salts) {
  evidence::Entry about;
  about.boottime_ms = entry.boottime;
  about.wall_ms = entry.wall;
  about.boot_id = entry.boot_id;
  about.type = entry.type;
  if (!entry.request.empty()) about.request = entry.request.text();
  if (!entry.grant.empty()) about.grant = entry.grant.text();
  auto fields = evidence::Fields::of(std::string_view(entry.fields));
  if (!fields) fields.emplace().put("text", evidence::quote(evidence::escape(entry.fields)));
  if (!entry.person.empty()) fields->put("person", evidence::quote(evidence::escape(entry.person)));
  if (entry.uid != policy::kNoUid) fields->put("uid", std::to_string(entry.uid));

  Tellings tellings{entry.person, another_in(entry.type, *fields)};
  tellings.apart = !tellings.other.empty() && tellings.other != entry.person;
  tellings.votes = fields->find("voter") != nullptr;
  Drafted out;
  out.draft = evidence::draft_of(about, *fields, [&salts] { return salts.next(); }, [&](std::string_view name, std::string_view value) {
    std::string& told = out.told[tellings.is_of_other(name) ? 1 : 0].fields;
    if (told.empty()) told.reserve(512);
    told.append(told.empty() ? "{\"" : ",\"").append(name).append("\":").append(value);
  });
  out.told[0].person = std::move(tellings.about);
  out.told[1].person = std::move(tellings.other);
  for (Told& told : out.told) {
    if (!told.fields.empty()) told.fields += '}';
  }
  return out;
}

}  // namespace

std::optional<Drafted> draft_of(const core::AuditEntry& entry, Salts& salts, std::uint64_t expected) {
  try {
    Drafted out = drafted(entry, salts);
    if (expected != 0) out.leaf = leaf_at(out, expected);
    return out;
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

Drafted::Leaf leaf_at(const Drafted& drafted, std::uint64_t sequence) {
  Drafted::Leaf out{sequence, drafted.draft.text(sequence), {}};
  out.hash = evidence::leaf_hash(out.text);
  return out;
}

bool Tellings::is_of_other(std::string_view field) const {
  return apart && (std::ranges::find(kOfAnother, field) != kOfAnother.end() || (votes && field == "reason"));
}

Tellings tellings_of(const evidence::Personal& personal) {
  const auto text = [&personal](const char* name) {
    const auto found = personal.find(name);
    const bool is_text = found != personal.end() && found->second.contains("value") && found->second.at("value").is_string();
    return is_text ? name_in(found->second.at("value").get<std::string>()) : std::string();
  };
  Tellings out{text("person"), text("voter")};
  out.votes = personal.contains("voter");
  if (out.other.empty()) out.other = text("by");
  out.apart = !out.other.empty() && out.other != out.about;
  return out;
}

bool add_told(std::string_view fields, evidence::Personal& to) {
  if (fields.empty()) return true;
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
