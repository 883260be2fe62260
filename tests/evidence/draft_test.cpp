// SPDX-License-Identifier: Apache-2.0
#include "evidence/draft.h"

#include "tests/catch.h"
#include <random>

using namespace jit::evidence;

namespace {

Json value(std::mt19937& random, int depth) {
  static const std::string kTexts[] = {"", "sudo", "a \"quoted\" word", "back\\slash", "tab\t", "caf\xc3\xa9", "\x7f", "/usr/bin/id -u", std::string(300, 'x')};
  switch (random() % (depth < 7 ? 9 : 7)) {
    case 0: return nullptr;
    case 1: return random() % 2 == 0;
    case 2: return static_cast<std::int64_t>(random()) - 2'000'000'000;
    case 3: return std::uint64_t{random()} << (random() % 33);
    case 4: return static_cast<double>(random() % 1000) / 8;
    case 5:
    case 6: return kTexts[random() % std::size(kTexts)];
    case 7: {
      Json out = Json::array();
      for (auto left = random() % 4; left > 0; --left) out.push_back(value(random, depth + 1));
      return out;
    }
    default: {
      Json out = Json::object();
      for (auto left = random() % 4; left > 0; --left) out[kTexts[random() % std::size(kTexts)]] = value(random, depth + 1);
      return out;
    }
  }
}

std::vector<std::pair<std::string, std::string>> all_of(const Fields& fields) {
  std::vector<std::pair<std::string, std::string>> out;
  for (const Member& member : fields.all()) out.emplace_back(member.name, member.value);
  return out;
}

}  // namespace

TEST_CASE("Fields that are taken as they stand are those that are parsed", "[leaf]") {
  std::mt19937 random(11);
  for (int i = 0; i < 20'000; ++i) {
    Json object = Json::object();
    for (const char* name : {"argv", "door", "rule", "uid"}) {
      if (random() % 3 != 0) object[name] = value(random, 0);
    }
    const std::string text = object.dump();
    INFO(text);
    const auto read = Fields::of(std::string_view(text));
    REQUIRE(read);
    CHECK(all_of(*read) == all_of(Fields::of(object)));
    for (const Member& member : read->all()) CHECK(Json::parse(member.value).dump() == member.value);
  }
}

TEST_CASE("Text that is no canonical JSON is read as what it means, or not at all", "[leaf]") {
  const std::pair<const char*, const char*> table[] = {
      {R"({"b":1,"a":2})", R"({"a":2,"b":1})"},
      {R"({ "a" : [1 , 2] })", R"({"a":[1,2]})"},
      {R"({"a":1,"a":2})", R"({"a":2})"},
      {R"({"a":{"y":1,"x":2}})", R"({"a":{"x":2,"y":1}})"},
      {R"({"a":"\u0041"})", R"({"a":"A"})"},
      {R"({"a":"\/"})", R"({"a":"/"})"},
      {R"({"a":-0})", R"({"a":0})"},
      {R"({"a":1e3})", R"({"a":"1000.0"})"},
      {R"({"a":18446744073709551615})", R"({"a":18446744073709551615})"},
      {R"({"a":[[[[[[1]]]]]]})", R"({"a":"[[[[[[1]]]]]]"})"},
      {R"({"a":[[[[[1]]]]]})", R"({"a":[[[[[1]]]]]})"},
      {R"({"":1})", R"({"":1})"},
      {"{}", "{}"},
  };
  for (const auto& [text, means] : table) {
    INFO(text);
    const auto read = Fields::of(std::string_view(text));
    REQUIRE(read);
    std::string back = "{";
    for (const Member& member : read->all()) back.append(back.size() > 1 ? ",\"" : "\"").append(member.name).append("\":").append(member.value);
    CHECK(back + "}" == means);
  }
  for (const char* bad : {"", "[]", "1", "{", "{}x", R"({"a":01})", R"({"a":})", R"({"a":1,})", R"({"a" 1})", R"({"a":"x})", R"({"a":tru})", R"({"a":"\x41"})", "{\"a\":\"\x01\"}", "nul"}) {
    INFO(bad);
    CHECK_FALSE(Fields::of(std::string_view(bad)));
  }
}

TEST_CASE("A field that is put stands in its place, or instead of the one there", "[leaf]") {
  auto fields = Fields::of(std::string_view(R"({"door":"su","person":"mallory"})"));
  REQUIRE(fields);
  fields->put("person", quote("al\"ice"));
  fields->put("uid", "7");
  fields->put("by", "null");
  CHECK(all_of(*fields) == std::vector<std::pair<std::string, std::string>>{{"by", "null"}, {"door", "\"su\""}, {"person", R"("al\"ice")"}, {"uid", "7"}});
  REQUIRE(fields->find("uid") != nullptr);
  CHECK(fields->find("nobody") == nullptr);
  CHECK(quote("\n") == R"("\\n")");
}
