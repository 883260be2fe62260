// SPDX-License-Identifier: Apache-2.0
// What a program with threads of another library has to say about its end.
#pragma once

namespace jit::evidence {

// OpenSSL keeps its state until the process is gone, instead of taking it down while threads that nobody can wait for still let
// go of a connection (libnats 3.4.1; its own nats_CloseAndWait frees what OpenSSL 3 frees again). OPENSSL_init_crypto(3),
// OPENSSL_INIT_NO_ATEXIT: holds only if nothing has used OpenSSL before.
void keep_crypto_at_exit();

}  // namespace jit::evidence
