// SPDX-License-Identifier: Apache-2.0
// Whole calls over the socket, as the module makes them.
#include <fcntl.h>
#include <unistd.h>

#include "tests/catch.h"

#include "tests/gate/bed.h"
#include "tests/gate/client.h"
#include "tests/gate/fake_directory.h"

using namespace jit;
using namespace jit::test;
using core::Verdict;

TEST_CASE("Submit: everything that was reported and derived reaches the core") {
  Bed bed;
  bed.answer_all(answer(Verdict::kAllow, "granted"));
  Client client(bed.path());
  const auto reply = client.submit(with(
      sudo_context(), {words("argv", {"sudo", "-u", "bob", "id", "a b", ""}), bytes("reason", "disk f\xc3\xbcll"),
                       string("reason-from", "prompt"), bytes("ticket", "OPS-1"), string("via", "sre-root"), number("for-s", 900)}));
  CHECK(reply.error.empty());
  CHECK(reply.answer == "allow");
  CHECK(reply.id.empty());
  CHECK(reply.secret.empty());
  CHECK(reply.detail.cause == "granted");
  const auto told = bed.notes().wait("submit");
  const auto& ask = told.ask;
  CHECK(ask.door == policy::Door::kSudo);
  CHECK(ask.service == "sudo");
  CHECK(ask.subject.identity->uid == getuid());
  CHECK(ask.subject.identity->person == "uid:0");
  CHECK(ask.real_uid == getuid());
  CHECK(ask.target->user == "bob");
  CHECK(ask.target->uid == 1001);
  CHECK_FALSE(ask.target_verified);
  CHECK(ask.root->uid == 0);
  CHECK(ask.process.pid == getpid());
  CHECK(ask.process.start > 0);
  CHECK(ask.parent.pid == getppid());
  CHECK(ask.subject.tty == "/dev/pts/3");
  CHECK(ask.subject.terminal.leader.pid == getsid(0));
  CHECK(ask.argv == std::vector<std::string>{"id", "a b", ""});
  CHECK(ask.cwd == "/home/alice");
  CHECK(ask.reason == "disk f\xc3\xbcll");
  CHECK(ask.reason_from == core::ReasonFrom::kPrompt);
  CHECK(ask.ticket == "OPS-1");
  CHECK(ask.via == "sre-root");
  CHECK(ask.asked_s == 900U);
  CHECK(ask.can_ask);
  CHECK(ask.budget_s == 60);
  CHECK_FALSE(ask.keep);
  client.drop();
  CHECK(bed.notes().count("hangup") == 0);
}

TEST_CASE("Submit: what sudo will run") {
  Bed bed;
  bed.answer_all(answer(Verdict::kAllow, "granted"));
  const int file = open("/dev/null", O_RDONLY | O_CLOEXEC);
  const auto asked = [&](const Entries& changes) {
    Client client(bed.path());
    CHECK(client.submit(with(with(sudo_context(), command_entries()), changes)).answer == "allow");
    return bed.notes().wait("submit").ask;
  };
  SECTION("plain: its words, and what was found for them") {
    const auto ask = asked({descriptor("program", file), words("argv", {"sudo", "-n", "id"})});
    CHECK(ask.resolved);
    CHECK(ask.target_verified);
    CHECK(ask.target->user == "root");
    CHECK(ask.target_group == "sre");
    CHECK(ask.argv == std::vector<std::string>{"id"});
    CHECK(ask.recording == "/var/log/sudo-io/00/00/01");
    CHECK(ask.command.verified);
    CHECK(ask.command.digest_bound);
    CHECK(ask.command.sha256 == std::string(64, 'd'));
    CHECK_FALSE(ask.command.changeable);
    CHECK(ask.command.words_at == 1);
    CHECK_FALSE(ask.child);
    CHECK(ask.budget_s == 60);
  }
  SECTION("no file, or one that is not bound: the requester can change it") {
    CHECK(asked({}).command.changeable);
    const auto ask = asked({descriptor("program", file), bytes("run-path", "/home/alice/id")});
    CHECK(ask.command.sha256.empty());
    CHECK_FALSE(ask.command.digest_bound);
    CHECK(ask.command.changeable);
  }
  SECTION("sudo's own words stay where they change the meaning") {
    const auto ask = asked({words("argv", {"sudo", "-g", "sre", "A=b", "-s", "id"}), words("run", {"/bin/sh", "-c", "id"})});
    CHECK(ask.argv == std::vector<std::string>{"sudo", "-g", "sre", "A=b", "-s", "/bin/sh", "-c", "id"});
    CHECK(ask.command.words_at == 6);
    CHECK(ask.command.options == std::vector<std::string>{"-g", "-s"});
    CHECK(ask.command.env == std::vector<std::string>{"A"});
  }
  SECTION("the target is the one that sudo names, not the command line's") {
    const auto ask = asked({words("argv", {"sudo", "-u", "root", "id"}), bytes("run-user", "bob"), number("run-uid", 1001)});
    CHECK(ask.target->user == "bob");
  }
  SECTION("a child: no words of sudo, no wait") {
    const auto ask = asked({flag("child", true), words("argv", {"sudo", "-g", "sre", "sh"}), words("run", {"/usr/bin/id", "-u"})});
    CHECK(ask.child);
    CHECK(ask.argv == std::vector<std::string>{"/usr/bin/id", "-u"});
    CHECK(ask.command.options.empty());
    CHECK(ask.budget_s == 0);
    CHECK_FALSE(ask.can_ask);
  }
  close(file);
}

TEST_CASE("Submit: what is covered does not wait for a look at its files") {
  Bed bed;
  bed.answer_all(answer(Verdict::kAllow, "granted"));
  int n = 0;
  for (const bool covered : {true, false}) {
    Client client(bed.path());
    const Entries words_and_folder{words("argv", {"sudo", "id", "x"}), bytes("cwd", covered ? "/covered" : "/")};
    CHECK(client.submit(with(sudo_context(), words_and_folder)).answer == "allow");
    const auto ask = bed.notes().wait("submit", ++n).ask;
    CHECK(ask.unseen == covered);
    CHECK(ask.command.path == (covered ? "" : "/usr/bin/id"));
    CHECK(ask.command.changeable == covered);
    CHECK(ask.argv == std::vector<std::string>{"id", "x"});
  }
  CHECK(bed.notes().count("submit") == 2);
}

TEST_CASE("Submit: what sudo will run, and as whom, must fit together") {
  Bed bed;
  for (const Entries& changes : std::vector<Entries>{{number("run-uid", 1001)}, {bytes("run-user", "nobody-here")}, {bytes("run-user", "#77"), number("run-uid", 77)},
                                                     {string("service", "su")}, {string("service", "sshd")}}) {
    Client client(bed.path());
    CHECK(client.submit(with(with(sudo_context(), command_entries()), changes)).answer == "deny");
  }
  CHECK(bed.notes().count("submit") == 0);
}

TEST_CASE("Submit: each answer on the wire") {
  Bed bed;
  SECTION("pending carries id, secret and deadline") {
    bed.answer_all(pending());
    Client client(bed.path());
    const auto reply = client.submit(sudo_context());
    CHECK(reply.answer == "pending");
    CHECK(reply.id == "abababababababababababababababab");
    CHECK(reply.secret == "00112233445566778899aabbccddeeff");
    CHECK(reply.detail.deadline_s == 600);
    CHECK(reply.detail.text == std::vector<std::string>{"pam_jit: waiting for bob"});
  }
  SECTION("a deny that left a request names it, without a secret") {
    auto deny = pending();
    deny.verdict = Verdict::kDeny;
    deny.cause = "kept";
    bed.answer_all(deny);
    Client client(bed.path());
    const auto reply = client.submit(sudo_context());
    CHECK(reply.answer == "deny");
    CHECK(reply.id.size() == 32);
    CHECK(reply.secret.empty());
    CHECK(reply.detail.deadline_s == 0);
  }
  SECTION("needs, and once more with what was missing; then nothing more") {
    auto needs = answer(Verdict::kNeeds, "needs-text");
    needs.needs = {"reason", "ticket"};
    bed.answer_all(needs);
    Client client(bed.path());
    CHECK(client.submit(sudo_context()).detail.needs == std::vector<std::string>{"reason", "ticket"});
    bed.answer_all(answer(Verdict::kAllow, "granted"));
    CHECK(client.submit(sudo_context()).answer == "allow");
    CHECK(client.submit(sudo_context()).error == "org.pamjit.Error.BadContext");
    CHECK(client.closed());
  }
  SECTION("a choice of permits, each with what it needs") {
    auto needs = answer(Verdict::kNeeds, "needs-choice");
    needs.choices = {{"admin-root", false, "1 of group:wheel, for 15m", {}}, {"glass", true, "nobody is asked", {"reason:20", "ticket"}}};
    bed.answer_all(needs);
    Client client(bed.path());
    const auto reply = client.submit(sudo_context());
    CHECK(reply.answer == "needs");
    CHECK(reply.detail.needs.empty());
    CHECK(reply.detail.choices == std::vector<std::vector<std::string>>{{"admin-root", "permit", "1 of group:wheel, for 15m"},
                                                                        {"glass", "break-glass", "nobody is asked", "reason:20", "ticket"}});
    bed.answer_all(answer(Verdict::kAllow, "granted"));
    CHECK(client.submit(sudo_context()).answer == "allow");
  }
  SECTION("needs without end is ended") {
    bed.answer_all(answer(Verdict::kNeeds, "needs-text"));
    Client client(bed.path());
    for (int n = 0; n < 4; ++n) CHECK(client.submit(sudo_context()).answer == "needs");
    CHECK(client.submit(sudo_context()).error == "org.pamjit.Error.BadContext");
  }
  SECTION("a text that is no text closes the connection instead of crossing it") {
    auto broken = answer(Verdict::kAllow, "granted");
    broken.text = {"\xff"};
    bed.answer_all(broken);
    Client client(bed.path());
    CHECK(client.submit(sudo_context()).answer.empty());
  }
}

TEST_CASE("an answer that comes later, and one for nobody") {
  Bed bed;
  Client client(bed.path());
  client.start_submit(sudo_context());
  const auto told = bed.notes().wait("submit");
  bed.run([&](gate::Server& gate) {
    gate.answer(told.conn + 1000, pending());
    gate.progress(told.conn + 1000, {"x"});
    gate.decided(told.conn, pending());  // before the answer: not yet
    gate.bound(told.conn, {});
    gate.answer(told.conn, answer(Verdict::kAllow, "granted"));
    gate.answer(told.conn, answer(Verdict::kDeny, "twice"));
  });
  const auto reply = client.finish();
  CHECK(reply.answer == "allow");
  CHECK(reply.detail.cause == "granted");
}

TEST_CASE("Resume: id and secret go through, malformed ones do not") {
  Bed bed;
  const std::string id(32, 'a'), secret = "00112233445566778899aabbccddeeff";
  bed.answer_all(pending());
  Client client(bed.path());
  const auto reply = client.resume(id, secret);
  CHECK(reply.answer == "pending");
  CHECK(reply.detail.deadline_s == 600);
  const auto told = bed.notes().wait("resume");
  CHECK(told.id == id);
  CHECK(told.secret == secret);
  client.drop();
  CHECK(bed.notes().wait("hangup").conn == told.conn);
  const std::string upper(32, 'A');
  const std::pair<std::string, std::string> bad[] = {{"", secret}, {id, ""}, {upper, secret}, {id, upper}, {id + "a", secret},
                                                     {id, secret + "0"}, {std::string(32, 'g'), secret}, {id, std::string(32, ' ')}};
  for (const auto& [its_id, its_secret] : bad) {
    Client other(bed.path());
    CHECK(other.resume(its_id, its_secret).error == "org.pamjit.Error.BadContext");
    CHECK(other.closed());
  }
  CHECK(bed.notes().count("resume") == 1);
}

TEST_CASE("Bind: who he is now, and the answer with its ends") {
  Bed bed;
  core::BindAnswer yes;
  yes.allow = true;
  yes.grant.bytes.fill(0x5a);
  yes.end = 1234567890123;
  yes.hard = 2234567890123;
  const Descriptors mine;
  const Entries context = {string("service", "sudo"), bytes("user", "root"), descriptor("pidfd", mine.pidfd)};
  Client client(bed.path());
  std::thread core([&] {
    const auto told = bed.notes().wait("bind");
    bed.run([&](gate::Server& gate) { gate.bound(told.conn, yes); });
  });
  const auto reply = client.bind(context);
  core.join();
  CHECK(reply.answer == "allow");
  CHECK(reply.id == "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a");
  CHECK(reply.end == 1234567890123);
  CHECK(reply.hard == 2234567890123);
  const auto told = bed.notes().wait("bind");
  CHECK(told.bind.user->uid == 0);
  CHECK(told.bind.door == policy::Door::kSudo);
  CHECK(told.bind.process.pid == getpid());
  client.drop();
  CHECK(bed.notes().count("hangup") == 0);
  SECTION("what fails is a deny without a grant") {
    const Entries bad[] = {with(context, {bytes("user", "no-such")}), with(context, {string("service", "cron")}),
                           with(context, {descriptor("pidfd", mine.mnt_ns)})};
    for (const auto& one : bad) {
      Client other(bed.path());
      const auto denied = other.bind(one);
      CHECK(denied.answer == "deny");
      CHECK(denied.id.empty());
      CHECK(denied.end == 0);
    }
    CHECK(bed.notes().count("bind") == 1);
  }
  SECTION("malformed ones close") {
    const Entries bad[] = {without(context, "user"), without(context, "service"), without(context, "pidfd"), {},
                           with(context, {string("user", "root")}), with(context, {number("pidfd", 3)}),
                           with(context, {bytes("cwd", "/")}), with(context, {bytes("user", "")})};
    for (const auto& one : bad) {
      Client other(bed.path());
      CHECK(other.bind(one).error == "org.pamjit.Error.BadContext");
      CHECK(other.closed());
    }
  }
}
