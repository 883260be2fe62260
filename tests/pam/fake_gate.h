// SPDX-License-Identifier: Apache-2.0
// A gate, or an enforcer, that answers what the test wants, in a process of its own.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace jit::pam_test {

enum class Listen : std::uint8_t { kServe, kNothing, kStale, kNobody, kSilent, kGarbage, kTruncated };
enum class Say : std::uint8_t {
  kAllow, kDeny, kPending, kNeeds, kNeedsOther, kChoice, kBadChoice, kManyChoices, kOtherWord, kEmptyWord, kWrongSignature, kError, kBadContext, kNothing, kBadId,
  kUnknownKey, kOtherKey, kWrongType, kHangUp, kDie, kStop
};
enum class Then : std::uint8_t { kNothing, kAllow, kAllowHangUp, kDeny, kProgressAllow, kOtherWord, kBadHead, kWrongSignature, kHangUp, kDie, kStop, kGarbage };

enum class Part : std::uint8_t { kGate, kEnforcer };

struct Script {
  Listen listen = Listen::kServe;
  Say submit = Say::kAllow;
  Say again = Say::kAllow;  // to a Submit with a reason or a permit that was chosen
  Say third = Say::kAllow;  // to one with such a permit and a ticket
  Then then = Then::kNothing;
  Say resume = Say::kDeny;
  Say renew = Say::kDeny;   // to Resume on the first connection after a yes
  Say vote = Say::kAllow;   // taken; kDeny: not taken
  Then voted = Then::kNothing;
  Say bind = Say::kAllow;
  Then after_yes = Then::kNothing;  // to Submit
  std::vector<std::string> lines = {"jit: a line of the broker"};
  std::uint32_t deadline_s = 600;
  bool takes_code = false;
  bool early = false;  // what it does then is done before it says pending
  std::string cause = "test";
  Part part = Part::kGate;
  Say adopt = Say::kAllow;
};

class FakeGate {
 public:
  explicit FakeGate(const Script& script);  // serves when this returns
  ~FakeGate();                              // ends the process
  // One word an event, as it happens: "connect", "submit KEYS", "resume", "vote CODE", "detach", "withdraw", "bind KEYS", "adopt", "hangup"; "" after 60 s.
  std::string next_event();
  void end();                               // now; what it told is still to be read
  bool saw(const std::string& word);        // reads events until this one

 private:
  pid_t pid_ = -1;
  int events_ = -1;
  std::string rest_;
};

}  // namespace jit::pam_test
