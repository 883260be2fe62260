// SPDX-License-Identifier: Apache-2.0
// bench_fleet FOLDER CA SERVER_PID HOSTS RATE SECONDS: hosts of its own making against the nats-server whose authority is in FOLDER
// (jitctl relay init). Requests and votes are signed and verified as on real hosts; the servers are real; the hosts are
// connections of this process.
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fstream>
#include <iterator>
#include <sstream>

#include "bench/fleet/fleet.h"
#include "evidence/at_exit.h"

namespace {

using jit::bench::Ns;

double ms(Ns ns) { return static_cast<double>(ns) / 1e6; }

struct Process {
  double resident_mib = 0, seconds = 0;  // of memory; of both processors
};
Process process(const std::string& pid) {
  std::ifstream status("/proc/" + pid + "/status");
  Process out;
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) out.resident_mib = std::strtod(line.c_str() + 6, nullptr) / 1024;
  }
  std::ifstream stat("/proc/" + pid + "/stat");
  std::stringstream text;
  text << stat.rdbuf();
  std::istringstream fields(text.str().substr(text.str().rfind(')') + 2));
  const std::vector<std::string> words(std::istream_iterator<std::string>(fields), {});
  const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  if (words.size() > 12) out.seconds = (std::strtod(words[11].c_str(), nullptr) + std::strtod(words[12].c_str(), nullptr)) / ticks;
  return out;
}

void line(const char* what, std::vector<Ns> times) {
  if (times.empty()) return void(std::printf("  %-34s nothing came\n", what));
  std::sort(times.begin(), times.end());
  std::printf("  %-34s median %.2f ms, p99 %.2f ms, worst %.1f ms\n", what, ms(times[times.size() / 2]), ms(times[times.size() * 99 / 100]), ms(times.back()));
}

int run(char** argv) {
  const std::string folder = argv[1], server = argv[3];
  const auto hosts = static_cast<std::size_t>(std::strtoul(argv[4], nullptr, 10));
  const double rate = std::strtod(argv[5], nullptr);
  const double seconds = std::strtod(argv[6], nullptr);
  std::ifstream file(folder + "/authority.json");
  std::stringstream document;
  document << file.rdbuf();
  auto authority = jit::relay::Authority::read(document.str());
  if (!authority || hosts == 0 || rate <= 0 || seconds <= 0) {
    std::fprintf(stderr, "bench_fleet: FOLDER CA SERVER_PID HOSTS RATE SECONDS\n");
    return 2;
  }
  const auto person = jit::evidence::HostKey::generate();
  jit::bench::Scene scene{std::move(*authority), argv[2], "group:sre", person.public_key()};
  jit::bench::Fleet fleet(scene, hosts, person);
  const Process empty = process(server), self = process("self");
  const Ns connecting = fleet.connect();
  const Process full = process(server), self_full = process("self");
  const double server_kib = (full.resident_mib - empty.resident_mib) * 1024 / static_cast<double>(hosts);
  const double connect_ms = (full.seconds - empty.seconds) * 1000 / static_cast<double>(hosts);
  std::printf("%zu hosts connected in %.1f s\n", hosts, ms(connecting) / 1000);
  std::printf("  nats-server                        %.0f MiB resident: %.1f KiB a host; %.2f ms of processor a connect\n", full.resident_mib, server_kib, connect_ms);
  std::printf("  this process                       %.1f KiB a host (library, TLS, two threads' worth of books)\n",
              (self_full.resident_mib - self.resident_mib) * 1024 / static_cast<double>(hosts));
  fleet.run(rate, 2);  // warm
  const Process before = process(server), self_before = process("self");
  const auto load = fleet.run(rate, seconds);
  const Process after = process(server), self_after = process("self");
  const double took = ms(load.ended - load.began) / 1000;
  std::printf("%zu requests in %.1f s: %.0f a second (asked for %.0f; %zu later than 10 turns)\n", load.asked, took, static_cast<double>(load.asked) / took, rate, load.late);
  line("request -> verified in the inbox", load.to_inbox);
  line("vote -> verified at its host", load.to_host);
  line("request -> its vote at its host", load.whole);
  const std::size_t lost = load.asked * 3 - load.confirmed - load.seen - load.answered;
  std::printf("  kept by the stream %zu, seen %zu, answered %zu: lost %zu\n", load.confirmed, load.seen, load.answered, lost);
  const double cpu = (after.seconds - before.seconds) / static_cast<double>(load.asked);
  std::printf("  processor, a request and its vote  nats-server %.2f ms, hosts and approver together %.2f ms\n", cpu * 1000,
              (self_after.seconds - self_before.seconds) * 1000 / static_cast<double>(load.asked));
  const double many = 100'000;
  std::printf("100,000 hosts by these figures: %.1f GiB and %.0f s of one processor to connect them all; each core of a server carries %.0f requests with their votes a second\n",
              (empty.resident_mib + many * server_kib / 1024) / 1024, many * connect_ms / 1000, 1 / cpu);
  return lost == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 7) {
    std::fprintf(stderr, "usage: bench_fleet FOLDER CA SERVER_PID HOSTS RATE SECONDS\n");
    return 2;
  }
  jit::evidence::keep_crypto_at_exit();
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  try {
    return run(argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_fleet: %s\n", error.what());
    return 1;
  }
}
