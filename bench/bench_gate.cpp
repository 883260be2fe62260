// SPDX-License-Identifier: Apache-2.0
// bench_gate GATE ECHO KNOWING USER COUNT: Submit covered by an active grant, and the same message to a bare echo and to one that
// reads who asks, by turns. Each is connect, handshake, call, close. Prints {"gate": [ns...], "echo": [...], "knowing": [...],
// "echo_open": [...], "bind": [...]}; echo_open keeps its connection, and bind is the second call that a real program makes.
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

// Takes up what the last once() left.
bench::Ns bind(const char* path, const pam::Proof& proof) {
  const bench::Ns begin = bench::now_ns();
  bench::Peer peer;
  peer.open(path);
  const bench::Answer bound = peer.bind("sudo", "root", proof.pidfd.get());
  peer.close();
  const bench::Ns end = bench::now_ns();
  if (bound.word != "allow" || bound.id.empty()) bench::fail("no grant was bound: %s", bound.word.c_str());
  return end - begin;
}

bench::Ns call(bench::Peer& peer, const pam::Context& context, const pam::Proof& proof) {
  const bench::Ns begin = bench::now_ns();
  peer.submit(context, proof);
  return bench::now_ns() - begin;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) bench::fail("GATE ECHO KNOWING USER COUNT");
  const bench::User user = bench::user_of(argv[4]);
  const std::size_t count = bench::number(argv[5]);
  bench::become_asker(user);
  pam::Proof proof;
  if (!proof.take()) bench::fail("no descriptor of this process");
  static constexpr char kArgv[] = "sudo\0-n\0true";
  const pam::Context context = bench::sudo_context(user, {kArgv, sizeof kArgv});

  once(argv[1], context, proof);  // the grant comes with it, and is active from Bind on
  bind(argv[1], proof);

  bench::Peer open;
  open.open(argv[2]);
  std::vector<bench::Ns> gate, echo, knowing, echo_open;
  for (std::size_t i = 0; i < count + kWarmUp; ++i) {
    const bench::Ns times[] = {once(argv[1], context, proof), once(argv[2], context, proof),
                                once(argv[3], context, proof), call(open, context, proof)};
    if (i < kWarmUp) continue;
    gate.push_back(times[0]);
    echo.push_back(times[1]);
    knowing.push_back(times[2]);
    echo_open.push_back(times[3]);
  }
  // Apart: each use is written to the log, by a thread that would be in the way of the others.
  std::vector<bench::Ns> binds;
  for (std::size_t i = 0; i < count / 10; ++i) {
    once(argv[1], context, proof);
    binds.push_back(bind(argv[1], proof));
  }
  std::printf("{\"gate\": %s, \"echo\": %s, \"knowing\": %s, \"echo_open\": %s, \"bind\": %s}\n", bench::list_of(gate).c_str(),
              bench::list_of(echo).c_str(), bench::list_of(knowing).c_str(), bench::list_of(echo_open).c_str(),
              bench::list_of(binds).c_str());
  return 0;
}
