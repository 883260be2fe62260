// SPDX-License-Identifier: Apache-2.0
#include "evidence/hmac.h"

#include "evidence/text.h"
#include "tests/catch.h"

// RFC 4231.
TEST_CASE("HMAC-SHA256 is that of its RFC") {
  const std::string aa(20, '\xaa'), dd(50, '\xdd'), long_key(131, '\xaa');
  const std::tuple<std::string, std::string, const char*> cases[] = {
      {std::string(20, '\x0b'), "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
      {"Jefe", "what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
      {aa, dd, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
      {long_key, "Test Using Larger Than Block-Size Key - Hash Key First", "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
  };
  for (const auto& [key, text, mac] : cases) CHECK(jit::evidence::hex(jit::evidence::hmac_sha256(key, text)) == mac);
}
