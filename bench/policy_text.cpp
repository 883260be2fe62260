// SPDX-License-Identifier: Apache-2.0
#include "bench/policy_text.h"

#include <algorithm>

namespace jit::bench {

namespace {

constexpr std::size_t kFile = 10'000;  // rules in one file
constexpr std::int64_t kNow = 1'795'600'000;  // a Wednesday in November 2026

std::string number(std::size_t value) { return std::to_string(value); }

std::string list(const std::string& word) { return "[\"" + word + "\"]"; }

std::string permit(std::size_t rule) {
  const std::size_t team = rule / kTeam;
  std::string out = "[[permit]]\nid = \"p" + number(rule) + "\"\nwho = " + list(rule % 3 == 0 ? "set:team" + number(team) : "group:team" + number(team)) +
                    "\ndoor = [\"sudo\"]\nas = " + list(rule % 4 == 0 ? "user:app" + number(team) : "user:root") + '\n';
  if (rule % 3 == 1) out += "run = [\"command:service\"]\nunverified-ok = [\"command\"]\n";
  if (rule % 2 == 0) out += "approval = \"lead\"\nrequire = [\"reason\"]\n";
  if (rule % 5 == 4) out += "during = [\"window:work\"]\n";
  if (rule % 7 == 3) out += "when = [\"risk < 60\"]\n";
  return out + "max = \"" + number(10 + rule % 50) + "m\"\n";
}

std::string guard(std::size_t rule) {
  return "[[guard]]\nid = \"g" + number(rule) + "\"\nwho = " + list("group:team" + number(rule / kTeam)) +
         "\nas = [\"user:root\"]\nflag = [\"freeze\"]\ndeny = \"freeze\"\n";
}

constexpr const char* kHead = R"(schema = 1
[settings]
timezone = "Europe/Prague"
covers = ["sudo", "su"]
[approval]
lead = { need = [{ from = "group:leads" }], wait = "10m" }
[command]
service = [["/usr/bin/systemctl", "{restart|reload}", "app.service"], ["/usr/bin/journalctl", "**"]]
[window]
work = { weekly = ["Mon-Sun 06:00-22:00"] }
[fact.freeze]
type = "bool"
initial = false
)";

policy::Identity user(std::string name, std::uint32_t uid, std::vector<std::string> groups) {
  policy::Identity out;
  out.uid = uid;
  out.user = std::move(name);
  out.person = "uid:" + std::to_string(uid);
  out.groups_known = true;
  out.groups_all = groups;
  out.groups_any = std::move(groups);
  return out;
}

class Quiet final : public policy::Facts {
 public:
  const policy::Reading* find(std::string_view name) const override { return name == "risk" ? &risk_ : nullptr; }

 private:
  policy::Reading risk_{std::int64_t{10}, 0, {}};
};

}  // namespace

std::vector<policy::Source> usual_policy(std::size_t rules) {
  std::vector<policy::Source> out{{"objects.toml", kHead}};
  std::string sets = "[set]\n";
  for (std::size_t team = 0; team * kTeam < rules; ++team) {
    sets += "team" + number(team) + " = [\"group:team" + number(team) + "\", \"user:deputy" + number(team) + "\"]\n";
  }
  out.front().text += sets;
  for (std::size_t rule = 0; rule < rules; ++rule) {
    if (rule % kFile == 0) out.push_back({"rules" + number(rule / kFile) + ".toml", "schema = 1\n"});
    out.back().text += rule % kTeam == 9 ? guard(rule) : permit(rule);
  }
  return out;
}

std::vector<policy::Source> worst_policy(std::size_t rules) {
  std::string out = kHead;
  for (std::size_t rule = 0; rule < rules; ++rule) {
    out += std::string(rule % 2 == 0 ? "[[permit]]" : "[[guard]]") + "\nid = \"r" + number(rule) +
           "\"\nwho = [\"group:everybody\"]\nas = [\"user:root\"]\nwhen = [\"risk < 60\"]\napproval = \"lead\"\nmax = \"10m\"\n";
  }
  return {{"worst.toml", std::move(out)}};
}

std::vector<policy::Source> signed_policy() {
  std::string out = kHead;
  out += "[set]\nleads = [";
  for (std::size_t i = 0; i < 10; ++i) out += (i == 0 ? "\"person:p" : ", \"person:p") + number(i) + '"';
  out += "]\n[approval.two]\nneed = [{ from = \"set:leads\", count = 2 }]\nvotes = \"signed\"\n";
  out += "[[permit]]\nid = \"p\"\nwho = [\"group:everybody\"]\napproval = \"two\"\nmax = \"10m\"\n";
  return {{"signed.toml", std::move(out)}};
}

std::string people_file(std::size_t people) {
  std::string out = "version = 1\n";
  for (std::size_t i = 0; i < people; ++i) {
    out += "[[person]]\nname = \"p" + number(i) + "\"\nusers = [\"p" + number(i) + "\"]\n[[person.key]]\nid = \"k\"\nkind = \"ssh\"\npublic = \"ssh-ed25519 AAAA\"\n";
  }
  return out;
}

Asked::Asked(std::size_t rules)
    : subject_(user("deputy" + number(rules / kTeam / 2), 5001, {"everybody", "users", "team" + number(rules / kTeam / 2)})),
      root_(user("root", 0, {"root"})) {}

policy::Request Asked::request() const {
  static const Quiet kFacts;
  policy::Request out;
  out.subject = &subject_;
  out.target = out.root = &root_;
  out.target_verified = true;
  out.from.kind = policy::Origin::Kind::kLocal;
  out.reason = "the app does not answer";
  out.command = {true, true, "/usr/bin/systemctl", words_, {}, {}, false};
  out.now = kNow;
  out.facts = &kFacts;
  return out;
}

}  // namespace jit::bench
