// SPDX-License-Identifier: Apache-2.0
// Loads policies for tests, and makes the people and requests that they are asked about.
#pragma once

#include "tests/catch.h"
#include <initializer_list>
#include <map>
#include <string>
#include <vector>

#include "evidence/text.h"
#include "policy/policy.h"

namespace jit::policy::test {

// alice has two users, robot is a machine, admin eva has a role; carl and dan are in no file.
inline constexpr const char* kPeople = R"(version = 1
[[person]]
name = "alice"
users = ["alice", "alice-adm"]
[[person]]
name = "bob"
users = ["bob"]
[[person]]
name = "eva"
users = ["eva"]
roles = ["admin"]
[[person]]
name = "robot"
users = ["deploy"]
class = "machine"
)";

inline std::string permit(const std::string& id, const std::string& rest) { return "[[permit]]\nid = \"" + id + "\"\n" + rest + '\n'; }
inline std::string permit(const std::string& rest) { return permit("p", "max = \"1h\"\n" + rest); }
inline std::string guard(const std::string& id, const std::string& rest) { return "[[guard]]\nid = \"" + id + "\"\n" + rest + '\n'; }

inline Policy::Loaded load(const std::vector<Source>& rules, const std::vector<Source>& people = {{"people.toml", kPeople}},
                           const std::vector<std::string>& tags = {"db"}) {
  return Policy::load({rules, people, tags, [](std::string_view text) { return evidence::sha256_hex(text); }});
}

// Facts by name, as a test sets them.
struct FactTable final : Facts {
  std::map<std::string, Reading, std::less<>> readings;
  const Reading* find(std::string_view name) const override {
    const auto found = readings.find(name);
    return found == readings.end() ? nullptr : &found->second;
  }
};

// A policy that must load; schema and covers are put before the text.
inline std::shared_ptr<const Policy> policy_of(const std::string& text, const std::vector<std::string>& tags = {"db"}) {
  const auto loaded = load({{"p.toml", "schema = 1\nsettings.covers = [\"sudo\", \"su\", \"ssh\", \"login\"]\n" + text}},
                           {{"people.toml", kPeople}}, tags);
  for (const Finding& finding : loaded.findings) UNSCOPED_INFO(finding.text());
  REQUIRE(loaded.policy != nullptr);
  return loaded.policy;
}

inline Identity user(std::string name, std::uint32_t uid, std::vector<std::string> groups = {}, std::string person = {}) {
  Identity out;
  out.uid = uid;
  out.person = person.empty() ? "uid:" + std::to_string(uid) : std::move(person);
  out.user = std::move(name);
  out.groups_known = true;
  out.groups_all = groups;
  out.groups_any = std::move(groups);
  return out;
}

// A command that sudo runs; what it is made of must outlive the request.
struct Ran {
  std::string path;
  std::vector<std::string> words, options, env;
  Command command(bool verified = true) const {
    Command out;
    out.known = true;
    out.verified = verified;
    out.path = path;
    out.words = words;
    out.options = options;
    out.env = env;
    return out;
  }
};

struct World {
  Identity root = user("root", 0, {"root"});
  Identity alice = user("alice", 1001, {"dba"}, "alice");
  Identity bob = user("bob", 1002, {"sre"}, "bob");
  Identity eva = user("eva", 1003, {"wheel"}, "eva");
  Identity carl = user("carl", 1004, {"sre"});
  Identity postgres = user("postgres", 120, {"postgres"});

  // alice asks for root at sudo, verified, at a console, where nothing can be asked.
  Request request() const {
    Request out;
    out.door = Door::kSudo;
    out.subject = &alice;
    out.target = &root;
    out.root = &root;
    out.target_verified = true;
    out.from.kind = Origin::Kind::kLocal;
    return out;
  }

  Request login(Door door, const Identity& who, const char* peer = nullptr) const {
    Request out = request();
    out.door = door;
    out.subject = &who;
    out.target = &who;
    out.from = {};
    if (peer != nullptr) {
      out.from.kind = Origin::Kind::kPeer;
      out.from.peer = Address::parse(peer).value();
    } else if (door == Door::kLogin) {
      out.from.kind = Origin::Kind::kLocal;
    }
    return out;
  }
};

inline std::string all(const std::vector<std::string>& lines) {
  std::string out;
  for (const std::string& line : lines) out += (out.empty() ? "" : " | ") + line;
  return out;
}

// "deny", "allow rule", "approval rule set:a*2", "needs rule ...": what a golden line says.
inline std::string golden(const Decision& d) {
  const char* words[] = {"deny", "allow", "approval", "needs"};
  std::string out = words[static_cast<int>(d.outcome)];
  if (!d.offer) return out;
  out += ' ' + d.offer->rule;
  for (const Seat& seat : d.offer->seats) out += ' ' + seat.set + (seat.count > 1 ? "*" + std::to_string(seat.count) : "");
  if (d.offer->reason_required) out += d.offer->reason_min > 0 ? " reason:" + std::to_string(d.offer->reason_min) : " reason";
  for (const std::string& ticket : d.offer->tickets) out += ticket.empty() ? " ticket" : " ticket:" + ticket;
  if (d.offer->record) out += " record";
  for (const std::string& channel : d.offer->notify) out += " notify:" + channel;
  if (d.offer->review_s > 0) out += " review:" + format_duration(d.offer->review_s);
  return out + ' ' + format_duration(d.offer->give_s) + '/' + format_duration(d.offer->max_s) + ' ' +
         std::string(name_of(d.offer->scope));
}

}  // namespace jit::policy::test
