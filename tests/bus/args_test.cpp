// SPDX-License-Identifier: Apache-2.0
#include "broker/bus/args.h"

#include "tests/catch.h"

using namespace jit;
using namespace jit::bus;
using sdbus::Variant;

namespace {

Bytes bytes(std::string_view text) { return {text.begin(), text.end()}; }
Variant text(const char* value) { return Variant(std::string(value)); }

struct Bad {
  const char* name;
  Dict dict;
  const char* message;  // what it must say
};

template <class Read>
void all_bad(const std::vector<Bad>& rows, Read read) {
  for (const Bad& row : rows) {
    CAPTURE(row.name);
    const auto got = read(row.dict);
    CHECK(got.error == core::Error::kBadInput);
    CHECK(got.message.find(row.message) != std::string::npos);
  }
}

}  // namespace

TEST_CASE("an ask is read") {
  const std::vector<Bytes> argv = {bytes("/usr/bin/id"), bytes("-u"), bytes("")};
  const auto got = read_create({{"door", text("su")},
                                {"as", text("bob")},
                                {"for-s", Variant(std::uint32_t{90})},
                                {"reason", Variant(bytes("caf\xc3\xa9"))},
                                {"ticket", Variant(bytes("CHG-1"))},
                                {"via", text("rule")},
                                {"argv", Variant(argv)},
                                {"cwd", Variant(bytes("/tmp/\xff"))}});
  REQUIRE(got);
  CHECK(got.value.door == policy::Door::kSu);
  CHECK(got.value.as == "bob");
  CHECK(got.value.for_s == 90U);
  CHECK(got.value.reason == "caf\xc3\xa9");
  CHECK(got.value.argv == std::vector<std::string>{"/usr/bin/id", "-u", ""});
  CHECK(got.value.cwd == "/tmp/\xff");
  CHECK(read_create({}));
}

TEST_CASE("what is to be explained is read") {
  const Dict facts = {{"freeze", Variant(true)}, {"weight", Variant(0.5)}, {"count.denied.1h", Variant(std::int64_t{3})}, {"team", text("red")}};
  const auto got = read_explain({{"door", text("polkit")},
                                 {"user", text("alice")},
                                 {"groups", Variant(std::vector<std::string>{"dba", "with space"})},
                                 {"from", text("::ffff:192.0.2.7")},
                                 {"at-ms", Variant(std::int64_t{1'764'000'000'999})},
                                 {"facts", Variant(facts)},
                                 {"claimed", Variant(true)},
                                 {"reason", Variant(bytes("why"))}});
  REQUIRE(got);
  CHECK(got.value.ask.door == policy::Door::kPolkit);
  CHECK(got.value.ask.reason == "why");
  CHECK(got.value.user == "alice");
  CHECK(got.value.groups == std::vector<std::string>{"dba", "with space"});
  CHECK(got.value.from->peer.text() == "192.0.2.7");
  CHECK(got.value.suppose.at_s == 1'764'000'000);
  CHECK(got.value.suppose.facts.size() == 4);
  CHECK(std::get<double>(got.value.suppose.facts.at("weight")) == 0.5);
  CHECK(got.value.claimed);
  CHECK(read_explain({}));
  CHECK(read_explain({{"from", text("local")}}).value.from->kind == policy::Origin::Kind::kLocal);
}

TEST_CASE("a bad question names the key") {
  Dict many;
  for (int i = 0; i < 65; ++i) many.emplace("f" + std::to_string(i), Variant(true));
  all_bad(
      {
          {"unknown key", {{"uid", Variant(std::uint32_t{0})}}, "unknown key \"uid\""},
          {"no user", {{"user", text("")}}, "user must name a user"},
          {"groups as one text", {{"groups", text("dba")}}, "groups must be names (as)"},
          {"too many groups", {{"groups", Variant(std::vector<std::string>(1025, "g"))}}, "groups are more than 1024"},
          {"a long group", {{"groups", Variant(std::vector<std::string>{std::string(257, 'g')})}}, "groups is longer"},
          {"from a name", {{"from", text("office")}}, "from must be local, unknown or an address"},
          {"before 1970", {{"at-ms", Variant(std::int64_t{-1})}}, "at-ms must not be negative"},
          {"a fact without a name", {{"facts", Variant(Dict{{"", Variant(true)}})}}, "facts: the name of a fact"},
          {"a fact of another type", {{"facts", Variant(Dict{{"f", Variant(std::uint32_t{1})}})}}, "facts: the value must be"},
          {"too many facts", {{"facts", Variant(many)}}, "facts are more than 64"},
          {"a door that is none", {{"door", text("window")}}, "door must be"},
          {"claimed as a number", {{"claimed", Variant(std::uint32_t{1})}}, "claimed must be a boolean"},
      },
      read_explain);
  CHECK(read_create({{"door", text("polkit")}}).error == core::Error::kBadInput);
}

TEST_CASE("a bad ask names the key") {
  const std::vector<Bytes> long_word = {bytes("a"), Bytes(core::kArgvMax, 'a')};
  const std::vector<Bytes> zero = {Bytes{'a', 0}};
  const std::vector<Bytes> empty = {Bytes{}};
  all_bad(
      {
          {"unknown key", {{"uid", Variant(std::uint32_t{0})}}, "unknown key \"uid\""},
          {"hostile key", {{"a\x1b[2J", text("")}}, "unknown key \"a\\x1b[2J\""},
          {"door", {{"door", text("polkit")}}, "door"},
          {"no door", {{"door", text("")}}, "door"},
          {"door type", {{"door", Variant(std::uint32_t{1})}}, "door must be a string"},
          {"as type", {{"as", Variant(bytes("root"))}}, "as must be a string"},
          {"as empty", {{"as", text("")}}, "as must name"},
          {"as long", {{"as", Variant(std::string(257, 'a'))}}, "as is longer than 256"},
          {"for 0", {{"for-s", Variant(std::uint32_t{0})}}, "for-s"},
          {"for max", {{"for-s", Variant(std::uint32_t{4294967295U})}}, "for-s"},
          {"for signed", {{"for-s", Variant(std::int32_t{60})}}, "for-s must be seconds (u)"},
          {"for text", {{"for-s", text("30m")}}, "for-s must be seconds (u)"},
          {"reason type", {{"reason", text("x")}}, "reason must be bytes"},
          {"reason long", {{"reason", Variant(Bytes(core::kReasonMax + 1, 'a'))}}, "reason is longer than 1024"},
          {"reason zero", {{"reason", Variant(Bytes{'a', 0})}}, "reason holds a zero"},
          {"reason not UTF-8", {{"reason", Variant(bytes("\xff"))}}, "reason is not UTF-8"},
          {"ticket long", {{"ticket", Variant(Bytes(core::kTicketMax + 1, 'a'))}}, "ticket"},
          {"argv long", {{"argv", Variant(long_word)}}, "argv is longer"},
          {"argv zero", {{"argv", Variant(zero)}}, "argv holds a zero"},
          {"argv empty word", {{"argv", Variant(empty)}}, "argv begins"},
          {"argv type", {{"argv", Variant(std::vector<std::string>{"a"})}}, "argv must be words"},
          {"cwd relative", {{"cwd", Variant(bytes("tmp"))}}, "cwd must be an absolute"},
          {"cwd long", {{"cwd", Variant(Bytes(core::kPathMax + 1, '/'))}}, "cwd is longer"},
      },
      read_create);
}

TEST_CASE("filters") {
  const auto requests = read_request_query({{"all", Variant(true)},
                                            {"state", text("denied")},
                                            {"since-ms", Variant(std::int64_t{5})},
                                            {"limit", Variant(std::uint32_t{1000})}});
  REQUIRE(requests);
  CHECK(requests.value.all);
  CHECK(requests.value.state == core::RequestState::kDenied);
  CHECK(requests.value.since == 5);
  CHECK(requests.value.limit == 1000);
  const std::vector<Bad> common = {
      {"unknown", {{"uid", text("0")}}, "unknown key"},
      {"all type", {{"all", Variant(std::uint32_t{1})}}, "all must be a boolean"},
      {"since type", {{"since-ms", Variant(std::uint64_t{1})}}, "since-ms must be"},
      {"since negative", {{"since-ms", Variant(std::int64_t{-1})}}, "since-ms"},
      {"limit 0", {{"limit", Variant(std::uint32_t{0})}}, "limit"},
      {"limit much", {{"limit", Variant(std::uint32_t{1001})}}, "limit"},
  };
  all_bad(common, read_request_query);
  all_bad(common, read_grant_query);
  all_bad({{"state", {{"state", text("active")}}, "state must be"}}, read_request_query);
  all_bad({{"state", {{"state", text("denied")}}, "state must be"}}, read_grant_query);
  all_bad({{"request", {{"request", text("xyz")}}, "request"},
           {"both ends", {{"newest", Variant(true)}, {"after", Variant(std::uint64_t{3})}}, "exclude"},
           {"after type", {{"after", Variant(std::int64_t{3})}}, "after must be"}},
          read_audit_query);
}

TEST_CASE("ballots") {
  const auto got = read_ballot(true, {{"for-s", Variant(std::uint32_t{60})}, {"scope", text("command")}});
  REQUIRE(got);
  CHECK(got.value.approve);
  CHECK(got.value.scope == policy::Scope::kCommand);
  all_bad({{"scope", {{"scope", text("world")}}, "scope"}, {"key", {{"approve", Variant(true)}}, "unknown key"}},
          [](const Dict& dict) { return read_ballot(true, dict); });
  all_bad({{"for a denial", {{"for-s", Variant(std::uint32_t{60})}}, "a denial has neither"}},
          [](const Dict& dict) { return read_ballot(false, dict); });
}

TEST_CASE("what to revoke is one thing") {
  CHECK(read_which({{"id", text("abcd")}}));
  CHECK(read_which({{"all", Variant(true)}}));
  all_bad({{"nothing", {}, "exactly one"},
           {"all false", {{"all", Variant(false)}}, "exactly one"},
           {"two", {{"user", text("a")}, {"person", text("a")}}, "exactly one"},
           {"id", {{"id", text("abc")}}, "id"},
           {"key", {{"uid", Variant(std::uint32_t{0})}}, "unknown key"}},
          read_which);
  CHECK(read_reason(bytes("gone")));
  for (const Bytes& bad : {Bytes{}, bytes("  \n"), bytes("\xff"), Bytes{'a', 0}, Bytes(1025, 'a')}) {
    CHECK(read_reason(bad).error == core::Error::kBadInput);
  }
}

TEST_CASE("ids") {
  struct Row {
    const char* text;
    bool good;
  };
  for (const Row& row : {Row{"abcd", true}, Row{"0123456789abcdef0123456789abcdef", true}, Row{"", false},
                         Row{"abc", false}, Row{"ABCD", false}, Row{"abcg", false}, Row{"../..", false},
                         Row{"0123456789abcdef0123456789abcdef0", false}, Row{"abcd ", false}}) {
    CAPTURE(row.text);
    CHECK(static_cast<bool>(read_id(row.text)) == row.good);
  }
}
