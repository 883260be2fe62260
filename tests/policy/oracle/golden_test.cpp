// SPDX-License-Identifier: Apache-2.0
// The example policies of the language's document as models: the oracle must say what the document's golden requests say.
#include "tests/catch.h"

#include "tests/policy/oracle/cases.h"
#include "tests/policy/oracle/compare.h"

namespace jit::policy::oracle {
namespace {

// 2026-11-24, a Tuesday, 21:10 UTC.
constexpr std::int64_t kTuesday = 1795554600, kHour = 3600;

Name user(std::string name) { return {Name::Kind::kUser, std::move(name), false}; }
Name group(std::string name) { return {Name::Kind::kGroup, std::move(name), false}; }
Name set(std::string name) { return {Name::Kind::kSet, std::move(name), false}; }
Word literal(std::string text) { return {std::move(text), {}, "", false}; }

Rule permit(std::string id, std::vector<Name> who, std::vector<Door> door, std::uint32_t max_s) {
  Rule out;
  out.id = std::move(id);
  out.tests.who = std::move(who);
  out.tests.door = std::move(door);
  out.max_s = max_s;
  return out;
}

Rule guard(std::string id) {
  Rule out;
  out.permit = false;
  out.id = std::move(id);
  return out;
}

Identity person(std::string name, std::uint32_t uid, std::vector<std::string> groups) {
  Identity out;
  out.uid = uid;
  out.person = "uid:" + std::to_string(uid);
  out.user = std::move(name);
  out.groups_known = true;
  out.groups_all = out.groups_any = std::move(groups);
  return out;
}

Ask ask(Door door, const Identity& who, const Identity& target, std::int64_t now) {
  Ask out;
  out.door = door;
  out.subject = who;
  out.target = target;
  out.root = person("root", 0, {"root"});
  out.now = now;
  out.from.kind = Origin::Kind::kLocal;
  out.recorder = door == Door::kSudo;
  out.can_notify = out.can_review = true;
  for (const char* name : {"risk", "count.denied.10m", "count.break-glass.24h"}) out.facts.readings[name] = {std::int64_t{0}, 0, {}};
  out.facts.readings["from.first-seen"] = {false, 0, {}};
  return out;
}

Ask with_command(Ask out, std::string path, std::vector<std::string> words, bool verified = true) {
  out.command_known = true;
  out.command_verified = out.target_verified = verified;
  out.path = std::move(path);
  out.words = std::move(words);
  return out;
}

// "approval second-look" and its kin: what the golden lines say.
std::string golden(const Model& model, const Ask& ask) {
  const Decision out = decide(model, ask.request());
  std::string line(name_of(out.outcome));
  if (!out.offer) return line;
  line += " " + out.offer->rule;
  for (const Seat& seat : out.offer->seats) line += " " + seat.set;
  for (const std::string& what : out.missing) line += " " + what;
  return line + " " + format_duration(out.offer->give_s) + " " + std::string(name_of(out.offer->scope));
}

void check(const Model& model, const Ask& asked, const std::string& expected) {
  CHECK(golden(model, asked) == expected);
  const Policy::Loaded loaded = load(model, print(model));
  for (const Finding& finding : loaded.findings) UNSCOPED_INFO(finding.text());
  REQUIRE(loaded.policy != nullptr);
  const Request request = asked.request();
  CHECK(difference(loaded.policy->decide(request), decide(model, request)) == "");
}

const Identity kRoot = person("root", 0, {"root"});

Model laptop() {
  Model out;
  out.timezone = "Europe/Prague";
  out.covers = {Door::kSudo, Door::kSu, Door::kPolkit};
  out.loaded = kTuesday;
  out.people = {{"eva", {"eva"}, {}, false, {{"k", "ssh", "sk-ssh-ed25519@openssh.com AAAA", true, false, {}, {}, {}}}}};
  out.sets = {{"admins", {user("eva"), group("wheel")}, {}}};
  out.commands = {{"updates", {{literal("/usr/bin/apt-get"), {literal("update")}, false},
                               {literal("/usr/bin/systemctl"), {literal("restart"), Word{"", {"nginx", "smbd"}, ".service", false}}, false}}}};
  out.windows = {{"night", {{true, {}, 0, 360}}, {}}};
  Approval look;
  look.name = "second-look";
  look.need = {{set("admins"), 1}};
  look.self = true;
  look.wait_s = 120;
  out.approvals = {look};
  Rule updates = permit("updates", {set("admins")}, {Door::kSudo}, 300);
  updates.unverified_command = true;
  updates.tests.as = {user("root")};
  updates.tests.run = {"updates"};
  Rule admin = permit("admin-root", {set("admins")}, {Door::kSudo, Door::kSu, Door::kPolkit}, 900);
  admin.tests.as = {user("root")};
  admin.approval = "second-look";
  admin.scope = Scope::kTty;
  Rule night = guard("night-needs-reason");
  night.tests.who = {set("admins")};
  night.tests.during = {"night"};
  night.require.reason_min = 0;
  out.rules = {updates, admin, night};
  return out;
}

Model database() {
  Model out;
  out.covers = {Door::kSudo, Door::kSu};
  out.tags = {"db", "production"};
  out.loaded = kTuesday;
  out.sets = {{"dba", {group("dba")}, {}}, {"sre", {group("sre"), group("sre-lead")}, {}}};
  out.commands = {{"db-read", {{literal("/usr/bin/pg_lsclusters"), {}, false}}},
                  {"db-change", {{literal("/usr/bin/systemctl"), {Word{"", {"restart", "reload"}, "", false}, literal("postgresql.service")}, false}}},
                  {"backup", {{literal("/usr/bin/pgbackrest"), {literal("--stanza=main"), literal("backup")}, false}}}};
  out.facts = {{"freeze", FactRule::Type::kBool, 600, Value(false)}};
  out.windows = {{"change", {{false, {{1, 1}}, 1200, 1380}, {false, {{3, 3}}, 1200, 1380}}, {}}};
  Approval one, two;
  one.name = "one-dba";
  one.need = {{set("dba"), 1}};
  two.name = "two-teams";
  two.need = {{set("dba"), 1}, {set("sre"), 1}};
  two.escalate = {{600, "group:dba-lead", "set:dba", ""}};
  two.wait_s = 1800;
  out.approvals = {one, two};
  Rule read = permit("read", {set("dba"), set("sre")}, {Door::kSudo}, 3600);
  read.tests.as = {user("postgres")};
  read.tests.run = {"db-read"};
  Rule change = permit("change-in-window", {set("dba")}, {Door::kSudo}, 1800);
  change.tests.hosts = {"db"};
  change.tests.as = {user("root"), user("postgres")};
  change.tests.run = {"db-change"};
  change.tests.during = {"change"};
  change.approval = "one-dba";
  change.require.tickets = {"CHG-######"};
  Rule shell = permit("root-shell", {set("dba"), set("sre")}, {Door::kSudo, Door::kSu}, 7200);
  shell.tests.as = {user("root")};
  shell.approval = "two-teams";
  shell.require.reason_min = 20;
  shell.require.record = true;
  Rule backup = permit("nightly-backup", {user("backup")}, {Door::kSudo}, 14400);
  backup.tests.as = {user("postgres")};
  backup.tests.run = {"backup"};
  Rule freeze = guard("freeze");
  freeze.tests.flag = {"freeze"};
  freeze.deny = "change freeze in force";
  Rule odd = guard("odd-request");
  odd.tests.when_any = {{"risk", ">=", std::int64_t{60}}, {"count.denied.10m", ">=", std::int64_t{3}}};
  odd.approval = "two-teams";
  for (Rule* each : {&freeze, &odd}) each->unless = Tests{std::vector<Name>{user("backup")}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}};
  out.rules = {read, change, shell, backup, freeze, odd};
  return out;
}

Model bastion() {
  Model out;
  out.timezone = "Europe/Prague";
  out.covers = {Door::kSsh, Door::kSudo, Door::kSu, Door::kLogin};
  out.loaded = kTuesday;
  out.sets = {{"staff", {group("staff")}, {}},
              {"contractors", {{Name::Kind::kGroup, "ext-", true}}, {}},
              {"on-call", {}, Roster{"oncall.toml", 21600, kTuesday, {{kTuesday - kDay, kTuesday + kDay, {user("hana")}}}}}};
  out.nets = {{"office", {{"10.20.0.0", 16}, {"2001:db8:20::", 48}}}, {"vpn", {{"10.99.0.0", 16}}}};
  out.windows = {{"work", {{false, {{0, 4}}, 480, 1080}}, {}}};
  Approval sponsor, on_call;
  sponsor.name = "sponsor";
  sponsor.need = {{group("sponsors"), 1}};
  on_call.name = "on-call";
  on_call.need = {{set("on-call"), 1}};
  on_call.wait_s = 300;
  on_call.escalate = {{120, "group:sre-lead", "set:on-call", ""}};
  out.approvals = {sponsor, on_call};
  Rule login = permit("staff-login", {set("staff")}, {Door::kSsh}, 43200);
  login.tests.from = Origins{false, {"office", "vpn"}};
  Rule guest = permit("contractor-login", {set("contractors")}, {Door::kSsh}, 28800);
  guest.tests.from = Origins{false, {"vpn"}};
  guest.tests.during = {"work"};
  guest.approval = "sponsor";
  guest.require.reason_min = 0;
  guest.require.tickets = {""};
  guest.give_s = 7200;
  Rule root = permit("staff-root", {set("staff")}, {Door::kSudo}, 1800);
  root.tests.as = {user("root")};
  root.approval = "on-call";
  Rule glass = permit("break-glass", {set("on-call"), group("sre-lead")}, {Door::kSudo, Door::kSu}, 1800);
  glass.break_glass = true;
  glass.tests.as = {user("root")};
  glass.tests.when = {{"count.break-glass.24h", "<", std::int64_t{2}}};
  glass.require.reason_min = 30;
  glass.require.notify = {"pager"};
  glass.require.review_s = 86400;
  Rule never = guard("contractors-never-root");
  never.tests.who = {set("contractors")};
  never.tests.as = {user("root")};
  never.deny = "contractors do not get root here";
  Rule fresh = guard("new-network");
  fresh.tests.who = {set("contractors")};
  fresh.tests.when = {{"from.first-seen", "==", true}};
  fresh.approval = "on-call";
  fresh.yields_to = {"break-glass"};
  out.rules = {login, permit("staff-console", {set("staff")}, {Door::kLogin}, 43200), guest, root, glass, never, fresh};
  return out;
}

}  // namespace

TEST_CASE("the oracle on the laptop of the document") {
  const Model model = laptop();
  const std::int64_t morning = kTuesday + 12 * kHour, night = kTuesday + 5 * kHour;  // 10:10 and 03:10 in Prague
  const Identity eva = [] {
    Identity out = person("eva", 1000, {"eva"});
    out.person = "eva";
    return out;
  }();
  const Ask update = with_command(ask(Door::kSudo, eva, kRoot, morning), "/usr/bin/apt-get", {"update"});
  check(model, update, "allow updates 5m command");
  check(model, with_command(update, "/usr/bin/apt-get", {"update"}, false), "allow updates 5m command");
  check(model, with_command(ask(Door::kSudo, eva, kRoot, morning), "", {}), "approval admin-root set:admins 15m tty");
  Ask script = update;
  script.now = night;
  check(model, script, "deny");
  script.can_ask = true;
  check(model, script, "needs updates reason 5m command");
}

TEST_CASE("the oracle on the database host of the document") {
  const Model model = database();
  const Identity alice = person("alice", 1000, {"dba"}), carol = person("carol", 1001, {"sre"});
  const Identity backup = person("backup", 900, {"backup"}), postgres = person("postgres", 120, {"postgres"});
  Ask restart = with_command(ask(Door::kSudo, alice, kRoot, kTuesday), "/usr/bin/systemctl", {"restart", "postgresql.service"});
  restart.ticket = "CHG-104233";
  check(model, restart, "approval change-in-window set:dba 30m command");
  Ask frozen = restart;
  frozen.facts.readings["freeze"] = {true, 660, 600};
  check(model, frozen, "deny");
  Ask odd = restart;
  odd.facts.readings["risk"] = {std::int64_t{60}, 0, {}};
  check(model, odd, "approval change-in-window set:dba set:sre 30m command");
  check(model, with_command(ask(Door::kSudo, backup, postgres, kTuesday), "/usr/bin/pgbackrest", {"--stanza=main", "backup"}),
        "allow nightly-backup 4h command");
  check(model, with_command(ask(Door::kSudo, carol, postgres, kTuesday), "/usr/bin/pg_lsclusters", {}), "allow read 1h command");
  Ask shell = with_command(ask(Door::kSudo, carol, kRoot, kTuesday), "", {});
  shell.reason = "the disk of db3 is nearly full";
  check(model, shell, "approval root-shell set:dba set:sre 2h tty");
  shell.recorder = false;
  check(model, shell, "deny");
}

TEST_CASE("the oracle on the bastion of the document") {
  const Model model = bastion();
  const Identity erin = person("erin", 1000, {"staff"}), gina = person("gina", 1001, {"sre-lead"}), zoe = person("zoe", 1002, {"ext-acme"});
  Ask login = ask(Door::kSsh, erin, kRoot, kTuesday);
  login.from = {Origin::Kind::kPeer, Address::parse("10.20.1.1").value()};
  check(model, login, "allow staff-login 12h login");
  check(model, ask(Door::kLogin, erin, kRoot, kTuesday), "allow staff-console 12h login");
  Ask guest = ask(Door::kSsh, zoe, kRoot, kTuesday + 12 * kHour);
  guest.from = {Origin::Kind::kPeer, Address::parse("10.99.1.1").value()};
  guest.can_ask = true;
  check(model, guest, "needs contractor-login group:sponsors reason ticket 2h login");
  check(model, with_command(ask(Door::kSudo, zoe, kRoot, kTuesday), "", {}), "deny");
  const Ask root = with_command(ask(Door::kSudo, erin, kRoot, kTuesday + 7 * kHour), "", {});
  check(model, root, "deny");
  Ask in_time = root;
  in_time.now = kTuesday + 6 * kHour;
  check(model, in_time, "approval staff-root set:on-call 30m tty");
  Ask glass = with_command(ask(Door::kSudo, gina, kRoot, kTuesday + 7 * kHour), "", {});
  check(model, glass, "deny");
  glass.can_ask = true;
  check(model, glass, "needs break-glass choice 30m tty");
  glass.via = "break-glass";
  glass.reason = "the on-call roster is stale, db3 is down";
  check(model, glass, "allow break-glass 30m tty");
  glass.facts.readings["count.break-glass.24h"] = {std::int64_t{2}, 0, {}};
  check(model, glass, "deny");
}

}  // namespace jit::policy::oracle
