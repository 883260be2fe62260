// SPDX-License-Identifier: Apache-2.0
#include "evidence/hidden.h"

#include <algorithm>
#include <iterator>

#include "evidence/sha256.h"
#include "evidence/text.h"

namespace jit::evidence {
namespace {

constexpr std::size_t kOpeningMax = kRequestMax;

std::string salt_of(const Request& request, std::string_view field, std::string_view secret) {
  return hex(sha256({"pam-jit salt v1\n", secret, "\n", request.id, "\n", request.nonce, "\n", field}));
}

std::string digest_of(std::string_view field, std::string_view salt, std::string_view value) {
  return hex(sha256({Json{{"field", field}, {"salt", salt}, {"value", value}}.dump()}));
}

// One of the fields: where its digest stands, what it says, and how it is put back.
struct HiddenField {
  std::string_view name;
  std::string Request::Hidden::*digest;
  bool PrivateFields::*wanted;
  std::string (*value)(const Request&);
  bool (*put)(Request&, const Json&);
  void (*clear)(Request&);
};

std::string text_json(const std::string& text) { return Json{{"text", escape(text)}}.dump(); }

bool put_text(std::string& to, const Json& value) {
  Members members(value);
  auto text = unescape(members.text("text", kOpeningMax));
  if (!text || !members.done()) return false;
  to = std::move(*text);
  return true;
}

// What warns of a command is said openly.
void clear_command(Request& request) {
  Request::Command open;
  open.known = request.command.known;
  open.verified = request.command.verified;
  open.changeable = request.command.changeable;
  request.command = std::move(open);
}

constexpr HiddenField kFields[] = {
    {"command", &Request::Hidden::command, &PrivateFields::command, [](const Request& r) { return command_json(r.command).dump(); },
     [](Request& r, const Json& value) { return read_command(value, r.command); }, clear_command},
    {"cwd", &Request::Hidden::cwd, &PrivateFields::cwd, [](const Request& r) { return text_json(r.cwd); },
     [](Request& r, const Json& value) { return put_text(r.cwd, value); }, [](Request& r) { r.cwd.clear(); }},
    {"reason", &Request::Hidden::reason, &PrivateFields::reason, [](const Request& r) { return text_json(r.reason); },
     [](Request& r, const Json& value) { return put_text(r.reason, value); }, [](Request& r) { r.reason.clear(); }},
};

}  // namespace

void hide(Request& request, const PrivateFields& what, std::string_view secret) {
  for (const HiddenField& field : kFields) {
    if (!(what.*field.wanted)) continue;
    request.hidden.*field.digest = digest_of(field.name, salt_of(request, field.name, secret), field.value(request));
    field.clear(request);
  }
}

std::vector<Opening> openings_of(const Request& plain, const Request& sealed, std::string_view secret) {
  std::vector<Opening> out;
  for (const HiddenField& field : kFields) {
    const std::string& digest = sealed.hidden.*field.digest;
    if (digest.empty()) continue;
    Opening opening{std::string(field.name), salt_of(sealed, field.name, secret), field.value(plain)};
    if (digest_of(opening.field, opening.salt, opening.value) == digest) out.push_back(std::move(opening));
  }
  return out;
}

Json to_json(const std::vector<Opening>& openings) {
  Json out = Json::array();
  for (const Opening& opening : openings) out.push_back({{"field", opening.field}, {"salt", opening.salt}, {"value", opening.value}});
  return out;
}

std::optional<std::vector<Opening>> read_openings(const Json& json) {
  if (!json.is_array() || json.size() > std::size(kFields)) return std::nullopt;
  std::vector<Opening> out;
  for (const Json& each : json) {
    Members members(each);
    Opening opening{members.text("field", 16), members.hex("salt", 32), members.text("value", kOpeningMax)};
    if (!members.done()) return std::nullopt;
    out.push_back(std::move(opening));
  }
  return out;
}

bool open(Request& request, const std::vector<Opening>& openings) {
  Request opened = request;
  for (const Opening& opening : openings) {
    const auto* const field = std::ranges::find(kFields, std::string_view(opening.field), &HiddenField::name);
    if (field == std::end(kFields)) return false;
    std::string& digest = opened.hidden.*field->digest;
    const auto value = parse_canonical(opening.value, kOpeningMax);
    if (digest.empty() || digest != digest_of(opening.field, opening.salt, opening.value) || !value || !field->put(opened, *value)) return false;
    digest.clear();
  }
  request = std::move(opened);
  return true;
}

std::vector<std::string> closed_fields(const Request& request) {
  std::vector<std::string> out;
  for (const HiddenField& field : kFields) {
    if (!(request.hidden.*field.digest).empty()) out.emplace_back(field.name);
  }
  return out;
}

}  // namespace jit::evidence
