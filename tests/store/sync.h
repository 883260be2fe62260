// SPDX-License-Identifier: Apache-2.0
// fdatasync() of this test program: counted, held back or made to fail. SQLite calls it; the product knows nothing. And sync_file_range(): counted.
#pragma once

namespace jit::test {

class Syncs {
 public:
  static int count();
  static long long early();    // bytes that were on their way before it
  static void hold();          // the next one waits ...
  static void wait_for_one();  // ... and this waits until it does
  static void release();
  static void fail(int times, int error);  // of the coming ones
};

}  // namespace jit::test
