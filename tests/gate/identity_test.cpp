// SPDX-License-Identifier: Apache-2.0
// Who asks and whom for: by the kernel and the directory, and a deny wherever either does not say.
#include <fcntl.h>
#include <grp.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include "tests/catch.h"
#include <csignal>

#include "tests/gate/bed.h"
#include "tests/gate/client.h"
#include "tests/gate/fake_directory.h"

using namespace jit;
using namespace jit::test;
using core::Verdict;
using Kind = policy::Origin::Kind;

namespace {

Entries su(const std::string& user) { return with(without(sudo_context(), "argv"), {string("service", "su"), bytes("user", user)}); }

// Submits as a child whose real uid is `uid` and whose groups are these; effective uid stays 0, as in sudo.
int submit_as(const Bed& bed, uid_t uid, const std::vector<gid_t>& groups, const Entries& context, const std::string& want) {
  return in_child([&] {
    if (setgroups(groups.size(), groups.data()) < 0 || setresgid(1000, 0, 0) < 0 || setresuid(uid, 0, 0) < 0) return 2;
    Client client(bed.path());
    const auto reply = client.submit(context);
    if (reply.answer + ":" + reply.detail.cause == want) return 0;
    std::fprintf(stderr, "%s:%s %s %s\n", reply.answer.c_str(), reply.detail.cause.c_str(), reply.error.c_str(), reply.message.c_str());
    return 1;
  });
}

void silence(const std::string& name) {
  const std::lock_guard lock(Users::get().mutex);
  Users::get().silent.push_back(name);
}

void change_user(const std::string& name, const std::function<void(directory::User&)>& change) {
  const std::lock_guard lock(Users::get().mutex);
  for (auto& user : Users::get().users) {
    if (user.name == name) change(user);
  }
}

}  // namespace

TEST_CASE("the target: su by PAM_USER, ssh and login himself, sudo by its line") {
  Bed bed;
  bed.answer_all(answer(Verdict::kAllow, "granted"));
  struct Row {
    Entries context;
    std::string subject, target;
    bool verified, keep;
    policy::Door door;
  };
  const Row rows[] = {
      {su("bob"), "root", "bob", true, false, policy::Door::kSu},
      {with(su("toor"), {string("service", "su-l")}), "root", "toor", true, false, policy::Door::kSu},
      {ssh_context("alice", "192.0.2.7"), "alice", "alice", true, true, policy::Door::kSsh},
      {with(ssh_context("bob", ""), {string("service", "login")}), "bob", "bob", true, false, policy::Door::kLogin},
      {with(sudo_context(), {words("argv", {"sudo", "-i"}), string("service", "sudo-i")}), "root", "root", false, false, policy::Door::kSudo},
      {with(sudo_context(), {words("argv", {"sudo", "-u#1001", "id"})}), "root", "bob", false, false, policy::Door::kSudo},
      {with(sudo_context(), {words("argv", {"sudo", "-g", "adm", "id"})}), "root", "root", false, false, policy::Door::kSudo},
      {with(sudo_context(), {words("argv", {"sudo", "-u", "big", "id"})}), "root", "big", false, false, policy::Door::kSudo},
      {with(sudo_context(), {words("argv", {"sudo", "-u", "#4294967294", "id"})}), "root", "bigger", false, false, policy::Door::kSudo},
      {ssh_context("big", ""), "big", "big", true, true, policy::Door::kSsh},
  };
  int n = 0;
  for (const auto& row : rows) {
    CAPTURE(n);
    Client client(bed.path());
    REQUIRE(client.submit(row.context).answer == "allow");
    const auto ask = bed.notes().wait("submit", ++n).ask;
    CHECK(ask.subject.identity->user == row.subject);
    CHECK(ask.target->user == row.target);
    CHECK(ask.target_verified == row.verified);
    CHECK(ask.keep == row.keep);
    CHECK(ask.door == row.door);
  }
}

TEST_CASE("where nobody can tell which files the words mean, the requester counts as able to change them") {
  Bed bed;
  bed.answer_all(answer(Verdict::kAllow, "granted"));
  struct Row {
    std::vector<std::string> line;
    bool changeable;
  };
  const Row rows[] = {{{"sudo", "cat", "x"}, false},      {{"sudo", "-D", "/x", "cat", "x"}, true}, {{"sudo", "-R/x", "cat", "x"}, true},
                      {{"sudo", "-i", "cat", "x"}, true}, {{"sudo", "-s", "cat", "x"}, true},       {{"sudo", "-n", "cat", "x"}, false},
                      {{"sudo", "-i"}, false},            {{"sudo", "-s"}, false}};
  int n = 0;
  for (const Row& row : rows) {
    CAPTURE(n);
    Client client(bed.path());
    REQUIRE(client.submit(with(sudo_context(), {words("argv", row.line)})).answer == "allow");
    CHECK(bed.notes().wait("submit", ++n).ask.command.changeable == row.changeable);
  }
}

TEST_CASE("what cannot be known is a deny, and the core is not asked") {
  Bed bed;
  const auto denied = [&](const Entries& context, const std::string& cause) {
    Client client(bed.path());
    const auto reply = client.submit(context);
    CHECK(reply.answer == "deny");
    CHECK(reply.detail.cause == cause);
    for (const auto& line : reply.detail.text) CHECK(line.size() <= 480);
  };
  denied(with(sudo_context(), {string("service", "cron")}), "service");
  denied(with(sudo_context(), {string("service", "../sudo")}), "service");
  denied(with(sudo_context(), {words("argv", {"sudo", "-u#-1", "id"})}), "target");
  denied(with(sudo_context(), {words("argv", {"sudo", "-u", "#4294967295", "id"})}), "target");
  denied(with(sudo_context(), {words("argv", {})}), "target");
  denied(without(sudo_context(), "argv"), "target");
  denied(with(sudo_context(), {words("argv", {"sudo", "-u", "0", "id"})}), "unknown-user");
  denied(with(sudo_context(), {words("argv", {"sudo", "-u", "#4242", "id"})}), "unknown-user");
  denied(su("no-such"), "unknown-user");
  denied(su("\x1b[2J\n"), "unknown-user");
  denied(ssh_context("no-such", "192.0.2.7"), "unknown-user");
  change_user("bob", [](directory::User& user) { user.status = directory::Status::kUnknown; });
  denied(su("bob"), "identity");
  denied(ssh_context("bob", ""), "identity");
  change_user("root", [](directory::User& user) { user.status = directory::Status::kUnknown; });
  denied(ssh_context("alice", ""), "identity");
  CHECK(bed.notes().all().empty());
}

TEST_CASE("a uid of the machine's own that another source gives asks for nothing") {
  Bed bed;
  const auto denied = [&](const std::string& user) {
    Client client(bed.path());
    const auto reply = client.submit(ssh_context(user, "192.0.2.7"));
    return reply.detail.cause + (reply.detail.text.empty() ? "" : " " + reply.detail.text.front());
  };
  change_user("daemon", [](directory::User& user) { user.local = false; });
  CHECK(denied("daemon") == "system-user jit: daemon (uid 1) is not in /etc/passwd, and uids below 1000 belong to this machine, so this is refused");
  change_user("bob", [](directory::User& user) { user.local = false; });
  bed.answer_all(answer(Verdict::kAllow, "granted"));
  CHECK(denied("bob") == "granted");
}

TEST_CASE("a group that only another source gives can close, not open") {
  Bed bed;
  bed.answer_all(answer(Verdict::kAllow, "granted"));
  change_user("bob", [](directory::User& user) { user.groups_claimed = {"wheel"}; });
  Client client(bed.path());
  REQUIRE(client.submit(ssh_context("bob", "")).answer == "allow");
  const auto who = bed.notes().wait("submit").ask.subject.identity;
  CHECK(who->groups_all == std::vector<std::string>{"bob"});
  CHECK(who->groups_any == std::vector<std::string>{"bob", "wheel"});
}

TEST_CASE("descriptors that do not prove it are a deny") {
  Bed bed;
  const Descriptors mine;
  const int net = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  const int parent = static_cast<int>(syscall(SYS_pidfd_open, getppid(), 0));
  const int folder = open("/", O_PATH | O_CLOEXEC);
  const int swaps[][3] = {{parent, mine.exe, mine.mnt_ns}, {net, mine.exe, mine.mnt_ns},        {mine.pidfd, folder, mine.mnt_ns},
                          {mine.pidfd, mine.exe, net},     {mine.pidfd, mine.exe, mine.pidfd}, {mine.exe, mine.pidfd, mine.mnt_ns}};
  for (const auto& fds : swaps) {
    Client client(bed.path());
    const auto reply = client.submit(sudo_context(), fds[0], fds[1], fds[2]);
    CHECK(reply.answer == "deny");
    CHECK(reply.detail.cause == "identity");
  }
  CHECK(bed.notes().all().empty());
  for (const int fd : {net, parent, folder}) close(fd);
}

TEST_CASE("a hung directory holds only its own asker") {
  Bed bed;
  bed.answer_all(answer(Verdict::kAllow, "granted"));
  silence("alice");
  Client slow(bed.path()), gone(bed.path()), left(bed.path()), quick(bed.path());
  slow.start_submit(ssh_context("alice", ""));
  gone.start_submit(ssh_context("alice", ""));
  left.start_submit(ssh_context("alice", ""));
  CHECK(quick.submit(ssh_context("bob", "")).answer == "allow");
  // Until it is answered it is one request, and may be left.
  CHECK(left.call("Withdraw").error.empty());
  CHECK(left.finish().detail.cause == "cancelled");
  gone.drop();
  bed.run([](gate::Server&) { Users::get().release(); });
  CHECK(slow.finish().answer == "allow");
  // Of the one that left the core never hears; the one that is gone was told only where the gate had not noticed yet.
  for (const auto& told : bed.notes().all()) CHECK((told.what == "submit" || told.what == "hangup"));
  CHECK(bed.notes().count("submit") <= 3);
}

TEST_CASE("the gate goes while the directory looks") {
  auto bed = std::make_unique<Bed>();
  silence("alice");
  Client client(bed->path());
  client.start_submit(ssh_context("alice", ""));
  Client other(bed->path());
  bed->answer_all(answer(Verdict::kAllow, "granted"));
  CHECK(other.submit(ssh_context("bob", "")).answer == "allow");
  bed.reset();
  Users::get().release();
  CHECK(client.closed());
}

TEST_CASE("real uid and kernel groups come from the kernel") {
  if (geteuid() != 0) return;
  Bed bed;
  bed.answer_all(answer(Verdict::kAllow, "granted"));
  {
    const std::lock_guard lock(Users::get().mutex);
    Users::get().groups = {{0, "root"}, {1, "daemon"}, {42, "kernel-only"}};
  }
  REQUIRE(submit_as(bed, 1, {1, 42}, sudo_context(), "allow:granted") == 0);
  const auto ask = bed.notes().wait("submit").ask;
  CHECK(ask.real_uid == 1);
  CHECK(ask.subject.identity->user == "daemon");
  CHECK(ask.subject.identity->groups_known);
  CHECK(ask.subject.identity->groups_all == std::vector<std::string>{"daemon"});
  CHECK(ask.subject.identity->groups_any == std::vector<std::string>{"daemon", "kernel-only", "root", "wheel"});
  SECTION("one group without an answer makes all of them unknown") {
    {
      const std::lock_guard lock(Users::get().mutex);
      Users::get().groups.emplace_back(77, "");
    }
    REQUIRE(submit_as(bed, 1, {77}, sudo_context(), "allow:granted") == 0);
    CHECK_FALSE(bed.notes().wait("submit", 2).ask.subject.identity->groups_known);
  }
  SECTION("at ssh only the directory counts") {
    REQUIRE(submit_as(bed, 0, {42}, ssh_context("alice", ""), "allow:granted") == 0);
    const auto login = bed.notes().wait("submit", 2).ask;
    CHECK(login.subject.identity->groups_any == std::vector<std::string>{"alice", "sre"});
    CHECK(login.subject.identity->groups_all == login.subject.identity->groups_any);
  }
  SECTION("what PAM says of the caller is not believed") {
    REQUIRE(submit_as(bed, 1, {}, with(sudo_context(), {bytes("user", "root"), bytes("ruser", "root")}), "allow:granted") == 0);
    CHECK(bed.notes().wait("submit", 2).ask.subject.identity->uid == 1);
  }
  SECTION("odd uids are users like others, and one without a name is none") {
    REQUIRE(submit_as(bed, 2147483648U, {}, sudo_context(), "allow:granted") == 0);
    REQUIRE(submit_as(bed, 4294967294U, {}, sudo_context(), "allow:granted") == 0);
    CHECK(bed.notes().wait("submit", 3).ask.subject.identity->uid == 4294967294U);
    REQUIRE(submit_as(bed, 4000000000U, {}, sudo_context(), "deny:unknown-user") == 0);
  }
}

TEST_CASE("where from: a host name, a tty name or LOCAL in rhost is nothing") {
  Bed bed;
  bed.answer_all(answer(Verdict::kAllow, "granted"));
  int n = 0;
  for (const std::string rhost : {"192.0.2.7", "tty1", "LOCAL", "", "gw.example", "2001:db8::7"}) {
    CAPTURE(rhost);
    Client nameless(bed.path());
    REQUIRE(nameless.submit(ssh_context("alice", rhost)).answer == "allow");
    CHECK(bed.notes().wait("submit", ++n).ask.subject.origin.kind == Kind::kUnknown);
    Client client(bed.path());
    REQUIRE(client.submit(with(ssh_context("alice", rhost), {bytes("peer", "2001:db8::9")})).answer == "allow");
    CHECK(bed.notes().wait("submit", ++n).ask.subject.origin.peer.text() == "2001:db8::9");
  }
  Client login(bed.path());
  REQUIRE(login.submit({string("service", "login"), string("phase", "account"), bytes("user", "alice"), bytes("tty", "tty1")}).answer == "allow");
  CHECK(bed.notes().wait("submit", ++n).ask.subject.origin.kind == Kind::kUnknown);
}

TEST_CASE("the program that tries doors is told so, and the core is not asked") {
  gate::Options options;
  options.probe = "/bin/sh";  // which the client passes as its own
  Bed bed(options);
  bed.answer_all(answer(Verdict::kAllow, "granted"));
  for (const Entries& context : {sudo_context(), su("bob"), ssh_context("alice", "192.0.2.7"), with(su("bob"), {string("service", "polkit-1")})}) {
    Client client(bed.path());
    const auto reply = client.submit(context);
    CHECK(reply.answer == "deny");
    CHECK(reply.id.empty());
    CHECK(reply.detail.cause == "probe");
    REQUIRE(reply.detail.text.size() == 1);
    CHECK(reply.detail.text[0].starts_with("jit: probe: "));
    // Another program of root's, passed in its place, would be who asks.
    const int other = open("/usr/bin/true", O_PATH | O_CLOEXEC);
    const Descriptors own;
    Client second(bed.path());
    CHECK(second.submit(context, own.pidfd, other, own.mnt_ns).answer == "allow");
    close(other);
  }
  CHECK(bed.notes().count("submit") == 4);
}
