// SPDX-License-Identifier: Apache-2.0
#include <charconv>

#include "cli/commands.h"

namespace jit::cli {

namespace {

constexpr std::uint32_t kEntriesAPage = 200;

void flatten(const Json& json, const std::string& name, Facts& out) {
  if (json.is_object()) {
    for (const auto& item : json.items()) flatten(item.value(), name.empty() ? item.key() : name + " " + item.key(), out);
  } else if (json.is_array()) {
    for (const Json& one : json) flatten(one, name, out);
  } else if (!json.is_null()) {
    out.emplace_back(name, json.is_string() ? json.get<std::string>() : json.dump());
  }
}

// One entry, one line: time, number, type, whom it is about, ids, then its fields in order.
std::string entry_line(const Json& entry) {
  const auto short_id = [&](const char* key) {
    const std::string id = text_of(entry, key);
    return id.empty() ? "" : std::string(" ") + key + "=" + id.substr(0, 8);
  };
  const Json& uid = member(entry, "uid");
  std::string out = short_time(text_of(entry, "time")) + " " + std::to_string(number_of(entry, "sequence")) + " " +
                    text_of(entry, "type");
  if (const std::string person = text_of(entry, "person"); !person.empty()) out += " person=" + person;
  if (uid.is_number()) out += " uid=" + uid.dump();
  out += short_id("request") + short_id("grant");
  const Json& fields = member(entry, "fields");
  if (!fields.is_object()) return out;
  for (const auto& item : fields.items()) {
    if (item.key() == "digest" || item.key() == "policy") continue;  // --json has them
    // As JSON, so that a text with blanks or an = in it cannot look like another field.
    out += " " + item.key() + "=" + item.value().dump();
  }
  return out;
}

}  // namespace

Exit Verbs::status() {
  const auto client = Client::connect();
  if (!client) return out.fail(client.failure());
  const auto status = (*client)->status();
  if (!status) return out.fail(status.failure());
  Facts facts;
  flatten(*status, "", facts);
  if (number_of(*status, "policy.error_count") + number_of(*status, "policy.warning_count") > 0 &&
      !member(*status, "policy.errors").is_array() && !member(*status, "policy.warnings").is_array()) {
    facts.emplace_back("policy findings", "an admin can see them");
  }
  return print(*status, facts);
}

Exit Verbs::reload() {
  const auto client = Client::connect();
  if (!client) return out.fail(client.failure());
  const auto status = (*client)->reload();
  return status ? loaded_again(*status) : out.fail(status.failure());
}

Exit Verbs::loaded_again(const Json& status) {
  const Json& errors = member(status, "policy.errors");
  const bool refused = errors.is_array() && !errors.empty();
  if (json()) {
    out.line(status.dump());
  } else if (!refused) {
    out.line("loaded: " + std::to_string(number_of(status, "policy.rules")) + " rules (policy " +
             text_of(status, "policy.hash").substr(0, 12) + ")");
  } else {
    for (const Json& line : errors) out.line(line.is_string() ? line.get<std::string>() : "");
  }
  if (!refused) return Exit::kDone;
  return out.fail({Exit::kNo, "the new policy was refused, the last good one stays in force: mend it, then reload again"});
}

Exit Verbs::log() {
  auto filter = filter_of(args);
  if (!filter) return out.fail(filter.failure());
  if (args.has(Option::kRequest)) {
    const auto id = id_of(args.value(Option::kRequest));
    if (!id) return out.fail(id.failure());
    filter->emplace("request", sdbus::Variant(*id));
  }
  if (args.has(Option::kPerson)) filter->emplace("person", sdbus::Variant(args.value(Option::kPerson)));
  if (args.has(Option::kType)) filter->emplace("type", sdbus::Variant(args.value(Option::kType)));
  std::uint64_t left = UINT64_MAX;
  if (args.has(Option::kLimit)) {
    const std::string text = args.value(Option::kLimit);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), left);
    if (error != std::errc() || end != text.data() + text.size() || left == 0 || left > kEntriesAPage) {
      return out.fail({Exit::kUsage, "--limit: give how many of the newest entries, from 1 to " + std::to_string(kEntriesAPage)});
    }
    filter->emplace("newest", sdbus::Variant(true));
    filter->emplace("limit", sdbus::Variant(static_cast<std::uint32_t>(left)));
  } else {
    filter->emplace("limit", sdbus::Variant(kEntriesAPage));
  }
  const auto client = Client::connect();
  if (!client) return out.fail(client.failure());
  Json all = Json::array();
  for (;;) {
    const auto page = (*client)->query(*filter);
    if (!page) return out.fail(page.failure());
    for (const Json& entry : page->entries) {
      if (json()) {
        all.push_back(entry);
      } else {
        out.line(entry_line(entry));
      }
    }
    if (args.has(Option::kLimit) || page->entries.empty()) break;
    (*filter)["after"] = sdbus::Variant(page->next);
  }
  if (json()) out.line(all.dump());
  return Exit::kDone;
}

}  // namespace jit::cli
