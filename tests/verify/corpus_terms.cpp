// SPDX-License-Identifier: Apache-2.0
#include "corpus_terms.h"

#include <memory>
#include <utility>
#include <vector>

namespace jit::test {

// What was asked, offered and voted for, and a grant that is another one: in the document, in its entry, or in both.
void write_terms(const std::function<void(LogMaker& log, const std::string& name)>& finish) {
  using jit::evidence::Grant;
  using jit::evidence::Request;
  const auto story_of = [&finish](const std::string& name, const std::function<void(LogMaker&)>& lie, bool narrowed = false) {
    LogMaker log;
    log.add("broker.started", "", "", {{"boot", "b0"}});
    log.narrowed = narrowed;
    lie(log);
    auto ask = log.ask("a", "alice", 1);
    log.vote(ask, "bob", true, true);
    log.approved(ask, id_of("g"));
    log.grant(ask, "g", "alice");
    finish(log, name);
  };
  const auto granted = [&](const std::string& name, const std::function<void(Grant&, Json&)>& twist, bool narrowed = false) {
    story_of("terms-grant-" + name, [&](LogMaker& log) { log.twist_grant = twist; }, narrowed);
  };
  const auto asked = [&](const std::string& name, const std::function<void(Request&, Json&)>& twist) {
    story_of("terms-request-" + name, [&](LogMaker& log) {
      const auto argv = std::make_shared<Json>();
      log.twist_request = [&twist, argv](Request& request, Json& fields) {
        twist(request, fields);
        *argv = fields.value("argv", Json::array());
      };
      log.twist_grant = [argv](Grant&, Json& fields) { fields["argv"] = *argv; };
    });
  };
  granted("shorter.good", [](Grant& grant, Json& fields) { grant.lifetime_s = 60, fields["lifetime_s"] = 60; });
  granted("narrower.good", [](Grant& grant, Json& fields) { grant.scope = "tty", fields["scope"] = "tty"; });
  granted("as-voted.good", [](Grant&, Json&) {}, true);
  granted("longer.bad", [](Grant& grant, Json& fields) { grant.lifetime_s = 864'000, fields["lifetime_s"] = 864'000; });
  granted("longer-than-voted.bad", [](Grant& grant, Json& fields) { grant.lifetime_s = 600, fields["lifetime_s"] = 600; }, true);
  granted("longer-in-document.bad", [](Grant& grant, Json&) { grant.lifetime_s = 601; });
  granted("longer-in-entry.bad", [](Grant&, Json& fields) { fields["lifetime_s"] = 60; });
  granted("no-number.bad", [](Grant&, Json& fields) { fields["lifetime_s"] = "600"; });
  granted("more-at-most.bad", [](Grant& grant, Json&) { grant.max_s = 86'400; });
  granted("wider.bad", [](Grant& grant, Json& fields) { grant.scope = "login", fields["scope"] = "login"; });
  granted("wider-than-voted.bad", [](Grant& grant, Json& fields) { grant.scope = "session", fields["scope"] = "session"; }, true);
  granted("no-scope.bad", [](Grant& grant, Json& fields) { grant.scope = "all", fields["scope"] = "all"; });
  granted("another-target.bad", [](Grant& grant, Json& fields) {
    grant.target = "postgres", grant.target_uid = 105;
    fields["target"] = {{"name", "postgres"}, {"uid", 105}};
  });
  granted("target-in-document.bad", [](Grant& grant, Json&) { grant.target = "postgres"; });
  granted("target-uid-in-document.bad", [](Grant& grant, Json&) { grant.target_uid = 105; });
  granted("another-command.bad", [](Grant&, Json& fields) { fields["argv"] = {"reboot"}; });
  granted("another-door.bad", [](Grant& grant, Json& fields) { grant.door = "su", fields["door"] = "su"; });
  granted("another-rule.bad", [](Grant& grant, Json& fields) { grant.rule = "free", fields["rule"] = "free"; });
  granted("another-uid.bad", [](Grant& grant, Json& fields) { grant.subject_uid = 1001, fields["uid"] = 1001; });
  granted("uid-in-document.bad", [](Grant& grant, Json&) { grant.subject_uid = 1001; });
  granted("another-user.bad", [](Grant& grant, Json&) { grant.subject = "mallory"; });
  granted("another-boot.bad", [](Grant& grant, Json&) { grant.boot_id = "another"; });
  granted("another-epoch.bad", [](Grant& grant, Json&) { grant.epoch = 9; });
  granted("no-lifetime.bad", [](Grant& grant, Json& fields) { grant.lifetime_s = 864'000, fields.erase("lifetime_s"); });
  granted("no-scope-said.bad", [](Grant& grant, Json& fields) { grant.scope = "login", fields.erase("scope"); });
  granted("no-target.bad", [](Grant& grant, Json& fields) { grant.target = "postgres", fields.erase("target"); });
  granted("no-command.bad", [](Grant&, Json& fields) { fields.erase("argv"); });
  granted("no-uid.bad", [](Grant& grant, Json& fields) { grant.subject_uid = 0, fields.erase("uid"); });
  granted("claimed-later.bad", [](Grant& grant, Json&) { grant.claim_until_ms += 3'600'000; });

  for (const std::string name : {"give_s", "max_s", "scope", "door", "rule", "target", "argv", "uid", "user"}) {
    asked("without-" + name + ".bad", [&name](Request&, Json& fields) { fields.erase(name); });
  }
  asked("another-command.bad", [](Request& request, Json&) { request.command.argv = {"id", "-un"}; });
  asked("another-word.bad", [](Request& request, Json&) { request.command.argv = {"cat", "/etc/shadow\xff"}; });
  asked("odd-words.good", [](Request& request, Json& fields) {
    request.command.argv = {"a\n\\b", "\xc3\xa4\xff\x01"};
    fields["argv"] = {"a\\n\\\\b", "\\u{e4}\\xff\\x01"};
  });
  asked("hidden-command.good", [](Request& request, Json&) { request.command.argv.clear(), request.hidden.command = std::string(64, '3'); });
  asked("another-target.bad", [](Request& request, Json&) { request.target.name = "postgres"; });
  asked("another-group.bad", [](Request& request, Json&) { request.target.group = "adm"; });
  asked("another-user.bad", [](Request& request, Json&) { request.subject.name = "mallory"; });
  asked("another-uid.bad", [](Request& request, Json&) { request.subject.uid = 0; });
  asked("another-reason.bad", [](Request&, Json& fields) { fields["reason"] = "another"; });
  asked("another-folder.bad", [](Request&, Json& fields) { fields["cwd"] = "/tmp"; });
  asked("another-origin.bad", [](Request&, Json& fields) { fields["origin"] = "192.0.2.1"; });
  asked("another-kind.bad", [](Request& request, Json&) { request.kind = "login"; });
  asked("another-boot.bad", [](Request& request, Json&) { request.boot_id = "another"; });
  asked("longer.bad", [](Request& request, Json&) { request.offer.give_s = 3600; });
  asked("more-at-most.bad", [](Request& request, Json&) { request.offer.max_s = 86'400; });
  asked("another-set.bad", [](Request& request, Json&) { request.offer.seats = {{"set:all", 1}}; });
  asked("later.bad", [](Request&, Json& fields) { fields["not_before_ms"] = 1'900'000'000'000; });

  // What came of it: its first use, later ones, and more time.
  constexpr std::int64_t kBegin = 1'800'000'000'000;
  const auto in_use = [&finish](const std::string& name, const Json& claimed, const std::vector<std::pair<std::string, Json>>& later) {
    LogMaker log;
    auto ask = log.ask("a", "alice", 1);
    log.vote(ask, "bob", true, true);
    log.approved(ask, id_of("g"));
    const std::string grant = log.grant(ask, "g", "alice");
    const auto use = [&](const std::string& type, const Json& end) {
      Json fields{{"door", "sudo"}, {"rule", "root"}, {"state", "active"}, {"uses", 1}, {"person", "alice"}, {"uid", 1000}};
      if (!end.is_null()) fields["expires_ms"] = end;
      log.add(type, ask.id, grant, std::move(fields));
    };
    use("grant.claimed", claimed);
    for (const auto& [type, end] : later) {
      if (type == "grant.extended") {
        auto more = log.ask("more " + std::to_string(log.size()), "alice", 1, grant);
        log.vote(more, "bob", true, true);
        log.approved(more, grant);
      }
      use(type, end);
    }
    finish(log, "terms-use-" + name);
  };
  const std::int64_t end = kBegin + 600'000;
  const std::string used = "grant.used";
  const std::string more = "grant.extended";
  in_use("plain.good", end, {{used, end}, {more, end + 600'000}, {used, end + 600'000}});
  in_use("late.good", end, {{more, end + 600'000}, {used, end}, {more, end + 1'200'000}});
  in_use("years.bad", end + std::int64_t{315'360'000'000}, {});
  in_use("later.bad", end, {{used, end + 1}});
  in_use("much-more.bad", end, {{more, end + 600'001}});
  in_use("without-end.bad", Json(), {});
  in_use("more-without-end.bad", end, {{more, Json()}});
  in_use("more-in-words.bad", end, {{more, "never"}});
  in_use("more-true.bad", end, {{more, true}});
  in_use("huge.bad", std::int64_t{9'223'372'036'854'775'807}, {});
}

}  // namespace jit::test
