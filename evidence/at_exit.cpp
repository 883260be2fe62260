// SPDX-License-Identifier: Apache-2.0
#include "evidence/at_exit.h"

#include <openssl/crypto.h>

namespace jit::evidence {

void keep_crypto_at_exit() { OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, nullptr); }

}  // namespace jit::evidence
