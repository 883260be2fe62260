// SPDX-License-Identifier: Apache-2.0
// Reading tests.d.
#include "policy/analysis/test_file.h"

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "policy/analysis/region.h"
#include "policy/fields.h"
#include "policy/suggest.h"

namespace jit::policy::analysis {
namespace {

constexpr std::string_view kNeeds[] = {"deny",     "approval", "approval-by-other", "signed", "hardware",
                                       "reason",   "ticket",   "record",            "notify", "review"};

// `form` with a '#' for each digit: are all numbers in it taken from the text? Nothing where the text is of another form.
std::optional<std::vector<int>> numbers_in(std::string_view text, std::string_view form) {
  if (text.size() != form.size()) return std::nullopt;
  std::vector<int> out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (form[i] != '#') {
      if (text[i] != form[i]) return std::nullopt;
      continue;
    }
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    if (i == 0 || form[i - 1] != '#') out.push_back(0);
    out.back() = out.back() * 10 + (text[i] - '0');
  }
  return out;
}

// "2026-11-24T21:10:00Z", "...+01:00"; TOML's own times come as such.
std::optional<std::int64_t> parse_time(std::string_view text) {
  constexpr std::string_view kForm = "####-##-##T##:##:##";
  const auto local = numbers_in(text.substr(0, kForm.size()), kForm);
  if (!local) return std::nullopt;
  const int year = (*local)[0], month = (*local)[1], day = (*local)[2], hour = (*local)[3], minute = (*local)[4], second = (*local)[5];
  std::int64_t offset = 0;
  const std::string_view zone = text.substr(kForm.size());
  if (zone != "Z") {
    const auto east = numbers_in(zone, "+##:##");
    const auto zoned = east ? east : numbers_in(zone, "-##:##");
    if (!zoned) return std::nullopt;
    offset = (east ? 1 : -1) * ((*zoned)[0] * 3600 + (*zoned)[1] * 60);
  }
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok() || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) return std::nullopt;
  return std::int64_t{std::chrono::sys_days(date).time_since_epoch().count()} * 86'400 + hour * 3600 + minute * 60 + second - offset;
}

class Reader {
 public:
  Reader(Report& report, TestSuite& out) : report_(report), out_(out) {}

  void file(const Node& root) {
    const Fields fields(root, Table::kTests, report_);
    if (fields.has("schema")) (void)fields.integer("schema", 1, 1);
    for (const Node* node : fields.tables("test")) test(*node);
    for (const Node* node : fields.tables("invariant")) invariant(*node);
  }

 private:
  const Node* table(const Fields& fields, std::string_view key, bool needed) {
    const policy::Entry* entry = fields.find(key);
    if (entry == nullptr) {
      if (needed) report_.add("E01", fields.place(), "`" + std::string(key) + "` is missing");
      return nullptr;
    }
    if (entry->value.kind == Node::Kind::kTable) return &entry->value;
    report_.add("E01", entry->value.place, "`" + std::string(key) + "` must be a table, like { ... }");
    return nullptr;
  }

  std::string name(const Fields& fields) {
    const auto text = fields.text("name");
    if (!text && !fields.has("name")) report_.add("E01", fields.place(), "a name is missing; say what is held true");
    return text ? text->value : std::string();
  }

  template <class T>
  std::optional<T> word(const Fields& fields, std::string_view key, const std::function<std::optional<T>(std::string_view)>& named, std::string_view words) {
    const auto text = fields.text(key);
    if (!text) return std::nullopt;
    auto out = named(text->value);
    if (!out) report_.add("E01", text->place, "`" + text->value + "` is none of " + std::string(words));
    return out;
  }

  std::vector<std::string> list(const Fields& fields, std::string_view key, const std::string& strip = {}) {
    std::vector<std::string> out;
    if (const auto texts = fields.maybe_empty_texts(key)) {
      for (const Text& text : *texts) out.push_back(!strip.empty() && text.value.starts_with(strip) ? text.value.substr(strip.size()) : text.value);
    }
    return out;
  }

  void test(const Node& node) {
    const Fields fields(node, Table::kTest, report_);
    TestCase out;
    out.place = node.place;
    out.name = name(fields);
    if (const policy::Entry* at = fields.find("at")) {
      const Node& value = at->value;
      const auto time = value.kind == Node::Kind::kString ? parse_time(value.text) : value.kind == Node::Kind::kTime && value.zoned ? std::optional(value.unix_s) : std::nullopt;
      if (!time) report_.add("E01", value.place, "`at` must be a date and a time with its offset, like \"2026-11-24T21:10:00Z\"");
      out.request.now = time.value_or(0);
      out.at_given = true;
    }
    if (const Node* request = table(fields, "request", true)) read_request(*request, out);
    if (const Node* facts = table(fields, "facts", false)) read_facts(*facts, out);
    if (const Node* expect = table(fields, "expect", true)) read_expect(*expect, out.expect);
    out_.tests.push_back(std::move(out));
  }

  void read_request(const Node& node, TestCase& out) {
    const Fields fields(node, Table::kTestRequest, report_);
    AnalysisRequest& r = out.request;
    const auto text = [&](std::string_view key, std::string& into) {
      if (const auto value = fields.text(key)) into = value->value;
    };
    const auto flag = [&](std::string_view key, bool& into) {
      if (const auto value = fields.boolean(key)) into = *value;
    };
    const auto uid = [&](std::string_view key, Identity& into) {
      const auto value = fields.integer(key, 0, kNoUid - 1);
      if (value) into.uid = static_cast<std::uint32_t>(*value);
      return value.has_value();
    };
    if (!fields.has("user")) report_.add("E01", node.place, "`user` is missing: who asks");
    if (!fields.has("door")) report_.add("E01", node.place, "`door` is missing: sudo, su, ssh, login or polkit");
    text("user", r.subject.user);
    r.subject.groups_all = r.subject.groups_any = list(fields, "groups");
    out.uid_given = uid("uid", r.subject);
    r.target.user = "root";
    text("as", r.target.user);
    r.target.groups_all = r.target.groups_any = list(fields, "as-groups");
    out.as_uid_given = uid("as-uid", r.target);
    if (const auto door = word<Door>(fields, "door", door_named, "sudo, su, ssh, login, polkit")) r.door = *door;
    if (const policy::Entry* door = fields.find("door")) out.door = door->value.place;
    if (const auto tags = fields.maybe_empty_texts("tags")) {
      for (const Text& tag : *tags) {
        out.tags.push_back({tag.value.starts_with("tag:") ? tag.value.substr(4) : tag.value, tag.place});
        r.tags.push_back(out.tags.back().value);
      }
      r.tags_given = true;
    }
    r.from.kind = Origin::Kind::kLocal;
    if (const auto from = fields.text("from")) {
      const auto address = Address::parse(from->value);
      if (address) {
        r.from.kind = Origin::Kind::kPeer;
        r.from.peer = *address;
      } else if (from->value == "unknown") {
        r.from = {};
      } else if (from->value != "local") {
        report_.add("E01", from->place, "`" + from->value + "` is no origin; write an address, \"local\" or \"unknown\"");
      }
    }
    text("tty", r.tty);
    const auto argv = list(fields, "argv");
    r.options = list(fields, "options");
    r.env = list(fields, "env");
    if (!argv.empty()) {
      r.path = argv.front();
      r.words.assign(argv.begin() + 1, argv.end());
    } else if (!r.options.empty() || !r.env.empty()) {
      r.path = "";
    }
    flag("digest", r.digest_bound);
    flag("verified", r.verified);
    text("reason", r.reason);
    text("ticket", r.ticket);
    if (const auto urgency = fields.text("urgency")) {
      r.urgency = urgency->value;
      const std::vector<std::string_view> all{"low", "normal", "high", "critical"};
      if (std::ranges::find(all, urgency->value) == all.end()) report_.add("E01", urgency->place, "`" + urgency->value + "` is none of low, normal, high, critical" + did_you_mean(urgency->value, all));
    }
    out.via = fields.text("via");
    if (out.via) r.via = out.via->value;
    flag("can-ask", r.can_ask);
    flag("recorder", r.recorder);
    const Node* people = table(fields, "people", false);
    if (people == nullptr) return;
    for (const policy::Entry& entry : people->entries) {
      if (entry.value.kind == Node::Kind::kString) {
        out.people[entry.key] = entry.value.text;
      } else {
        report_.add("E01", entry.value.place, "`people` names a person for a user: { alice-adm = \"alice\" }");
      }
    }
  }

  void read_facts(const Node& node, TestCase& test) {
    FactTable& out = test.request.facts;
    const auto value_of = [](const Node& from) -> std::optional<Value> {
      switch (from.kind) {
        case Node::Kind::kBool: return from.boolean;
        case Node::Kind::kInteger: return from.integer;
        case Node::Kind::kFloat: return from.decimal;
        case Node::Kind::kString: return from.text;
        default: return std::nullopt;
      }
    };
    for (const policy::Entry& entry : node.entries) {
      test.facts.push_back({entry.key, entry.place});
      Reading reading;
      std::optional<Value> value = value_of(entry.value);
      bool unknown = false;
      if (entry.value.kind == Node::Kind::kTable) {
        for (const policy::Entry& part : entry.value.entries) {
          if (part.key == "value") value = value_of(part.value);
          else if (part.key == "age" && part.value.kind == Node::Kind::kString && parse_duration(part.value.text)) reading.age_s = *parse_duration(part.value.text);
          else if (part.key == "age" && part.value.kind == Node::Kind::kInteger && part.value.integer >= 0) reading.age_s = static_cast<std::uint64_t>(part.value.integer);
          else if (part.key == "unknown" && part.value.kind == Node::Kind::kBool) unknown = part.value.boolean;
          else report_.add("E01", part.place, "a fact is a value, { value = V, age = \"11m\" }, or { unknown = true }");
        }
      }
      if (unknown) {
        out.unknown.push_back(entry.key);
      } else if (value) {
        reading.value = *value;
        out.readings[entry.key] = reading;
      } else {
        report_.add("E01", entry.value.place, "fact `" + entry.key + "` has no value; write true, false, a number or a text");
      }
    }
  }

  void read_expect(const Node& node, Expect& out) {
    const Fields fields(node, Table::kTestExpect, report_);
    const auto outcome = [](std::string_view text) -> std::optional<Outcome> {
      for (const Outcome each : {Outcome::kDeny, Outcome::kAllow, Outcome::kApproval, Outcome::kNeeds}) {
        if (name_of(each) == text) return each;
      }
      return std::nullopt;
    };
    out.outcome = word<Outcome>(fields, "outcome", outcome, "deny, allow, approval, needs");
    out.then = word<Outcome>(fields, "then", outcome, "deny, allow, approval, needs");
    out.scope = word<Scope>(fields, "scope", scope_named, "command, tty, session, login");
    if (const auto permit = fields.text("permit")) out.permit = permit->value;
    if (fields.has("seats")) out.seats = list(fields, "seats");
    if (fields.has("require")) out.require = list(fields, "require");
    out.lasts_s = fields.duration("lasts");
    out.max_s = fields.duration("max");
    if (const policy::Entry* text = fields.find("text")) {
      if (text->value.kind == Node::Kind::kString) out.texts = {text->value.text};
      else out.texts = list(fields, "text");
    }
    if (node.entries.empty()) report_.add("E05", node.place, "`expect` is empty: such a test can never fail");
  }

  void invariant(const Node& node) {
    const Fields fields(node, Table::kInvariant, report_);
    Invariant out;
    out.place = node.place;
    out.name = name(fields);
    const Node* always = table(fields, "always", true);
    if (always == nullptr) return;
    const Fields inner(*always, Table::kAlways, report_);
    for (const auto& [key, into] : {std::pair("who", &out.who), std::pair("as", &out.as)}) {
      const auto texts = inner.texts(key);
      if (!texts) continue;
      for (const Text& text : *texts) {
        const auto parsed = parse_principal(text.value);
        if (!parsed.principal) report_.add("E01", text.place, parsed.why);
        else into->push_back(text);
      }
    }
    if (const auto doors = inner.texts("door")) {
      for (const Text& text : *doors) {
        if (const auto door = door_named(text.value)) {
          out.doors.push_back(*door);
          out.door_places.push_back(text.place);
        } else {
          report_.add("E01", text.place, "`" + text.value + "` is no door (sudo, su, ssh, login, polkit)");
        }
      }
    }
    if (inner.has("hosts")) {
      if (const auto hosts = inner.texts("hosts")) {
        for (const Text& text : *hosts) {
          if (text.value.starts_with("tag:") && text.value.size() > 4) out.hosts.push_back(text.value.substr(4));
          else report_.add("E01", text.place, "`hosts` takes tags, like \"tag:db\"");
        }
      }
    }
    const auto needs = word<std::string>(inner, "needs", [](std::string_view text) {
      return std::ranges::find(kNeeds, text) != std::end(kNeeds) ? std::optional(std::string(text)) : std::nullopt;
    }, "deny, approval, approval-by-other, signed, hardware, reason, ticket, record, notify, review");
    if (!inner.has("needs")) report_.add("E01", always->place, "`needs` is missing: what each request must need, like \"approval-by-other\"");
    out.needs = needs.value_or("");
    for (const std::string& except : list(inner, "except")) {
      if (except == "break-glass") out.except_break_glass = true;
      else if (except == "rescue") out.except_rescue = true;
      else report_.add("E01", inner.find("except")->value.place, "`except` takes \"break-glass\" and \"rescue\"");
    }
    out_.invariants.push_back(std::move(out));
  }

  Report& report_;
  TestSuite& out_;
};

}  // namespace

TestSuite read_tests(std::span<const Source> sources) {
  TestSuite out;
  Report report;
  for (const Source& source : sources) {
    const std::uint32_t file = report.add_file(source.name);
    const auto root = parse_document(file, source.text, report);
    if (root) Reader(report, out).file(*root);
  }
  out.files = report.files();
  const bool failed = report.failed();
  out.findings = report.take();
  // Half a suite would say that all is well.
  if (failed) {
    out.tests.clear();
    out.invariants.clear();
  }
  return out;
}

}  // namespace jit::policy::analysis
