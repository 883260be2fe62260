// SPDX-License-Identifier: Apache-2.0
// The channels of this host, as the files of a folder define them.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "notify/message/channel_file.h"

namespace jit::notify {

struct Defined {
  Channel channel;
  std::string secret;  // of its file; empty: nothing is signed
};

struct Folder {
  std::map<std::string, Defined> channels;    // by name
  std::map<std::string, std::string> broken;  // names whose file cannot be used, and why, for people
  std::vector<std::string> errors;            // all of it, a line each: "FILE:LINE:COLUMN: ..."
};

inline constexpr std::size_t kChannels = 64;

// Only root may have written a file, and only he and this group may read it: it holds addresses that are secrets. A file that
// is broken stops none of the others.
Folder read_folder(const std::string& path);

}  // namespace jit::notify
