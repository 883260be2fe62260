// SPDX-License-Identifier: Apache-2.0
// bench_gate GATE ECHO USER COUNT: Submit covered by an active grant, and the same message to a bare echo, by turns.
// Each is connect, handshake, call, close. Prints {"gate": [ns...], "echo": [...], "echo_open": [...]}; echo_open keeps its
// connection.
#include <cstdio>

#include "bench/peer.h"
#include "dbus/contract.h"

namespace {

using namespace jit;

constexpr std::size_t kWarmUp = 100;

bench::Ns once(const char* path, const pam::Context& context, const pam::Proof& proof) {
  const bench::Ns begin = bench::now_ns();
  bench::Peer peer;
  peer.open(path);
  const bench::Answer answer = peer.submit(context, proof);
  peer.close();
  const bench::Ns end = bench::now_ns();
  if (answer.word != "allow") bench::fail("%s said %s: %s", path, answer.word.c_str(), answer.text.c_str());
  return end - begin;
}

bench::Ns call(bench::Peer& peer, const pam::Context& context, const pam::Proof& proof) {
  const bench::Ns begin = bench::now_ns();
  peer.submit(context, proof);
  return bench::now_ns() - begin;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) bench::fail("GATE ECHO USER COUNT");
  const bench::User user = bench::user_of(argv[3]);
  const std::size_t count = bench::number(argv[4]);
  bench::become_asker(user);
  pam::Proof proof;
  if (!proof.take()) bench::fail("no descriptor of this process");
  static constexpr char kArgv[] = "sudo\0-n\0true";
  const pam::Context context = bench::sudo_context(user, {kArgv, sizeof kArgv});

  once(argv[1], context, proof);  // the grant comes with it, and is active from Bind on
  bench::Peer binder;
  binder.open(argv[1]);
  if (const auto bound = binder.bind("sudo", "root", proof.pidfd.get()); bound.word != "allow" || bound.id.empty()) {
    bench::fail("the grant did not become active: %s", bound.word.c_str());
  }
  binder.close();

  bench::Peer open;
  open.open(argv[2]);
  std::vector<bench::Ns> gate, echo, echo_open;
  for (std::size_t i = 0; i < count + kWarmUp; ++i) {
    const bench::Ns times[] = {once(argv[1], context, proof), once(argv[2], context, proof), call(open, context, proof)};
    if (i < kWarmUp) continue;
    gate.push_back(times[0]);
    echo.push_back(times[1]);
    echo_open.push_back(times[2]);
  }
  std::printf("{\"gate\": %s, \"echo\": %s, \"echo_open\": %s}\n", bench::list_of(gate).c_str(), bench::list_of(echo).c_str(),
              bench::list_of(echo_open).c_str());
  return 0;
}
