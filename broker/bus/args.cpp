// SPDX-License-Identifier: Apache-2.0
#include "broker/bus/args.h"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

#include "evidence/envelope.h"
#include "evidence/text.h"

namespace jit::bus {

namespace {

using core::Error;
using core::Outcome;

constexpr std::size_t kGroupsMax = 1024;
constexpr std::size_t kSupposedMax = 64;

template <class T>
Outcome<T> bad(std::string message) {
  return {Error::kBadInput, std::move(message), {}};
}

// Takes keys out of a dictionary; the first thing that is wrong is kept as the message.
class Reader {
 public:
  explicit Reader(const Dict& dict) : dict_(dict) {}

  bool has(const char* key) const { return dict_.contains(key); }

  template <class T>
  std::optional<T> take(const char* key, const char* what) {
    known_.insert(key);
    const auto it = dict_.find(key);
    if (it == dict_.end()) return std::nullopt;
    if (!it->second.containsValueOfType<T>()) {
      fail(std::string(key) + " must be " + what);
      return std::nullopt;
    }
    return it->second.get<T>();
  }

  bool boolean(const char* key) { return take<bool>(key, "a boolean (b)").value_or(false); }

  std::string text(const char* key, std::size_t max = core::kNameMax) {
    return checked(key, take<std::string>(key, "a string (s)").value_or(""), max);
  }

  std::string bytes(const char* key, std::size_t max) {
    const Bytes raw = take<Bytes>(key, "bytes (ay)").value_or(Bytes{});
    return checked(key, std::string(raw.begin(), raw.end()), max);
  }

  // Text that people typed: UTF-8.
  std::string typed(const char* key, std::size_t max) {
    std::string out = bytes(key, max);
    if (!evidence::valid_utf8(out)) fail(std::string(key) + " is not UTF-8");
    return out;
  }

  std::optional<std::uint32_t> seconds(const char* key) {
    const auto value = take<std::uint32_t>(key, "seconds (u)");
    // Ten years is the longest duration that can be written at all.
    if (value && (*value == 0 || *value > 10U * 365 * 86400)) fail(std::string(key) + " must be from 1 second to 10 years");
    return value;
  }

  std::size_t limit() {
    const std::uint32_t value = take<std::uint32_t>("limit", "a number (u)").value_or(kListDefault);
    if (value == 0 || value > kListMax) fail("limit must be from 1 to " + std::to_string(kListMax));
    return value;
  }

  core::WallMs since() {
    const std::int64_t value = take<std::int64_t>("since-ms", "milliseconds (x)").value_or(0);
    if (value < 0) fail("since-ms must not be negative");
    return value;
  }

  void check(const char* key, const std::string& value, std::size_t max) { (void)checked(key, value, max); }

  void fail(std::string message) {
    if (message_.empty()) message_ = std::move(message);
  }

  template <class T>
  Outcome<T> finish(T value) {
    for (const auto& [key, unused] : dict_) {
      if (!known_.contains(key)) return bad<T>("unknown key \"" + evidence::escape_to(key, 64) + "\"");
    }
    if (!message_.empty()) return bad<T>(message_);
    return {Error::kNone, {}, std::move(value)};
  }

 private:
  std::string checked(const char* key, std::string value, std::size_t max) {
    if (value.size() > max) fail(std::string(key) + " is longer than " + std::to_string(max) + " bytes");
    if (value.find('\0') != std::string::npos) fail(std::string(key) + " holds a zero byte");
    return value;
  }

  const Dict& dict_;
  std::set<std::string_view> known_;
  std::string message_;
};

template <class T, std::size_t N>
std::optional<T> named(std::string_view name, const std::array<T, N>& all) {
  for (const T value : all) {
    if (core::name_of(value) == name) return value;
  }
  return std::nullopt;
}

std::optional<policy::Origin> origin_named(std::string_view text) {
  if (text == "local") return policy::Origin{policy::Origin::Kind::kLocal, {}};
  if (text == "unknown") return policy::Origin{};
  const auto peer = policy::Address::parse(text);
  if (!peer) return std::nullopt;
  return policy::Origin{policy::Origin::Kind::kPeer, *peer};
}

void read_wish(Reader& in, CreateArgs& out) {
  out.for_s = in.seconds("for-s");
  out.reason = in.typed("reason", core::kReasonMax);
  out.ticket = in.typed("ticket", core::kTicketMax);
  if (!in.has("urgency")) return;
  const auto urgency = core::urgency_named(in.text("urgency"));
  if (!urgency) in.fail("urgency must be low, normal, high or critical");
  out.urgency = urgency.value_or(out.urgency);
}

// What a request ahead of time and an explanation are asked with alike.
CreateArgs read_ask(Reader& in) {
  CreateArgs out;
  if (in.has("door")) {
    const auto door = policy::door_named(in.text("door"));
    if (!door) in.fail("door must be sudo, su, ssh or login");
    out.door = door.value_or(policy::Door::kSudo);
  }
  out.as = in.text("as");
  if (in.has("as") && out.as.empty()) in.fail("as must name a user");
  read_wish(in, out);
  out.via = in.text("via");
  std::size_t total = 0;
  for (const Bytes& word : in.take<std::vector<Bytes>>("argv", "words (aay)").value_or(std::vector<Bytes>{})) {
    total += word.size() + 1;
    if (total > core::kArgvMax) {
      in.fail("argv is longer than " + std::to_string(core::kArgvMax) + " bytes");
      break;
    }
    out.argv.emplace_back(word.begin(), word.end());
    if (out.argv.back().find('\0') != std::string::npos) in.fail("argv holds a zero byte");
  }
  if (!out.argv.empty() && out.argv.front().empty()) in.fail("argv begins with an empty word");
  out.cwd = in.bytes("cwd", core::kPathMax);
  if (!out.cwd.empty() && out.cwd.front() != '/') in.fail("cwd must be an absolute path");
  return out;
}

}  // namespace

Outcome<RequestQuery> read_request_query(const Dict& dict) {
  using enum core::RequestState;
  static constexpr std::array kStates = {kPending, kDetached, kApproved, kDenied, kExpired, kCancelled};
  Reader in(dict);
  RequestQuery out;
  out.all = in.boolean("all");
  out.living = in.boolean("living");
  out.owed = in.boolean("owed");
  if (in.has("state")) {
    out.state = named(in.text("state"), kStates);
    if (!out.state) in.fail("state must be pending, detached, approved, denied, expired or cancelled");
  }
  out.since = in.since();
  out.limit = in.limit();
  return in.finish(out);
}

Outcome<GrantQuery> read_grant_query(const Dict& dict) {
  using enum core::GrantState;
  static constexpr std::array kStates = {kUnclaimed, kActive, kEnded};
  Reader in(dict);
  GrantQuery out;
  out.all = in.boolean("all");
  out.living = in.boolean("living");
  if (in.has("state")) {
    out.state = named(in.text("state"), kStates);
    if (!out.state) in.fail("state must be approved, active or ended");
  }
  out.since = in.since();
  out.limit = in.limit();
  return in.finish(out);
}

Outcome<AuditQuery> read_audit_query(const Dict& dict) {
  Reader in(dict);
  AuditQuery out;
  out.after = in.take<std::uint64_t>("after", "a sequence number (t)").value_or(0);
  out.since = in.since();
  if (in.has("request")) {
    auto id = read_id(in.text("request"));
    if (!id) in.fail("request: " + id.message);
    out.request = id.value;
  }
  out.person = in.text("person");
  out.type = in.text("type");
  out.newest = in.boolean("newest");
  out.limit = in.limit();
  if (out.newest && out.after != 0) in.fail("newest and after exclude each other");
  return in.finish(out);
}

Outcome<CreateArgs> read_create(const Dict& dict) {
  Reader in(dict);
  CreateArgs out = read_ask(in);
  if (out.door == policy::Door::kPolkit) in.fail("door must be sudo, su, ssh or login");
  if (in.has("scope")) {
    out.scope = policy::scope_named(in.text("scope"));
    if (!out.scope) in.fail("scope must be command, tty, session or login");
  }
  if (const auto at = in.take<std::int64_t>("not-before-ms", "milliseconds (x)")) {
    if (*at <= 0) in.fail("not-before-ms must be positive");
    out.not_before = *at;
  }
  return in.finish(std::move(out));
}

Outcome<CreateArgs> read_extension(const Dict& dict) {
  Reader in(dict);
  CreateArgs out;
  read_wish(in, out);
  return in.finish(std::move(out));
}

Outcome<ExplainArgs> read_explain(const Dict& dict) {
  Reader in(dict);
  ExplainArgs out;
  out.ask = read_ask(in);
  out.user = in.text("user");
  if (in.has("user") && out.user.empty()) in.fail("user must name a user");
  if (in.has("groups")) {
    out.groups = in.take<std::vector<std::string>>("groups", "names (as)").value_or(std::vector<std::string>{});
    if (out.groups->size() > kGroupsMax) in.fail("groups are more than " + std::to_string(kGroupsMax));
    for (const std::string& group : *out.groups) in.check("groups", group, core::kNameMax);
  }
  if (in.has("from")) {
    out.from = origin_named(in.text("from"));
    if (!out.from) in.fail("from must be local, unknown or an address");
  }
  if (const auto at = in.take<std::int64_t>("at-ms", "milliseconds (x)")) {
    if (*at < 0) in.fail("at-ms must not be negative");
    out.suppose.at_s = *at / 1000;
  }
  const Dict facts = in.take<Dict>("facts", "facts by name (a{sv})").value_or(Dict{});
  if (facts.size() > kSupposedMax) in.fail("facts are more than " + std::to_string(kSupposedMax));
  for (const auto& [name, value] : facts) {
    auto fact = read_fact(name, value, 0);
    if (!fact) in.fail("facts: " + fact.message);
    out.suppose.facts.insert_or_assign(name, std::move(fact.value.value));
  }
  out.claimed = in.boolean("claimed");
  return in.finish(std::move(out));
}

Outcome<core::Ballot> read_ballot(bool approve, const Dict& dict) {
  Reader in(dict);
  core::Ballot out;
  out.approve = approve;
  out.duration_s = in.seconds("for-s");
  if (in.has("scope")) {
    out.scope = policy::scope_named(in.text("scope"));
    if (!out.scope) in.fail("scope must be command, tty, session or login");
  }
  out.reason = in.typed("reason", core::kReasonMax);
  out.typed = in.typed("typed", 64);
  out.block_s = in.seconds("block-s");
  if (!approve && (out.duration_s || out.scope || in.has("typed"))) in.fail("a denial has neither for-s nor scope nor typed");
  return in.finish(std::move(out));
}

Outcome<core::Core::Which> read_which(const Dict& dict) {
  Reader in(dict);
  core::Core::Which out;
  if (in.has("id")) {
    auto id = read_id(in.text("id"));
    if (!id) in.fail("id: " + id.message);
    out.id = id.value;
  }
  out.user = in.text("user");
  out.person = in.text("person");
  out.all = in.boolean("all");
  const int given = !out.id.empty() + !out.user.empty() + !out.person.empty() + out.all;
  if (given != 1) in.fail("exactly one of id, user, person and all must be given");
  return in.finish(std::move(out));
}

Outcome<std::string> read_fact_name(const std::string& name) {
  const auto good = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.'; };
  if (name.empty() || name.size() > core::kNameMax || !std::ranges::all_of(name, good)) {
    return bad<std::string>("the name of a fact is 1 to 256 of a-z, 0-9, -, _ and .");
  }
  return {Error::kNone, {}, name};
}

// Whether it is the right type, a number and clean text says the core, which knows the declaration.
Outcome<FactArgs> read_fact(const std::string& name, const sdbus::Variant& value, std::uint32_t fresh_for) {
  const auto checked = read_fact_name(name);
  if (!checked) return bad<FactArgs>(checked.message);
  FactArgs out;
  out.name = name;
  if (value.containsValueOfType<bool>()) {
    out.value = value.get<bool>();
  } else if (value.containsValueOfType<std::int64_t>()) {
    out.value = value.get<std::int64_t>();
  } else if (value.containsValueOfType<double>()) {
    out.value = value.get<double>();
  } else if (value.containsValueOfType<std::string>()) {
    out.value = value.get<std::string>();
  } else {
    return bad<FactArgs>("the value must be a boolean (b), an integer (x), a number (d) or a string (s)");
  }
  if (fresh_for > 10U * 365 * 86400) return bad<FactArgs>("fresh_for must be at most 10 years");
  if (fresh_for > 0) out.for_s = fresh_for;
  return {Error::kNone, {}, std::move(out)};
}

Outcome<std::string> read_reason(const Bytes& bytes) {
  std::string out(bytes.begin(), bytes.end());
  if (out.size() > core::kReasonMax) {
    return bad<std::string>("reason is longer than " + std::to_string(core::kReasonMax) + " bytes");
  }
  if (!evidence::valid_utf8(out) || out.find('\0') != std::string::npos) return bad<std::string>("reason is not UTF-8 text");
  if (evidence::trim(out).empty()) return bad<std::string>("reason is empty: say why");
  return {Error::kNone, {}, std::move(out)};
}

Outcome<std::string> read_person(const Bytes& bytes) {
  std::string out(bytes.begin(), bytes.end());
  if (out.empty() || out.size() > core::kNameMax || out.find('\0') != std::string::npos) {
    return bad<std::string>("person is 1 to " + std::to_string(core::kNameMax) + " bytes, as the log names him");
  }
  return {Error::kNone, {}, std::move(out)};
}

Outcome<std::string> read_signed_vote(const Bytes& bytes) {
  if (bytes.empty() || bytes.size() > evidence::kEnvelopeMax) {
    return bad<std::string>("a signed vote has 1 to " + std::to_string(evidence::kEnvelopeMax) + " bytes");
  }
  return {Error::kNone, {}, std::string(bytes.begin(), bytes.end())};
}

Outcome<std::string> read_id(const std::string& text) {
  const bool hex = text.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (!hex || text.size() < 4 || text.size() > 32) {
    return bad<std::string>("an id is 4 to 32 digits of 0-9 and a-f");
  }
  return {Error::kNone, {}, text};
}

}  // namespace jit::bus
