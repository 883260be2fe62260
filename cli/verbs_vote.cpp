// SPDX-License-Identifier: Apache-2.0
#include "cli/commands.h"

#include "evidence/text.h"
#include "policy/policy.h"

namespace jit::cli {

Exit Verbs::vote(bool approve) {
  const auto id = id_of(args.words[0]);
  if (!id) return out.fail(id.failure());
  const auto reason = reason_of(args, !approve);
  if (!reason) return out.fail(reason.failure());
  const auto seconds = duration_of(args);
  if (!seconds) return out.fail(seconds.failure());
  Dict options;
  if (*seconds) options.emplace("for-s", sdbus::Variant(**seconds));
  if (!reason->empty()) options.emplace("reason", sdbus::Variant(bytes_of(*reason)));
  if (args.has(Option::kScope)) {
    const std::string scope = args.value(Option::kScope);
    if (!policy::scope_named(scope)) {
      return out.fail({Exit::kUsage, "--scope: give command, tty, session or login"});
    }
    options.emplace("scope", sdbus::Variant(scope));
  }
  const auto client = Client::connect();
  if (!client) return out.fail(client.failure());
  // What is voted on stands here before the vote; a request never changes, so it is what the vote means.
  const auto before = (*client)->get_request(*id);
  if (!before) return out.fail(before.failure());
  if (!json()) out.facts(request_facts(*before));
  const auto after = (*client)->vote(text_of(*before, "id"), approve, options);
  if (!after) return out.fail(after.failure());
  if (json()) return print(*after, {});
  if (!approve && text_of(*after, "state") == "approved") {
    // It had been approved already: what the denial ends is the grant.
    out.line(ended_line("ended", *after, text_of(*after, "grant")));
    return Exit::kDone;
  }
  std::uint64_t lifetime = number_of(*after, "offer.give_s");
  if (text_of(*after, "state") == "approved") {
    const auto grant = (*client)->get_grant(text_of(*after, "grant"));
    if (grant) lifetime = number_of(*grant, "lifetime_s");
  }
  out.line(decision_line(*after, lifetime));
  return Exit::kDone;
}

}  // namespace jit::cli
