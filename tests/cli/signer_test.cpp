// SPDX-License-Identifier: Apache-2.0
// Signing with a real ssh-agent and a real ssh-keygen.
#include "tests/catch.h"

#include <fcntl.h>
#include <pty.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "cli/signer.h"
#include "cli/ssh_agent.h"

using namespace jit::cli;
using jit::evidence::Flaw;
using jit::evidence::kVoteNamespace;
using jit::evidence::PublicKey;

namespace {

class SshHome {  // with an agent, once asked for
 public:
  SshHome() {
    std::string path = (std::filesystem::temp_directory_path() / "signer.XXXXXX").string();
    if (::mkdtemp(path.data()) == nullptr) throw std::runtime_error("no folder");
    around.home = path;
    std::filesystem::create_directory(path + "/.ssh");
  }
  SshHome(const SshHome&) = delete;
  SshHome& operator=(const SshHome&) = delete;
  ~SshHome() {
    if (agent_ > 0) kill(agent_, SIGKILL);  // so that it does not take files away meanwhile
    std::filesystem::remove_all(around.home);
  }
  std::string file(const std::string& name) const { return around.home + "/.ssh/" + name; }
  std::string read(const std::string& path) const {
    std::ifstream in(path);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  PublicKey make(const std::string& type, const std::string& name, const std::string& passphrase = "") const {
    run("ssh-keygen -q -t " + type + " -N '" + passphrase + "' -f '" + file(name) + "'");
    std::string text = read(file(name) + ".pub");
    text.pop_back();
    return {"ssh", text, false};
  }
  void start_agent() {
    around.agent = around.home + "/agent";
    run("ssh-agent -P '*' -a '" + around.agent + "' > '" + around.home + "/said'");
    const std::string said = read(around.home + "/said");
    agent_ = std::atoi(said.c_str() + said.find("SSH_AGENT_PID=") + 14);
  }
  void add(const std::string& name) const { run("SSH_AUTH_SOCK='" + around.agent + "' ssh-add -q '" + file(name) + "'"); }
  void move(const std::string& name) const {  // into the agent alone
    add(name);
    std::filesystem::remove(file(name));
  }
  static void run(const std::string& command) { REQUIRE(std::system((command + " </dev/null 2>/dev/null").c_str()) == 0); }

  Surroundings around;

 private:
  pid_t agent_ = -1;
};

Result<Signed> signed_by(const SshHome& home, const std::vector<PublicKey>& enrolled, const std::string& key_file = "", KeysTaken taken = KeysTaken::kAll) {
  const auto message = [](const PublicKey&) -> Result<std::string> { return std::string("a vote"); };
  return sign(enrolled, kVoteNamespace, message, key_file, home.around, taken);
}

bool good(const Result<Signed>& made, const PublicKey& key) {
  return made && made->signature.kind == "sshsig" && made->signature.key_id == fingerprint(key) &&
         verify(key, "sshsig", kVoteNamespace, "a vote", made->signature.bytes) == Flaw::kNone;
}

std::string why(const Result<Signed>& made) { return made ? "signed" : made.failure().message; }

// A process named so that listens at `path`.
class Listener {
 public:
  Listener(const std::string& path, const char* name) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    int ready[2];
    REQUIRE(pipe(ready) == 0);
    pid_ = fork();
    if (pid_ == 0) {
      prctl(PR_SET_NAME, name);
      const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
      if (bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 || listen(fd, 4) != 0 || write(ready[1], "x", 1) != 1) _exit(1);
      for (;;) {
        const int one = accept(fd, nullptr, nullptr);
        char buffer[5];
        if (read(one, buffer, sizeof buffer) > 0) (void)!write(one, "\xff\xff\xff\xff", 4);  // an answer of 4 GiB
        close(one);
      }
    }
    char byte = 0;
    REQUIRE(::read(ready[0], &byte, 1) == 1);
    close(ready[0]);
    close(ready[1]);
  }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }

 private:
  pid_t pid_;
};

}  // namespace

TEST_CASE("a key in ssh-agent signs") {
  SshHome home;
  home.start_agent();
  for (const char* type : {"ed25519", "ecdsa", "rsa"}) {
    CAPTURE(type);
    const PublicKey key = home.make(type, std::string("one_") + type);
    home.move(std::string("one_") + type);
    const auto made = signed_by(home, {key});
    INFO(why(made));
    CHECK(good(made, key));
  }
  const PublicKey other = home.make("ed25519", "elsewhere");
  CHECK(why(signed_by(home, {other})).find("that is enrolled here") != std::string::npos);
}

TEST_CASE("the preferred of several keys signs") {
  SshHome home;
  home.start_agent();
  const PublicKey first = home.make("ed25519", "first"), second = home.make("ecdsa", "second");
  home.move("first");
  home.move("second");
  CHECK(good(signed_by(home, {first, second}), first));
  CHECK(good(signed_by(home, {second, first}), second));
  CHECK(good(signed_by(home, {{"webauthn", "example.org", false}, first}), first));
}

TEST_CASE("of several keys none signs by chance where it is not known which one is enrolled") {
  SshHome home;
  home.start_agent();
  const PublicKey first = home.make("ed25519", "first"), second = home.make("ecdsa", "second");
  home.move("first");
  CHECK(good(signed_by(home, {}), first));
  home.move("second");
  const PublicKey file = home.make("ed25519", "id_ed25519");  // nor does what is no answer to it
  const auto made = signed_by(home, {});
  REQUIRE_FALSE(made);
  CHECK(made.failure().code == Exit::kUsage);
  for (const auto& words : {std::string("--key FILE"), fingerprint(first), fingerprint(second)}) CHECK(why(made).find(words) != std::string::npos);
  CHECK(good(signed_by(home, {}, home.file("id_ed25519")), file));
  // The agent alone has these.
  CHECK(good(signed_by(home, {}, home.file("second.pub")), second));
  CHECK(good(signed_by(home, {}, home.file("first")), first));
  home.around.agent.clear();
  CHECK_FALSE(signed_by(home, {}, home.file("first")));
  home.make("rsa", "id_rsa");
  CHECK(why(signed_by(home, {})).find(home.file("id_ed25519") + ", " + home.file("id_rsa")) != std::string::npos);
}

TEST_CASE("files of ~/.ssh sign") {
  SshHome home;
  const PublicKey rsa = home.make("rsa", "id_rsa"), ecdsa = home.make("ecdsa", "id_ecdsa");
  CHECK(good(signed_by(home, {rsa}), rsa));
  CHECK(good(signed_by(home, {ecdsa, rsa}), ecdsa));
  const PublicKey named = home.make("ed25519", "named");
  CHECK(why(signed_by(home, {named})).find("no key of yours") != std::string::npos);
  CHECK(good(signed_by(home, {named}, home.file("named")), named));
  CHECK(good(signed_by(home, {named}, home.file("named.pub")), named));
  CHECK(why(signed_by(home, {ecdsa}, home.file("named"))).find("not one of yours") != std::string::npos);
  std::filesystem::remove(home.file("named.pub"));  // ssh-keygen tells whose it is
  CHECK(good(signed_by(home, {named}, home.file("named")), named));
  CHECK(why(signed_by(home, {ecdsa}, home.file("named"))).find("not one of yours") != std::string::npos);
  CHECK_FALSE(signed_by(home, {named}, home.file("absent")));
  home.start_agent();  // one that holds none of them is no obstacle
  CHECK(good(signed_by(home, {rsa}), rsa));
}

TEST_CASE("a file with a passphrase asks for it on the terminal") {
  SshHome home;
  const PublicKey key = home.make("ed25519", "id_ed25519", "open sesame");
  for (const bool right : {true, false}) {
    int terminal = -1;
    const pid_t child = forkpty(&terminal, nullptr, nullptr, nullptr);
    if (child == 0) {
      const int none = open("/dev/null", O_RDONLY);  // as where a vote came in by a pipe
      dup2(none, STDIN_FILENO);
      _exit(good(signed_by(home, {key}), key) ? 0 : 1);
    }
    std::string said;
    char buffer[256];
    ssize_t got = 0;
    bool answered = false;
    while ((got = read(terminal, buffer, sizeof buffer)) > 0) {
      said.append(buffer, static_cast<std::size_t>(got));
      if (answered || said.find("passphrase") == std::string::npos) continue;
      answered = true;
      const char* const line = right ? "open sesame\n" : "open barley\n";
      REQUIRE(write(terminal, line, std::strlen(line)) > 0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    CAPTURE(said);
    CHECK(answered);
    CHECK((WIFEXITED(status) && WEXITSTATUS(status) == 0) == right);
    close(terminal);
  }
}

TEST_CASE("tokens sign by file and by agent, and say whether they were touched") {
  setenv("SSH_SK_PROVIDER", JIT_SOFT_TOKEN, 1);
  for (const std::string type : {"ed25519-sk", "ecdsa-sk"}) {
    CAPTURE(type);
    SshHome home;
    const std::string name = type == "ed25519-sk" ? "id_ed25519_sk" : "id_ecdsa_sk";
    const PublicKey key = home.make(type, name);
    CHECK(good(signed_by(home, {key}), key));
    const PublicKey plain = home.make("ed25519", "id_ed25519");
    CHECK(good(signed_by(home, {key, plain}), key));
    PublicKey strict = key;
    strict.verify_required = true;
    CHECK(why(signed_by(home, {strict})).find("did not check who you are") != std::string::npos);
    setenv("SOFT_TOKEN_UNTOUCHED", "1", 1);
    CHECK(why(signed_by(home, {key})).find("nobody touched") != std::string::npos);
    unsetenv("SOFT_TOKEN_UNTOUCHED");
    home.start_agent();
    home.move(name);
    const auto made = signed_by(home, {key});
    INFO(why(made));
    CHECK(good(made, key));
  }
  unsetenv("SSH_SK_PROVIDER");
}

TEST_CASE("a token that wants its PIN signs with it") {
  SshHome home;
  setenv("SSH_SK_PROVIDER", JIT_SOFT_TOKEN, 1);
  const std::string told = home.file("told");
  std::ofstream(told) << "#!/bin/sh\necho $PIN\n";
  std::filesystem::permissions(told, std::filesystem::perms::owner_all);
  setenv("SSH_ASKPASS", told.c_str(), 1);
  setenv("SSH_ASKPASS_REQUIRE", "force", 1);
  PublicKey key = home.make("ed25519-sk -O verify-required", "id_ed25519_sk");
  key.verify_required = true;
  for (const bool right : {true, false}) {
    setenv("PIN", right ? "1234" : "4321", 1);
    CHECK(good(signed_by(home, {key}), key) == right);
  }
  for (const char* name : {"SSH_SK_PROVIDER", "SSH_ASKPASS", "SSH_ASKPASS_REQUIRE", "PIN"}) unsetenv(name);
}

TEST_CASE("where a hardware key is asked for no other signs") {
  SshHome home;
  setenv("SSH_SK_PROVIDER", JIT_SOFT_TOKEN, 1);
  const PublicKey plain = home.make("ed25519", "plain"), token = home.make("ecdsa-sk", "id_ecdsa_sk");
  home.start_agent();
  home.move("plain");
  const auto hardware = [&](const std::vector<PublicKey>& enrolled, const std::string& file = "") { return signed_by(home, enrolled, file, KeysTaken::kHardware); };
  CHECK(good(signed_by(home, {plain, token}), plain));
  CHECK(good(hardware({plain, token}), token));
  CHECK(good(hardware({}), token));  // over a relay nobody knows what is enrolled
  CHECK(why(hardware({plain, token}, home.file("plain.pub"))).find("needs a hardware key") != std::string::npos);
  CHECK(why(hardware({plain})).find("needs a hardware key, and none of yours is at hand that is enrolled here") != std::string::npos);
  home.add("id_ecdsa_sk");
  std::filesystem::remove(home.file("id_ecdsa_sk"));
  CHECK(good(hardware({plain, token}), token));
  home.make("ed25519", "named");
  CHECK(why(hardware({}, home.file("named"))).find("is none; name another: --key FILE") != std::string::npos);
  unsetenv("SSH_SK_PROVIDER");
}

TEST_CASE("a forwarded agent is refused") {
  SshHome home;
  const PublicKey key = home.make("ed25519", "id_ed25519");
  home.around.agent = home.around.home + "/agent";
  for (const char* name : {"sshd", "sshd-session", "dropbear"}) {
    std::filesystem::remove(home.around.agent);
    const Listener server(home.around.agent, name);
    const auto made = signed_by(home, {key});
    CHECK(why(made).find("another machine") != std::string::npos);
    CHECK_FALSE(made);  // though a file is there
    CHECK(good(signed_by(home, {key}, home.file("id_ed25519")), key));
  }
}

TEST_CASE("an agent that talks nonsense is none") {
  SshHome home;
  const PublicKey key = home.make("ed25519", "id_ed25519");
  home.around.agent = home.around.home + "/agent";
  const Listener server(home.around.agent, "nonsense");
  CHECK(why(sign(std::vector{home.make("ed25519", "other")}, kVoteNamespace, "a vote", "", home.around)).find("no answer") != std::string::npos);
  CHECK(good(signed_by(home, {key}), key));
  home.around.agent = "/nonexistent";
  CHECK(good(signed_by(home, {key}), key));
  home.around.agent = std::string(500, 'x');
  CHECK(good(signed_by(home, {key}), key));
}

TEST_CASE("a key that also opens logins here") {
  SshHome home;
  const PublicKey key = home.make("ed25519", "id_ed25519"), other = home.make("ed25519", "other");
  std::ofstream(home.file("authorized_keys")) << "# mine\nno-pty " << key.text << "\n";
  CHECK(opens_logins_here(key, home.around));
  CHECK_FALSE(opens_logins_here(other, home.around));
}

// Run by the bed, behind real ssh: the agent of SSH_AUTH_SOCK is one of another machine, or it is one of this.
TEST_CASE("the agent here is a forwarded one", "[.forwarded]") {
  const auto agent = SshAgent::connect(surroundings().agent);
  REQUIRE_FALSE(agent);
  CHECK(agent.failure().message.find("another machine") != std::string::npos);
}

TEST_CASE("the agent here is this machine's", "[.local]") {
  auto agent = SshAgent::connect(surroundings().agent);
  REQUIRE(agent);
  CHECK(agent->keys());
}
