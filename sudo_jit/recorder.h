// SPDX-License-Identifier: Apache-2.0
// Does this sudo have a plugin that writes the I/O log? sudoers names a log's path whether anybody writes it or not.
#pragma once

#include <string_view>

namespace jit::sudo {

// The text of sudo.conf. sudo loads sudoers' own I/O plugin unless a policy or I/O plugin is named there; then it must be named.
bool records(std::string_view conf);

// /etc/sudo.conf as it is; one that is absent names nothing. False: it cannot be read.
bool recorder_is_loaded();

}  // namespace jit::sudo
