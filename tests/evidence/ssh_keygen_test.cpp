// SPDX-License-Identifier: Apache-2.0
// Against the ssh-keygen of this machine, both ways.
#include "tests/catch.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "evidence/host_key.h"
#include "evidence/sshsig.h"
#include "tests/evidence/keys.h"

using namespace jit::evidence;
using jit::test::kTypes;
using jit::test::Make;
using jit::test::SshSigner;

namespace {

class Bench {  // a folder with what ssh-keygen reads and writes
 public:
  Bench() {
    std::string path = (std::filesystem::temp_directory_path() / "keygen.XXXXXX").string();
    if (::mkdtemp(path.data()) == nullptr) throw std::runtime_error("no folder");
    folder_ = path;
  }
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;
  ~Bench() { std::filesystem::remove_all(folder_); }

  void write(const std::string& name, std::string_view text) const {
    std::ofstream file(folder_ / name, std::ios::binary);
    file << text;
  }
  std::string read(const std::string& name) const {
    std::ifstream file(folder_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  bool run(const std::string& command) const {
    return std::system(("cd '" + folder_.string() + "' && { " + command + "; } >out 2>&1").c_str()) == 0;
  }
  bool accepts(const std::string& key, std::string_view purpose, std::string_view message, const Bytes& signature) const {
    write("allowed", "alice@example.org " + key + "\n");
    write("message", message);
    write("signature", armour(signature));
    return run("ssh-keygen -Y verify -f allowed -I alice@example.org -n " + std::string(purpose) + " -s signature <message");
  }

 private:
  std::filesystem::path folder_;
};

}  // namespace

TEST_CASE("what ssh-keygen signs is good here") {
  const Bench bench;
  int made = 0;
  for (const char* type : {"ed25519", "ecdsa -b 256", "rsa -b 2048", "rsa -b 3072", "rsa -b 4096", "ed25519-sk -w " JIT_SOFT_TOKEN, "ecdsa-sk -w " JIT_SOFT_TOKEN}) {
    CAPTURE(type);
    const std::string file = "key" + std::to_string(++made);
    REQUIRE(bench.run("ssh-keygen -q -t " + std::string(type) + " -N '' -C 'a comment' -f " + file));
    std::string text = bench.read(file + ".pub");
    text.pop_back();
    const PublicKey key{"ssh", text, false};
    CHECK(flaw_of(key) == Flaw::kNone);
    REQUIRE(bench.run("ssh-keygen -lf " + file + ".pub"));
    CHECK(bench.read("out").find(" " + fingerprint(key) + " ") != std::string::npos);
    for (const char* hash : {"sha512", "sha256"}) {
      bench.write("message", std::string("some\0bytes\n", 11));
      REQUIRE(bench.run("SSH_SK_PROVIDER=" JIT_SOFT_TOKEN " ssh-keygen -Y sign -O hashalg=" + std::string(hash) + " -n vote@pam-jit.v1 -f " + file + " message && mv message.sig signature"));
      const auto signature = from_armour(bench.read("signature"));
      REQUIRE(signature.has_value());
      CHECK(armour(*signature) == bench.read("signature"));
      CHECK(verify(key, "sshsig", kVoteNamespace, std::string_view("some\0bytes\n", 11), *signature) == Flaw::kNone);
      CHECK(verify(key, "sshsig", kVoteNamespace, "some", *signature) == Flaw::kSignature);
      CHECK(verify(key, "sshsig", kGrantNamespace, std::string_view("some\0bytes\n", 11), *signature) == Flaw::kNamespace);
    }
  }
  for (const char* type : {"rsa -b 1024", "ecdsa -b 384", "ecdsa -b 521"}) {
    const std::string file = "key" + std::to_string(++made);
    REQUIRE(bench.run("ssh-keygen -q -t " + std::string(type) + " -N '' -f " + file));
    std::string text = bench.read(file + ".pub");
    text.pop_back();
    CHECK(flaw_of({"ssh", text, false}) == Flaw::kKey);
  }
}

TEST_CASE("what the tests and the host sign is good for ssh-keygen") {
  const Bench bench;
  for (const auto type : kTypes) {
    const SshSigner signer(type);
    CAPTURE(signer.name());
    for (const char* hash : {"sha512", "sha256"}) {
      Make make;
      make.hash = hash;
      const Bytes signature = signer.sign("a vote", make);
      CHECK(verify(signer.key(), "sshsig", kVoteNamespace, "a vote", signature) == Flaw::kNone);
      CHECK(bench.accepts(signer.text(), kVoteNamespace, "a vote", signature));
      CHECK_FALSE(bench.accepts(signer.text(), kVoteNamespace, "a veto", signature));
      CHECK_FALSE(bench.accepts(signer.text(), kGrantNamespace, "a vote", signature));
    }
    bench.write("key.pub", signer.text() + "\n");
    REQUIRE(bench.run("ssh-keygen -lf key.pub"));
    CHECK(bench.read("out").find(" " + fingerprint(signer.key()) + " ") != std::string::npos);
  }
  const HostKey host = HostKey::generate();
  CHECK(bench.accepts(host.public_key().text, kGrantNamespace, "a grant", host.sign(kGrantNamespace, "a grant")));
}

TEST_CASE("tokens by way of ssh-keygen: who touched, who was verified") {
  const Bench bench;
  for (const char* type : {"ed25519-sk", "ecdsa-sk"}) {
    CAPTURE(type);
    const auto signed_by = [&](const std::string& file, const std::string& environment) {
      bench.write("message", "a vote");
      REQUIRE(bench.run(environment + " SSH_SK_PROVIDER=" JIT_SOFT_TOKEN " ssh-keygen -Y sign -n vote@pam-jit.v1 -f " + file + " message && mv message.sig signature"));
      return from_armour(bench.read("signature")).value_or(Bytes());
    };
    const std::string plain = std::string(type) + "-plain", pin = std::string(type) + "-pin";
    REQUIRE(bench.run("ssh-keygen -q -t " + std::string(type) + " -w " JIT_SOFT_TOKEN " -N '' -f " + plain));
    REQUIRE(bench.run("ssh-keygen -q -t " + std::string(type) + " -O verify-required -w " JIT_SOFT_TOKEN " -N '' -f " + pin + " </dev/null"));
    const auto judged = [&](const std::string& file, const Bytes& signature, bool verify_required) {
      std::string text = bench.read(file + ".pub");
      text.pop_back();
      return std::string(name_of(verify({"ssh", text, verify_required}, "sshsig", kVoteNamespace, "a vote", signature)));
    };
    CHECK(judged(plain, signed_by(plain, ""), false) == "none");
    CHECK(judged(plain, signed_by(plain, ""), true) == "verify");
    CHECK(judged(plain, signed_by(plain, "SOFT_TOKEN_UNTOUCHED=1"), false) == "touch");
    bench.write("told", "#!/bin/sh\necho \"$PIN\"\n");
    const std::string asked = "chmod +x told; export SSH_ASKPASS=./told SSH_ASKPASS_REQUIRE=force PIN=";
    const Bytes verified = signed_by(pin, asked + "1234;");
    CHECK(judged(pin, verified, true) == "none");
    CHECK(judged(pin, verified, false) == "none");
    CHECK(judged(pin, signed_by(pin, asked + "1234; SOFT_TOKEN_UNTOUCHED=1"), true) == "touch");
    // OpenSSH takes a key that the wrong PIN was given for as one that does not sign at all.
    CHECK_FALSE(bench.run(asked + "4321; SSH_SK_PROVIDER=" JIT_SOFT_TOKEN " ssh-keygen -Y sign -n vote@pam-jit.v1 -f " + pin + " message"));
  }
}

TEST_CASE("a signature without a touch, which ssh-keygen takes, is refused here") {
  const Bench bench;
  const SshSigner signer(SshKeyType::kTokenEd25519);
  Make untouched;
  untouched.flags = 0;
  const Bytes signature = signer.sign("a vote", untouched);
  CHECK(bench.accepts(signer.text(), kVoteNamespace, "a vote", signature));
  CHECK(verify(signer.key(), "sshsig", kVoteNamespace, "a vote", signature) == Flaw::kTouch);
}
