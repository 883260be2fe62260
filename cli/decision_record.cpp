// SPDX-License-Identifier: Apache-2.0
#include "cli/decision_record.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "evidence/text.h"

namespace jit::cli {

namespace {

using policy::analysis::Past;

// Reads members; the first that is not as a broker writes it is kept by its path.
class Reader {
 public:
  explicit Reader(const Json& json) : at_(json) {}

  bool good() const { return lacks_.empty(); }
  const std::string& lacks() const { return lacks_; }
  const Json& at() const { return at_; }

  void fail(std::string_view key) {
    if (lacks_.empty()) lacks_ = key;
  }
  // What an inner reader lacked.
  void take(std::string_view key, const Reader& inner) {
    if (!inner.good()) fail(std::string(key) + '.' + inner.lacks());
  }

  // A null where it is missing: every reader of a value fails on that.
  const Json& get(std::string_view key) const {
    static const Json kNone;
    const auto* const members = at_.get_ptr<const Json::object_t*>();
    if (members == nullptr) return kNone;
    // Few members, and most keys differ in length already: faster than what Json itself does.
    const auto it = std::ranges::find(*members, key, [](const auto& one) { return std::string_view(one.first); });
    return it == members->end() ? kNone : it->second;
  }
  bool has(std::string_view key) const { return !get(key).is_null(); }

  bool flag(std::string_view key) {
    const Json& json = get(key);
    if (json.is_boolean()) return json.get<bool>();
    fail(key);
    return false;
  }
  template <class Int>
  Int number(std::string_view key) {
    const Json& json = get(key);
    if (json.is_number_unsigned()) {
      const auto value = json.get<std::uint64_t>();
      if (value <= static_cast<std::uint64_t>(std::numeric_limits<Int>::max())) return static_cast<Int>(value);
    }
    fail(key);
    return 0;
  }
  void text(std::string_view key, std::string& out) { unescaped(get(key), key, out); }
  // As it is: words of ours are never escaped.
  std::string_view word(std::string_view key) {
    const Json& json = get(key);
    if (json.is_string()) return json.get_ref<const std::string&>();
    fail(key);
    return {};
  }
  void texts(std::string_view key, std::vector<std::string>& out) {
    const Json& json = get(key);
    if (!json.is_array()) return fail(key);
    out.resize(json.size());
    for (std::size_t i = 0; i < out.size(); ++i) unescaped(json[i], key, out[i]);
  }
  template <class T, class Named>
  T named(std::string_view key, Named by_name) {
    const auto value = by_name(word(key));
    if (value) return *value;
    fail(key);
    return T{};
  }

 private:
  void unescaped(const Json& json, std::string_view key, std::string& out) {
    const auto* const text = json.get_ptr<const std::string*>();
    if (text == nullptr) return fail(key);
    if (std::ranges::all_of(*text, [](char c) { return c >= ' ' && c <= '~' && c != '\\'; })) {
      out = *text;  // as most are: nothing is allocated
    } else if (auto bytes = evidence::unescape(*text)) {
      out = std::move(*bytes);
    } else {
      fail(key);
    }
  }

  const Json& at_;
  std::string lacks_;
};

std::optional<policy::Outcome> outcome_named(std::string_view name) {
  using enum policy::Outcome;
  for (const policy::Outcome each : {kDeny, kAllow, kApproval, kNeeds}) {
    if (policy::name_of(each) == name) return each;
  }
  return std::nullopt;
}

std::optional<policy::Votes> votes_named(std::string_view name) {
  using enum policy::Votes;
  for (const policy::Votes each : {kAny, kSigned, kHardware}) {
    if (policy::name_of(each) == name) return each;
  }
  return std::nullopt;
}

void identity(Reader& from, std::string_view key, policy::Identity& out) {
  Reader in(from.get(key));
  in.text("user", out.user);
  out.uid = in.number<std::uint32_t>("uid");
  in.text("person", out.person);
  out.groups_known = in.flag("groups_known");
  in.texts("groups_all", out.groups_all);
  in.texts("groups_any", out.groups_any);
  from.take(key, in);
}

policy::Origin origin(Reader& from) {
  const std::string_view text = from.word("from");
  policy::Origin out;
  if (text == "local") {
    out.kind = policy::Origin::Kind::kLocal;
  } else if (text != "unknown") {
    const auto peer = policy::Address::parse(text);
    if (!peer) {
      from.fail("from");
    } else {
      out = {policy::Origin::Kind::kPeer, *peer};
    }
  }
  return out;
}

void command(Reader& from, const Json& fields, Past& out) {
  Reader in(from.get("command"));
  out.command_known = in.flag("known");
  out.command_verified = out.digest_bound = false;
  out.path.clear();
  for (auto* const list : {&out.words, &out.options, &out.env}) list->clear();
  if (out.command_known) {
    out.command_verified = in.flag("verified");
    out.digest_bound = in.flag("digest_bound");
    in.text("path", out.path);
    in.texts("options", out.options);
    in.texts("env", out.env);
    const auto words_at = in.number<std::uint32_t>("words_at");
    Reader beside(fields);
    beside.texts("argv", out.words);
    if (!beside.good()) from.fail("argv");
    out.words.erase(out.words.begin(), out.words.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(words_at, out.words.size())));
  }
  from.take("command", in);
}

void honours(Reader& from, Past& out) {
  out.recorder = out.can_notify = out.can_review = false;
  const Json& list = from.get("honours");
  if (!list.is_array()) return from.fail("honours");
  for (const Json& each : list) {
    if (each == "record") {
      out.recorder = true;
    } else if (each == "notify") {
      out.can_notify = true;
    } else if (each == "review") {
      out.can_review = true;
    } else {
      from.fail("honours");
    }
  }
}

void input(Reader& from, const Json& fields, Past& out) {
  Reader in(from.get("input"));
  out.now = in.number<std::int64_t>("at");
  out.seats_at = in.has("seats_at") ? in.number<std::int64_t>("seats_at") : 0;
  out.door = in.named<policy::Door>("door", policy::door_named);
  identity(in, "subject", out.subject);
  out.person = out.subject.person;
  identity(in, "target", out.target);
  out.target_verified = in.flag("target_verified");
  if (out.claimed()) identity(in, "root", out.root);
  out.from = origin(in);
  in.text("via", out.via);
  in.text("urgency", out.urgency);
  in.text("ticket", out.ticket);
  out.can_ask = in.flag("can_ask");
  out.asked_s.reset();
  if (in.has("asked_s")) out.asked_s = in.number<std::uint32_t>("asked_s");
  Reader reason(in.get("reason"));
  out.reason_length = reason.number<std::uint32_t>("length");
  out.reason_from_environment = reason.flag("from_environment");
  in.take("reason", reason);
  honours(in, out);
  out.absent.clear();
  if (in.has("absent")) in.texts("absent", out.absent);
  command(in, fields, out);
  from.take("input", in);
}

// A literal of the language; nothing for what is none.
std::optional<policy::Value> literal(std::string_view text) {
  if (text == "true" || text == "false") return text == "true";
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') return std::string(text.substr(1, text.size() - 2));
  const char* const end = text.data() + text.size();
  if (text.find('.') == std::string_view::npos) {
    std::int64_t whole = 0;
    const auto parsed = std::from_chars(text.data(), end, whole);
    if (parsed.ec == std::errc() && parsed.ptr == end) return whole;
    return std::nullopt;
  }
  double decimal = 0;
  const auto parsed = std::from_chars(text.data(), end, decimal);
  if (parsed.ec == std::errc() && parsed.ptr == end) return decimal;
  return std::nullopt;
}

void facts(Reader& from, Past& out) {
  const Json& read = from.get("read");
  out.facts.clear();
  if (!read.is_object()) return from.fail("read");
  for (const auto& [name, json] : read.items()) {
    auto fact = evidence::unescape(name);
    std::optional<policy::Value> value;
    if (json.is_string()) {
      const auto text = evidence::unescape(json.get_ref<const std::string&>());
      if (text) value = literal(*text);
    }
    if (!fact || (!value && !json.is_null())) return from.fail("read");
    out.facts.add(std::move(*fact), std::move(value));
  }
}

void terms(Reader& from, policy::analysis::Answer& out) {
  Reader in(from.get("terms"));
  if (!out.terms) out.terms.emplace();
  policy::analysis::Given& given = *out.terms;
  given.seats.clear();
  if (const Json& seats = in.get("seats"); !seats.is_array()) {
    in.fail("seats");
  } else {
    for (const Json& json : seats) {
      Reader seat(json);
      policy::Seat& held = given.seats.emplace_back();
      seat.text("set", held.set);
      held.count = seat.number<std::uint32_t>("count");
      in.take("seats", seat);
    }
  }
  given.votes = in.named<policy::Votes>("votes", votes_named);
  in.texts("require", given.require);
  given.give_s = in.number<std::uint32_t>("give_s");
  given.max_s = in.number<std::uint32_t>("max_s");
  given.wait_s = in.number<std::uint32_t>("wait_s");
  given.scope = in.named<policy::Scope>("scope", policy::scope_named);
  from.take("terms", in);
}

void answer(Reader& from, policy::analysis::Answer& out) {
  out.outcome = from.named<policy::Outcome>("outcome", outcome_named);
  from.texts("rules", out.rules);
  out.then = policy::Outcome::kDeny;
  out.missing.clear();
  if (out.outcome == policy::Outcome::kNeeds) {
    out.then = from.named<policy::Outcome>("then", outcome_named);
    from.texts("missing", out.missing);
  }
  if (out.outcome == policy::Outcome::kDeny) {
    out.rule.clear();
    out.terms.reset();
  } else {
    from.text("rule", out.rule);
    terms(from, out);
  }
}

}  // namespace

std::optional<Unreadable> read_decision(const Json& entry, Recorded& out) {
  Reader at(entry);
  const Json& fields = at.get("fields");
  const Reader beside(fields);
  Reader in(beside.get("decision"));
  answer(in, out.past.answer);
  input(in, fields, out.past);
  facts(in, out.past);
  out.tags = in.word("tags");
  out.past.time = at.word("time");
  out.past.id.clear();
  for (const std::string_view key : {"grant", "request"}) {
    if (at.has(key)) out.past.id = at.word(key);
  }
  if (out.past.id.empty()) out.past.id = '#' + std::to_string(at.number<std::uint64_t>("sequence"));
  if (!in.good()) return Unreadable{in.lacks()};
  if (!at.good()) return Unreadable{at.lacks()};
  return std::nullopt;
}

}  // namespace jit::cli
