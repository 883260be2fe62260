// SPDX-License-Identifier: Apache-2.0
#include "evidence/leaf.h"

#include "tests/catch.h"

#include "evidence/checkpoint.h"
#include "evidence/text.h"

using namespace jit::evidence;

namespace {

std::array<std::uint8_t, 16> counted() {
  static std::uint8_t next = 0;
  std::array<std::uint8_t, 16> out{};
  out[0] = ++next;
  return out;
}

Entry grant_entry() {
  Entry out;
  out.sequence = 7;
  out.boottime_ms = 1000;
  out.wall_ms = 1'800'000'000'000;
  out.boot_id = "0123456789abcdef0123456789abcdef";
  out.type = "grant.created";
  out.request = std::string(32, 'a');
  out.grant = std::string(32, 'b');
  out.fields = {{"door", "sudo"}, {"rule", "web \"ops\""}, {"argv", {"cat", "\\n"}}, {"person", "alice"}, {"uid", 1000}, {"target", {{"name", "root"}, {"uid", 0}}}};
  return out;
}

}  // namespace

TEST_CASE("A leaf holds what is public, and of people their salted hashes only", "[leaf]") {
  const Entry entry = grant_entry();
  const Leaf leaf = leaf_of(entry, counted);
  const auto whole = parse_canonical(leaf.text, kLeafMax);
  REQUIRE(whole);
  CHECK(whole->at("fields") == Json{{"door", "sudo"}, {"rule", "web \"ops\""}});
  CHECK(whole->at("personal").size() == 4);
  CHECK(leaf.text.find("alice") == std::string::npos);
  CHECK(leaf.text.find("root") == std::string::npos);
  for (const auto& [name, hidden] : leaf.personal) {
    std::string salt = hidden.at("salt").get<std::string>();
    std::string bytes;
    for (std::size_t i = 0; i < salt.size(); i += 2) bytes += static_cast<char>(std::stoi(salt.substr(i, 2), nullptr, 16));
    CHECK(whole->at("personal").at(name) == sha256_hex(bytes + hidden.at("value").dump()));
  }
  const auto back = read_leaf(leaf.text, leaf.personal);
  REQUIRE(back);
  CHECK(back->erased.empty());
  CHECK(back->entry.fields == entry.fields);
  CHECK(back->entry.sequence == 7);
  CHECK(back->entry.request == entry.request);
  CHECK(back->entry.grant == entry.grant);
  CHECK(back->entry.type == entry.type);
  CHECK(back->entry.boot_id == entry.boot_id);
  CHECK(back->entry.boottime_ms == entry.boottime_ms);
  CHECK(back->entry.wall_ms == entry.wall_ms);
}

TEST_CASE("The same value twice has two commitments", "[leaf]") {
  CHECK(leaf_of(grant_entry(), counted).text != leaf_of(grant_entry(), counted).text);
}

TEST_CASE("An entry without ids and fields is one", "[leaf]") {
  Entry entry;
  entry.sequence = 1;
  entry.type = "broker.started";
  const Leaf leaf = leaf_of(entry, counted);
  CHECK(leaf.text == R"({"boot":"","boottime":0,"fields":{},"grant":null,"personal":{},"request":null,"sequence":1,"time":0,"type":"broker.started","v":1})");
  REQUIRE(read_leaf(leaf.text, {}));
}

TEST_CASE("An erased field leaves the leaf as it was", "[leaf]") {
  Leaf leaf = leaf_of(grant_entry(), counted);
  leaf.personal.erase("person");
  leaf.personal.erase("argv");
  const auto back = read_leaf(leaf.text, leaf.personal);
  REQUIRE(back);
  CHECK(back->erased == std::vector<std::string>{"argv", "person"});
  CHECK_FALSE(back->entry.fields.contains("person"));
  CHECK(back->entry.fields.at("uid") == 1000);
}

TEST_CASE("A personal field that does not match is refused", "[leaf]") {
  const Leaf good = leaf_of(grant_entry(), counted);
  for (const auto& [name, hidden] : good.personal) {
    Leaf leaf = good;
    leaf.personal[name]["value"] = "mallory";
    CHECK_FALSE(read_leaf(leaf.text, leaf.personal));
    leaf = good;
    leaf.personal[name]["salt"] = std::string(32, '0');
    CHECK_FALSE(read_leaf(leaf.text, leaf.personal));
    leaf = good;
    leaf.personal[name]["more"] = 1;
    CHECK_FALSE(read_leaf(leaf.text, leaf.personal));
    leaf = good;
    leaf.personal[name].erase("salt");
    CHECK_FALSE(read_leaf(leaf.text, leaf.personal));
    leaf = good;
    leaf.personal[name] = hidden.dump();
    CHECK_FALSE(read_leaf(leaf.text, leaf.personal));
  }
  Leaf leaf = good;
  leaf.personal["nobody-named-it"] = {{"salt", std::string(32, '0')}, {"value", 1}};
  CHECK_FALSE(read_leaf(leaf.text, leaf.personal));
  leaf = good;
  std::swap(leaf.personal["person"], leaf.personal["uid"]);
  CHECK_FALSE(read_leaf(leaf.text, leaf.personal));
}

TEST_CASE("Every value can be committed to", "[leaf]") {
  Json deep = "end";
  for (int i = 0; i < 20; ++i) deep = Json::array({deep});
  for (const Json& value : {Json(0.5), Json("caf\xc3\xa9"), Json("bad \xff"), deep, Json(nullptr), Json::array(), Json{{"a", 1.25}}, Json{{"\x01", "\xff"}}, Json(-1), Json(UINT64_MAX), Json(true)}) {
    for (const char* name : {"value", "fact"}) {
      Entry entry = grant_entry();
      entry.type = "fact.set";
      entry.fields = {{name, value}};
      const Leaf leaf = leaf_of(entry, counted);
      INFO(leaf.text);
      CHECK(read_leaf(leaf.text, leaf.personal));
    }
  }
}

TEST_CASE("What cannot be a leaf is not made", "[leaf]") {
  Entry entry = grant_entry();
  entry.fields = {{"na\"me", 1}};
  CHECK_THROWS(leaf_of(entry, counted));
  entry.fields = {{"na\nme", 1}};
  CHECK_THROWS(leaf_of(entry, counted));
  entry.fields = {{"rule", std::string(kLeafMax, 'x')}};
  CHECK_THROWS(leaf_of(entry, counted));
  entry.fields = {{"argv", std::string(kLeafMax, 'x')}};  // personal: hashed
  CHECK_NOTHROW(leaf_of(entry, counted));
}

TEST_CASE("A leaf with what is not printable is none", "[leaf]") {
  const std::string good = R"({"boot":"b","boottime":1,"fields":{"door":"sudo","seats":[{"set":"x"}]},"grant":null,"personal":{},"request":null,"sequence":1,"time":1,"type":"t","v":1})";
  REQUIRE(read_leaf(good, {}));
  const std::string commitment = R"({"per\u001bson":")" + std::string(64, '0') + R"("})";
  for (const auto& [from, to] : {std::pair<std::string, std::string>{R"("b")", R"("b\u001b[31m")"}, {R"("t")", R"("t\n")"}, {R"("sudo")", R"("\u001b]0;x\u0007")"},
                                 {R"("door")", R"("door\r")"}, {R"("x")", R"("\b")"}, {R"("set")", R"("\u0000")"}, {R"("personal":{})", "\"personal\":" + commitment}}) {
    CAPTURE(to);
    std::string bad = good;
    bad.replace(bad.find(from), from.size(), to);
    REQUIRE(parse_canonical(bad, kLeafMax));
    CHECK_FALSE(read_leaf(bad, {}));
  }
}

TEST_CASE("A leaf that differs in one byte is another or none", "[leaf]") {
  const Leaf leaf = leaf_of(grant_entry(), counted);
  for (std::size_t at = 0; at < leaf.text.size(); ++at) {
    for (const unsigned bit : {1U, 2U, 4U, 8U, 16U, 32U, 64U, 128U}) {
      std::string bad = leaf.text;
      bad[at] = static_cast<char>(static_cast<unsigned char>(bad[at]) ^ bit);
      const auto read = read_leaf(bad, leaf.personal);
      if (!read) continue;
      // It reads: then it says something else, which its hash shows.
      CHECK(leaf_of(read->entry, counted).text != leaf.text);
    }
  }
  for (const std::string& bad : {std::string(), std::string("{}"), leaf.text + " ", " " + leaf.text, leaf.text + leaf.text, leaf.text.substr(1)}) {
    CHECK_FALSE(read_leaf(bad, leaf.personal));
  }
}

TEST_CASE("A checkpoint comes back as it was", "[checkpoint]") {
  Checkpoint one;
  one.size = 12345;
  one.root = leaf_hash("x");
  one.host_id = std::string(32, 'c');
  one.boot_id = "boot";
  one.epoch = 3;
  one.boottime_ms = 5;
  one.wall_ms = 1'800'000'000'000;
  one.policy_hash = std::string(64, 'd');
  one.people_version = 9;
  const std::string payload = payload_of(one);
  CHECK(read_checkpoint(payload) == one);
  for (const std::string& bad : {payload + " ", payload.substr(1), std::string("{}"), std::string()}) CHECK_FALSE(read_checkpoint(bad));
  Json json = Json::parse(payload);
  for (const auto& [name, value] : std::vector<std::pair<std::string, Json>>{{"size", -1}, {"size", UINT64_MAX}, {"size", "1"}, {"epoch", 0}, {"host", "c"}, {"root", ""}, {"boottime", -1}, {"more", 1}}) {
    Json changed = json;
    changed[name] = value;
    CHECK_FALSE(read_checkpoint(changed.dump()));
  }
  for (const std::string name : {"boot", "boottime", "epoch", "host", "people", "policy", "root", "size", "time"}) {
    Json changed = json;
    changed.erase(name);
    CHECK_FALSE(read_checkpoint(changed.dump()));
  }
}
