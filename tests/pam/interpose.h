// SPDX-License-Identifier: Apache-2.0
// Every libc and sd-bus call of the module, or of sudo's plugin where that is loaded, made to fail at its n-th use. The functions are
// defined in the test program, whose symbols come first for what it loads; only calls out of pam_jit.so or sudo_jit.so (for memory,
// sockets: also out of libsystemd) are counted. These are the ones that ship.
#pragma once

#include <string>
#include <vector>

namespace jit::pam_test {

std::vector<std::string> interposed();      // the names
void count_calls();                         // from here on, nothing fails
long calls_of(const std::string& name);     // since count_calls()
void fail_call(const std::string& name, long nth);  // from here on; 1 is the first
void stop_interposing();
bool failed();                              // whether the call that was to fail was made at all

}  // namespace jit::pam_test
