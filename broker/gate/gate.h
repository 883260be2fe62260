// SPDX-License-Identifier: Apache-2.0
// The gate socket: plain sd-bus, peer to peer; each connection stands for one request. A connection that waits is
// parked: no sd-bus object is attached to the event loop, only the bare descriptor is watched.
#pragma once

#include <systemd/sd-event.h>

#include <memory>
#include <optional>
#include <string>

#include "broker/core/core.h"
#include "broker/directory/directory.h"
#include "broker/gate/origin_file.h"

namespace jit::gate {

struct Options {
  std::size_t connections_per_uid = 8;     // by real uid or loginuid of the peer; root's own are not counted here
  std::size_t connections = 18000;         // all; fewer where RLIMIT_NOFILE does not hold so many
  std::string probe = "/usr/bin/jitctl";   // a door that this program asks at is only being tried: no, without a request
  std::int64_t quiet_ms = 10'000;          // from accept to the first call, and from a yes to Bind: as long as a hand-over
  std::optional<OriginFile> origins = {};  // of this boot's ssh sessions; nothing: they are forgotten with this broker
};

class Server final : public core::Gate {
 public:
  // listen_fd: a listening AF_UNIX socket, owned from here on.
  Server(sd_event* loop, int listen_fd, directory::Directory& directory, Options options);
  ~Server();
  void serve(core::Core& core);  // start accepting
  void use_limit(std::size_t connections_per_uid);  // at any time; connections that are there stay

  void answer(core::Conn conn, const core::Answer& answer) override;
  void progress(core::Conn conn, std::vector<std::string> text) override;
  void decided(core::Conn conn, const core::Answer& answer) override;
  void bound(core::Conn conn, const core::BindAnswer& answer) override;

  struct Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace jit::gate
