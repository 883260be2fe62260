// SPDX-License-Identifier: Apache-2.0
// The ways in, as sudo_plugin(5) wants them. sudo opens, checks and closes for each command again.
#include "sudo_jit/sudo.h"

#include "sudo_jit/plugin.h"

namespace {

// sudo hands nothing from one call to the next, so this stands from open() to close(): pointers to what is sudo's.
jit::sudo::Opened opened{};

int open_plugin(unsigned int version, sudo_conv_t conversation, sudo_printf_t, char* const settings[], char* const user_info[], int,
                char* const[], char* const[], char* const options[], const char** error) {
  if (SUDO_API_VERSION_GET_MAJOR(version) != SUDO_API_VERSION_MAJOR) {
    if (error != nullptr) *error = "this sudo has another plugin interface";
    return -1;
  }
  opened = {conversation, settings, user_info, options};
  return 1;
}

void close_plugin() { opened = {}; }

int check_command(char* const command_info[], char* const run_argv[], char* const[], const char** error) {
  if (opened.conversation != nullptr && jit::sudo::check(opened, command_info, run_argv)) return 1;
  if (error != nullptr) *error = "denied by pam_jit";
  return 0;
}

int show_version(int) { return 1; }

}  // namespace

extern "C" __attribute__((visibility("default"))) const approval_plugin sudo_jit = {
    SUDO_APPROVAL_PLUGIN, SUDO_API_VERSION, open_plugin, close_plugin, check_command, show_version};
