// SPDX-License-Identifier: Apache-2.0
// The life of a courier's process.
#pragma once

#include <systemd/sd-event.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace jit::courier {

void log(const char* level, const std::string& text);  // level: SD_INFO, ...; one line, escaped
int failed(const std::string& why);                    // says it to the log and to systemd; 1
// Where 0, 1 or 2 is closed, the next file or connection gets that number, and what is logged goes into it.
bool standard_files_open();
// No core file and no debugger of another process: it holds secrets.
void keep_to_itself();
// start: < 0: -errno; and what lives as long as the loop does. Until SIGTERM, or until the system bus goes; the exit code.
int run(const std::function<std::pair<int, std::shared_ptr<void>>(sd_event*)>& start);

}  // namespace jit::courier
