// SPDX-License-Identifier: Apache-2.0
// Posts messages over https, by libcurl on the event loop: no redirect, no proxy, no other protocol, certificates checked, and to no
// address that message/address.h refuses. Any answer of 2xx means that the message was taken.
#pragma once

#include <systemd/sd-event.h>

#include <memory>
#include <string>
#include <vector>

#include "notify/attempt.h"
#include "notify/message/channel_file.h"

namespace jit::notify {

struct Post {
  Channel channel;
  std::string body;
  std::vector<std::string> headers;  // "Name: value"
};

class Web {
 public:
  explicit Web(sd_event* event);
  ~Web();
  Web(const Web&) = delete;
  Web& operator=(const Web&) = delete;

  // It ends before this does.
  std::unique_ptr<Attempt> post(Post post, AttemptDone done);

 private:
  class Transfer;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace jit::notify
