// SPDX-License-Identifier: Apache-2.0
#include "evidence/request.h"

#include "evidence/hidden.h"
#include "evidence/text.h"

namespace jit::evidence {
namespace {

constexpr std::size_t kTextMax = 64 * 1024;
constexpr std::size_t kNameMax = 2048;
constexpr std::size_t kListMax = 65536;
constexpr std::int64_t kUidMax = 4294967295;
constexpr std::int64_t kTimeMax = std::int64_t{1} << 53U;  // exact in every reader of JSON

Json text_or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(escape(text)); }

Json number_or_null(const std::optional<std::uint32_t>& number) { return number ? Json(*number) : Json(nullptr); }

Json escaped(const std::vector<std::string>& texts) {
  Json out = Json::array();
  for (const std::string& text : texts) out.push_back(escape(text));
  return out;
}

Json seats_of(const std::vector<Request::Seat>& seats) {
  Json out = Json::array();
  for (const Request::Seat& seat : seats) out.push_back({{"count", seat.count}, {"set", escape(seat.set)}});
  return out;
}

Json ladder_of(const std::vector<Request::Step>& ladder) {
  Json out = Json::array();
  for (const Request::Step& step : ladder) {
    out.push_back({{"add", text_or_null(step.add)}, {"after_s", step.after_s}, {"notify", text_or_null(step.notify)}, {"to", text_or_null(step.to)}});
  }
  return out;
}

Json offer_of(const Request::Offer& offer) {
  return {{"break_glass", offer.break_glass}, {"claim_s", offer.claim_s}, {"fingerprint", offer.fingerprint}, {"give_s", offer.give_s},
          {"ladder", ladder_of(offer.ladder)}, {"machines", offer.machines}, {"match", offer.match}, {"max_s", offer.max_s},
          {"notify", escaped(offer.notify)}, {"on_expiry", offer.on_expiry}, {"reason_min", offer.reason_min},
          {"reason_required", offer.reason_required}, {"record", offer.record}, {"review_s", offer.review_s}, {"rule", escape(offer.rule)},
          {"run_max_s", offer.run_max_s}, {"scope", offer.scope}, {"seats", seats_of(offer.seats)}, {"self", offer.self},
          {"tickets", escaped(offer.tickets)}, {"votes", offer.votes}, {"wait_s", offer.wait_s}, {"warn_before_s", offer.warn_before_s}};
}

// Nothing is hidden: no member, as in the requests of before there was one.
Json hidden_of(const Request::Hidden& hidden) {
  return {{"command", text_or_null(hidden.command)}, {"cwd", text_or_null(hidden.cwd)}, {"reason", text_or_null(hidden.reason)}};
}

// Reads what escape() wrote, and nothing that it cannot have written.
class Texts {
 public:
  explicit Texts(Members& members) : members_(members) {}
  std::string text(const char* name, std::size_t max = kNameMax) { return plain(members_.text(name, max * 4)); }
  std::string maybe(const char* name, std::size_t max = kNameMax) {
    const auto text = members_.text_or_null(name, max * 4);
    if (text && text->empty()) members_.fail();  // null says so
    return text ? plain(*text) : std::string();
  }
  std::vector<std::string> list(const char* name) {
    std::vector<std::string> out;
    for (const Json& each : members_.array(name, kListMax)) {
      if (!each.is_string()) {
        members_.fail();
        break;
      }
      out.push_back(plain(each.get_ref<const std::string&>()));
    }
    return out;
  }

 private:
  std::string plain(const std::string& escaped) {
    auto text = unescape(escaped);
    if (!text) members_.fail();
    return text ? std::move(*text) : std::string();
  }
  Members& members_;
};

std::uint32_t count(Members& members, const char* name) { return static_cast<std::uint32_t>(members.number(name, 0, kUidMax)); }

std::optional<std::uint32_t> count_or_null(Members& members, const char* name) {
  const auto value = members.number_or_null(name, 0, kUidMax);
  return value ? std::optional(static_cast<std::uint32_t>(*value)) : std::nullopt;
}

bool read(const Json& json, Request::Subject& out) {
  Members members(json);
  Texts texts(members);
  out.name = texts.text("name");
  out.uid = count(members, "uid");
  out.loginuid = count_or_null(members, "loginuid");
  out.login_name = texts.maybe("login_name");
  out.person = texts.text("person");
  out.origin = texts.text("origin");
  out.tty = texts.text("tty");
  out.audit_session = count_or_null(members, "audit_session");
  return members.done();
}

bool read(const Json& json, Request::Target& out) {
  Members members(json);
  out.name = Texts(members).text("name");
  out.uid = count(members, "uid");
  out.verified = members.boolean("verified");
  if (members.has("group")) out.group = Texts(members).text("group");
  return members.done();
}

bool read(const Json& json, Request::Seat& out) {
  Members members(json);
  out.set = Texts(members).text("set");
  out.count = count(members, "count");
  return members.done();
}

bool read(const Json& json, Request::Step& out) {
  Members members(json);
  Texts texts(members);
  out.after_s = count(members, "after_s");
  out.add = texts.maybe("add");
  out.to = texts.maybe("to");
  out.notify = texts.maybe("notify");
  return members.done();
}

template <class T>
bool read_all(const Json& array, std::vector<T>& out) {
  for (const Json& each : array) {
    if (!read(each, out.emplace_back())) return false;
  }
  return true;
}

bool read(const Json& json, Request::Offer& out) {
  Members members(json);
  Texts texts(members);
  out.rule = texts.text("rule");
  out.fingerprint = texts.text("fingerprint");
  if (!read_all(members.array("seats", 256), out.seats) || !read_all(members.array("ladder", 256), out.ladder)) return false;
  out.votes = texts.text("votes");
  out.scope = texts.text("scope");
  for (const auto& [name, field] : {std::pair("give_s", &out.give_s), {"max_s", &out.max_s}, {"wait_s", &out.wait_s}, {"claim_s", &out.claim_s},
                                    {"review_s", &out.review_s}, {"run_max_s", &out.run_max_s}, {"reason_min", &out.reason_min}}) {
    *field = count(members, name);
  }
  out.on_expiry = texts.text("on_expiry");
  for (const Json& each : members.array("warn_before_s", 256)) {
    if (!each.is_number_unsigned() || each.get<std::uint64_t>() > std::uint64_t{kUidMax}) return false;
    out.warn_before_s.push_back(each.get<std::uint32_t>());
  }
  out.tickets = texts.list("tickets");
  out.notify = texts.list("notify");
  for (const auto& [name, field] : {std::pair("reason_required", &out.reason_required), {"record", &out.record}, {"machines", &out.machines},
                                    {"match", &out.match}, {"self", &out.self}, {"break_glass", &out.break_glass}}) {
    *field = members.boolean(name);
  }
  return members.done();
}

bool read(const Json& json, Request::Hidden& out) {
  Members members(json);
  for (const auto& [name, field] : {std::pair("command", &out.command), {"cwd", &out.cwd}, {"reason", &out.reason}}) {
    const auto digest = members.text_or_null(name, 64);
    if (!digest) continue;
    if (digest->size() != 64 || digest->find_first_not_of("0123456789abcdef") != std::string::npos) return false;
    *field = *digest;
  }
  return members.done();
}

}  // namespace

Json command_json(const Request::Command& command) {
  Json argv = Json::array();
  for (const std::string& word : command.argv) argv.push_back(base64(bytes_of(word)));
  return {{"argv", std::move(argv)}, {"changeable", command.changeable}, {"env", escaped(command.env)}, {"known", command.known},
          {"options", escaped(command.options)}, {"path", text_or_null(command.path)}, {"sha256", text_or_null(command.sha256)},
          {"verified", command.verified}, {"words_at", command.words_at}};
}

bool read_command(const Json& json, Request::Command& out) {
  Members members(json);
  Texts texts(members);
  for (const Json& each : members.array("argv", kListMax)) {
    const auto word = each.is_string() ? from_base64(each.get_ref<const std::string&>()) : std::nullopt;
    if (!word) return false;
    out.argv.emplace_back(text_of(*word));
  }
  out.path = texts.maybe("path", kTextMax);
  out.sha256 = texts.maybe("sha256", 64);
  out.known = members.boolean("known");
  out.verified = members.boolean("verified");
  out.changeable = members.boolean("changeable");
  out.words_at = count(members, "words_at");
  out.options = texts.list("options");
  out.env = texts.list("env");
  return members.done();
}

std::string payload_of(const Request& request) {
  const Request::Subject& subject = request.subject;
  Json out{{"asked", {{"duration_s", number_or_null(request.asked_s)}, {"scope", text_or_null(request.asked_scope)}}},
              {"boot", request.boot_id},
              {"command", command_json(request.command)},
              {"created_boot_ms", request.created_boot_ms},
              {"created_ms", request.created_ms},
              {"cwd", escape(request.cwd)},
              {"deadline_boot_ms", request.deadline_boot_ms},
              {"deadline_ms", request.deadline_ms},
              {"door", request.door},
              {"epoch", request.epoch},
              {"extends", text_or_null(request.extends)},
              {"head", text_or_null(request.head)},
              {"host", {{"id", request.host_id}, {"name", escape(request.host_name)}}},
              {"id", request.id},
              {"kind", request.kind},
              {"nonce", request.nonce},
              {"not_before_ms", request.not_before_ms},
              {"offer", offer_of(request.offer)},
              {"policy", request.policy_hash},
              {"reason", escape(request.reason)},
              {"reason_from", text_or_null(request.reason_from)},
              {"risk", {{"score", request.risk}, {"signs", escaped(request.risk_signs)}}},
              {"service", escape(request.service)},
              {"ssh_key", text_or_null(request.ssh_key)},
              {"subject",
               {{"audit_session", number_or_null(subject.audit_session)},
                {"login_name", text_or_null(subject.login_name)},
                {"loginuid", number_or_null(subject.loginuid)},
                {"name", escape(subject.name)},
                {"origin", subject.origin},
                {"person", escape(subject.person)},
                {"tty", escape(subject.tty)},
                {"uid", subject.uid}}},
              {"target", {{"name", escape(request.target.name)}, {"uid", request.target.uid}, {"verified", request.target.verified}}},
              {"ticket", escape(request.ticket)},
              {"urgency", request.urgency},
              {"via", text_or_null(request.via)}};
  if (!request.target.group.empty()) out["target"]["group"] = escape(request.target.group);
  if (request.hidden != Request::Hidden{}) out["private"] = hidden_of(request.hidden);
  return out.dump();
}

std::optional<Request> read_request(std::string_view payload) {
  const auto whole = parse_canonical(payload, kRequestMax);
  if (!whole) return std::nullopt;
  Members members(*whole);
  Texts texts(members);
  Request out;
  out.id = members.hex("id", 16);
  out.kind = texts.text("kind", 32);
  Members host(members.object("host"));
  out.host_id = host.hex("id", 16);
  out.host_name = Texts(host).text("name");
  out.boot_id = texts.text("boot", 64);
  out.epoch = members.number("epoch", 1, kTimeMax);
  out.nonce = members.hex("nonce", 32);
  bool good = host.done() && read(members.object("subject"), out.subject) && read(members.object("target"), out.target) &&
              read_command(members.object("command"), out.command) && read(members.object("offer"), out.offer);
  out.door = texts.text("door", 32);
  out.service = texts.text("service");
  out.cwd = texts.text("cwd", kTextMax);
  out.reason = texts.text("reason", kTextMax);
  out.reason_from = texts.maybe("reason_from", 32);
  out.ticket = texts.text("ticket", kTextMax);
  out.urgency = texts.text("urgency", 32);
  Members asked(members.object("asked"));
  out.asked_s = count_or_null(asked, "duration_s");
  out.asked_scope = Texts(asked).maybe("scope", 32);
  out.via = texts.maybe("via");
  out.ssh_key = texts.maybe("ssh_key", 64);
  out.extends = texts.maybe("extends", 32);
  out.not_before_ms = members.number("not_before_ms", 0, kTimeMax);
  out.policy_hash = texts.text("policy", 64);
  Members risk(members.object("risk"));
  out.risk = risk.number("score", 0, 100);
  out.risk_signs = Texts(risk).list("signs");
  if (members.has("private")) good = good && read(members.object("private"), out.hidden);
  out.head = texts.maybe("head", 128);
  out.created_ms = members.number("created_ms", -kTimeMax, kTimeMax);
  out.deadline_ms = members.number("deadline_ms", -kTimeMax, kTimeMax);
  out.created_boot_ms = members.number("created_boot_ms", 0, kTimeMax);
  out.deadline_boot_ms = members.number("deadline_boot_ms", 0, kTimeMax);
  good = good && asked.done() && risk.done() && members.done();
  if (!good || payload_of(out) != payload) return std::nullopt;
  return out;
}

}  // namespace jit::evidence
