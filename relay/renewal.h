// SPDX-License-Identifier: Apache-2.0
// The host's own credentials: those that its admin put into a file, with newer words of the same account for the same key where the
// relay had some. They are no secret, and signed: whoever brings them can do no more than bring them late.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "relay/credentials/jwt.h"

namespace jit::relay {

class Renewal {
 public:
  // Both are files; kept: where newer words are kept.
  Renewal(std::string credentials, std::string kept);

  std::optional<Login> login(std::string& why);  // what to connect with; the files are read anew
  std::string subject() const;                   // where newer words are looked for
  // How long until it is time to look (again), ms; nothing: these hold for ever.
  std::optional<std::int64_t> wait(std::int64_t unix_ms) const;
  // From whom it may be. Newer words that hold are kept: until when they hold (Unix time, 0: for ever).
  std::optional<std::int64_t> take(const std::string& offered);
  std::string remark(std::string_view why, std::int64_t unix_ms) const;  // behind why a connection fails: "" where that is not for these

 private:
  const std::string credentials_, kept_;
  std::string jwt_, newer_;
  UserClaims claims_;
};

}  // namespace jit::relay
