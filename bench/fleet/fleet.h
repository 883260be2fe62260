// SPDX-License-Identifier: Apache-2.0
// All simulated hosts and those who answer, on one thread: who connects, who asks, and how long everything took.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "bench/fleet/approver.h"
#include "bench/fleet/host.h"

namespace jit::bench {

struct Load {
  Ns began = 0, ended = 0;             // of asking
  std::size_t asked = 0, late = 0;     // late: could not be asked at the time that the rate says
  std::vector<Ns> to_inbox, to_host, whole;  // request -> inbox, vote -> host, request -> vote at its host
  std::size_t confirmed = 0, seen = 0, answered = 0;
};

class Fleet {
 public:
  Fleet(Scene& scene, std::size_t hosts, const evidence::HostKey& approver);
  ~Fleet();
  Fleet(const Fleet&) = delete;
  Fleet& operator=(const Fleet&) = delete;

  Ns connect();  // all of them, `kWave` at once: how long that took. Throws std::runtime_error.
  // Requests of one host after the other; ends once each is answered, or kPatience after the last one.
  Load run(double rate, double seconds);

 private:
  static constexpr std::size_t kWave = 32;
  static constexpr Ns kPatience = 10'000'000'000;

  struct Asked {
    Ns sent = 0, came = 0, voted = 0;
    bool confirmed = false, answered = false;
  };

  void watch(int fd, std::uint64_t number);
  bool turn(Ns until);  // what has come, once; false: nothing came until then
  void host_says(std::size_t number);
  void approver_says();
  void fail(const std::string& why) const;

  Scene& scene_;
  std::vector<std::unique_ptr<Host>> hosts_;
  std::unique_ptr<Approver> approver_;
  int epoll_ = -1;
  std::size_t open_ = 0;
  bool running_ = false;
  std::unordered_map<std::string, Asked> asked_;
  Load load_;
};

}  // namespace jit::bench
