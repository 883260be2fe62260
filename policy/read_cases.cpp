// SPDX-License-Identifier: Apache-2.0
#include "policy/read_cases.h"

#include <algorithm>
#include <array>

#include "policy/suggest.h"

namespace jit::policy {
namespace {

// A user that is only supposed has a uid of his own, the same in every run; nothing hangs on which.
std::uint32_t uid_of(std::string_view user) {
  if (user == "root") return 0;
  std::uint32_t hash = 2166136261U;  // FNV-1a
  for (const char c : user) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  return 100'000 + hash % 1'000'000'000;
}

Identity identity_of(std::string user, std::vector<std::string> groups) {
  Identity out;
  out.uid = uid_of(user);
  out.user = std::move(user);
  out.person = "uid:" + std::to_string(out.uid);
  out.groups_known = true;
  out.groups_all = groups;
  out.groups_any = std::move(groups);
  return out;
}

std::vector<std::string> plain(const std::optional<std::vector<Text>>& texts) {
  std::vector<std::string> out;
  if (texts) {
    for (const Text& text : *texts) out.push_back(text.value);
  }
  return out;
}

// A word of a closed list; anything else is E01, with what was meant.
template <class T, std::size_t N>
std::optional<T> word_of(const Fields& fields, std::string_view key, const std::array<T, N>& all) {
  const auto text = fields.text(key);
  if (!text) return std::nullopt;
  std::vector<std::string_view> names;
  for (const T value : all) {
    if (name_of(value) == text->value) return value;
    names.push_back(name_of(value));
  }
  std::string list;
  for (const std::string_view name : names) list += (list.empty() ? "" : ", ") + std::string(name);
  fields.report().add("E01", text->place, "`" + std::string(key) + "` is one of " + list + did_you_mean(text->value, names));
  return std::nullopt;
}

constexpr std::array kOutcomes{Outcome::kDeny, Outcome::kAllow, Outcome::kApproval, Outcome::kNeeds};
constexpr std::array kScopes{Scope::kCommand, Scope::kTty, Scope::kSession, Scope::kLogin};
constexpr std::array kDoors{Door::kSudo, Door::kSu, Door::kSsh, Door::kLogin, Door::kPolkit};

void read_origin(const Fields& fields, SupposedRequest& out) {
  const bool login = out.door == Door::kSsh;
  const auto from = fields.text("from");
  if (!from) {
    out.from.kind = login ? Origin::Kind::kUnknown : Origin::Kind::kLocal;
  } else if (from->value == "local") {
    out.from.kind = Origin::Kind::kLocal;
  } else if (from->value != "unknown") {
    const auto peer = Address::parse(from->value);
    if (peer) {
      out.from = {Origin::Kind::kPeer, *peer};
    } else {
      fields.report().add("E01", from->place, "`from` is an address, \"local\" or \"unknown\"");
    }
  }
}

void read_command(const Fields& fields, const Policy::Input& input, SupposedRequest& out) {
  const auto argv = fields.texts("argv");
  out.options = plain(fields.maybe_empty_texts("options"));
  out.env = plain(fields.maybe_empty_texts("env"));
  out.verified = fields.boolean("verified").value_or(true);
  if (!argv) return;
  out.argv = plain(argv);
  out.path = out.argv->front();
  const std::size_t slash = out.path.rfind('/');
  if (!out.path.starts_with('/')) {
    fields.report().add("E01", argv->front().place, "the first word of `argv` is the whole path of a program");
  } else if (input.real_folder && slash > 0) {
    out.path = input.real_folder(out.path.substr(0, slash)) + out.path.substr(slash);
  }
  out.words.assign(out.argv->begin() + 1, out.argv->end());
}

std::optional<Reading> reading_of(const Node& node, Report& report) {
  switch (node.kind) {
    case Node::Kind::kBool: return Reading{node.boolean, 0, {}};
    case Node::Kind::kInteger: return Reading{node.integer, 0, {}};
    case Node::Kind::kFloat: return Reading{node.decimal, 0, {}};
    case Node::Kind::kString: return Reading{node.text, 0, {}};
    case Node::Kind::kTable: break;
    default: report.add("E01", node.place, "a fact is true, false, a number, a text, or { value, age }"); return std::nullopt;
  }
  const Fields fields(node, Table::kTestFact, report);
  const Entry* value = fields.find("value");
  if (value == nullptr || value->value.kind == Node::Kind::kTable) {
    report.add("E01", node.place, "a fact with an age needs its value: { value = true, age = \"11m\" }");
    return std::nullopt;
  }
  auto out = reading_of(value->value, report);
  if (out) out->age_s = fields.duration("age").value_or(0);
  return out;
}

void read_facts(const Node& node, SupposedFacts& facts, Report& report) {
  for (const Entry& entry : node.entries) {
    if (auto reading = reading_of(entry.value, report)) facts.set(entry.key, std::move(*reading));
  }
}

const Node* table_at(const Fields& fields, std::string_view key) {
  const Entry* entry = fields.find(key);
  if (entry == nullptr) return nullptr;
  if (entry->value.kind == Node::Kind::kTable) return &entry->value;
  fields.report().add("E01", entry->value.place, "`" + std::string(key) + "` must be a table");
  return nullptr;
}

std::optional<std::vector<Seat>> read_seats(const Fields& fields) {
  const auto texts = fields.maybe_empty_texts("seats");
  if (!texts) return std::nullopt;
  std::vector<Seat> out;
  for (const Text& text : *texts) {
    Seat seat{text.value, 1};
    const std::size_t of = text.value.find(" of ");
    if (of != std::string::npos) {
      seat.set = text.value.substr(of + 4);
      seat.count = static_cast<std::uint32_t>(std::strtoul(text.value.c_str(), nullptr, 10));
    }
    if (seat.count == 0 || !parse_principal(seat.set).principal) {
      fields.report().add("E01", text.place, "a seat is like \"set:sre\" or \"2 of set:sre\"");
    }
    out.push_back(std::move(seat));
  }
  return out;
}

Expected read_expected(const Node& node, Report& report) {
  const Fields fields(node, Table::kTestExpect, report);
  Expected out;
  out.outcome = word_of(fields, "outcome", kOutcomes);
  out.then = word_of(fields, "then", kOutcomes);
  out.scope = word_of(fields, "scope", kScopes);
  if (const auto permit = fields.text("permit")) out.permit = permit->value;
  if (const auto text = fields.text("text")) out.text = text->value;
  out.seats = read_seats(fields);
  if (const auto require = fields.maybe_empty_texts("require")) {
    out.require = plain(require);
    std::ranges::sort(*out.require);
  }
  out.lasts_s = fields.duration("lasts");
  out.max_s = fields.duration("max");
  return out;
}

void read_case(const Node& node, std::int64_t now, const Policy::Input& input, std::map<std::string, Place>& names, Report& report,
               std::vector<Case>& out) {
  const Fields fields(node, Table::kTest, report);
  Case made;
  made.place = node.place;
  if (const auto name = fields.text("name")) {
    made.name = name->value;
    const auto [first, added] = names.emplace(name->value, name->place);
    if (!added) report.add("E02", name->place, "test \"" + name->value + "\" stands twice", first->second);
  } else if (!fields.has("name")) {
    report.add("E01", node.place, "a test without `name`; say what it shows");
  }
  const std::int64_t at = fields.time("at").value_or(now);
  const Node* request = table_at(fields, "request");
  const Node* expect = table_at(fields, "expect");
  if (!fields.has("request") || !fields.has("expect")) report.add("E01", node.place, "a test has `request` and `expect`");
  if (request == nullptr || expect == nullptr) return;
  auto supposed = read_supposed(*request, at, input, report);
  made.expected = read_expected(*expect, report);
  if (!supposed) return;
  made.request = std::move(*supposed);
  if (const Node* facts = table_at(fields, "facts")) read_facts(*facts, made.request.facts, report);
  out.push_back(std::move(made));
}

}  // namespace

std::optional<SupposedRequest> read_supposed(const Node& node, std::int64_t now, const Policy::Input& input, Report& report) {
  const Fields fields(node, Table::kTestRequest, report);
  SupposedRequest out;
  out.now = now;
  const auto user = fields.text("user");
  const auto door = word_of(fields, "door", kDoors);
  if (!fields.has("user")) report.add("E01", node.place, "a request needs `user`");
  if (!fields.has("door")) report.add("E01", node.place, "a request needs `door`");
  if (!user || !door) return std::nullopt;
  out.door = *door;
  out.subject = identity_of(user->value, plain(fields.maybe_empty_texts("groups")));
  out.root = identity_of("root", {"root"});
  const bool login = out.door == Door::kSsh || out.door == Door::kLogin;
  const auto as = fields.text("as");
  if (login && as) report.add("E01", as->place, "at ssh and login the user logs in as himself; leave `as` out");
  out.target = login ? out.subject : identity_of(as ? as->value : "root", {as ? as->value : "root"});
  if (fields.has("tags")) out.tags = plain(fields.maybe_empty_texts("tags"));
  out.people = plain(fields.maybe_empty_texts("people"));
  read_origin(fields, out);
  (void)fields.text("tty");  // what a grant is bound to; it decides nothing
  read_command(fields, input, out);
  const auto text = [&](std::string_view key, std::string& value) {
    if (const Entry* entry = fields.find(key); entry != nullptr && entry->value.kind == Node::Kind::kString) {
      value = entry->value.text;
    } else if (entry != nullptr) {
      (void)fields.text(key);
    }
  };
  text("reason", out.reason);
  text("ticket", out.ticket);
  text("urgency", out.urgency);
  text("via", out.via);
  out.can_ask = fields.boolean("can-ask").value_or(true);
  out.recorder = fields.boolean("recorder").value_or(true);
  return out;
}

void read_cases(const Node& root, std::int64_t now, const Policy::Input& input, Report& report, std::vector<Case>& out) {
  const Fields fields(root, Table::kTestFile, report);
  std::map<std::string, Place> names;
  for (const Node* node : fields.tables("test")) read_case(*node, now, input, names, report, out);
}

std::shared_ptr<const Policy> load_for(const Policy::Input& input, const std::vector<std::string>& tags, const std::vector<std::string>& people) {
  Policy::Input there = input;
  there.tags = tags;
  std::vector<Source> sources(input.people.begin(), input.people.end());
  if (!people.empty()) {
    std::string text = "version = 1\n";
    for (const std::string& name : people) text += "[[person]]\nname = \"" + name + "\"\nusers = [\"" + name + "\"]\n";
    sources.push_back({"people of a test", std::move(text)});
  }
  there.people = sources;
  return Policy::load(there).policy;
}

void name_persons(SupposedRequest& request, const Policy& policy) {
  for (Identity* identity : {&request.subject, &request.target, &request.root}) {
    identity->person = policy.person_name(identity->user, identity->uid);
  }
}

}  // namespace jit::policy
