// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <ctime>

#include "cli/agent.h"
#include "cli/commands.h"
#include "cli/signing.h"
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
  const auto block = duration_of(args, Option::kBlock);
  if (!block) return out.fail(block.failure());
  if (*block) options.emplace("block-s", sdbus::Variant(**block));
  if (args.has(Option::kTyped)) options.emplace("typed", sdbus::Variant(bytes_of(args.value(Option::kTyped))));
  if (args.has(Option::kScope)) {
    const std::string scope = args.value(Option::kScope);
    if (!policy::scope_named(scope)) {
      return out.fail({Exit::kUsage, "--scope: give command, tty, session or login"});
    }
    options.emplace("scope", sdbus::Variant(scope));
  }
  const auto client = Client::connect(kPasswordMax);
  if (!client) return out.fail(client.failure());
  // What is voted on stands here before the vote; a request never changes, so it is what the vote means.
  const auto before = (*client)->get_request(*id);
  if (!before) return out.fail(before.failure());
  if (!json()) out.facts(request_facts(*before));
  const auto after = approve ? yes(**client, *before, options) : (*client)->vote(text_of(*before, "id"), false, options);
  if (!after) return out.fail(after.failure());
  if (json()) return print(*after, {});
  if (!approve && text_of(*after, "state") == "approved") {
    // It had been approved already: what the denial ends is the grant.
    out.line(ended_line("ended", *after, text_of(*after, "grant")));
    return Exit::kDone;
  }
  std::uint64_t lifetime = number_of(*after, "offer.give_s");
  if (*seconds) lifetime = std::min<std::uint64_t>(lifetime, **seconds);
  if (text_of(*after, "state") == "approved" && text_of(*after, "extends").empty()) {
    const auto grant = (*client)->get_grant(text_of(*after, "grant"));
    if (grant) lifetime = number_of(*grant, "lifetime_s");
  }
  out.line(decision_line(*after, lifetime));
  if (*block) out.line("nothing more is asked of these people for " + text_of(*after, "subject.name") + " for " + policy::format_duration(**block));
  return Exit::kDone;
}

// With a key of his own, where one is at hand; else by who calls, for which polkit may ask the password.
Result<Json> Verbs::yes(Client& client, const Json& request, const Dict& options) {
  const auto voter = voter_of(client);
  if (!voter) return voter.failure();
  const std::string file = args.value(Option::kKey);
  if (!file.empty() && voter->keys.empty()) {
    return Failure{Exit::kNo, "no key of yours is enrolled here; an admin adds it: jitctl people add-key " + voter->person + " FILE"};
  }
  if (is_open(request) && !voter->keys.empty() && (!file.empty() || at_hand(voter->keys))) {
    for (const evidence::PublicKey& key : voter->keys) {
      if (opens_logins_here(key)) out.aside("note: a key that you vote with also opens logins here; a hardware key (sk) would not be worth stealing");
    }
    return cast_signed(client, request, decision_of(options), *voter, file);
  }
  if (!voter->keys.empty() && text_of(request, "offer.votes") != "any") {
    return Failure{Exit::kNo, "the policy wants a signed vote, and no key of yours is at hand: load it into ssh-agent (ssh-add), or name its file: --key FILE"};
  }
  std::optional<PasswordAgent> agent;
  if (is_open(request) && client.polkit_there()) agent.emplace();
  return client.vote(text_of(request, "id"), true, options);
}

Exit Verbs::review() {
  const auto id = id_of(args.words[0]);
  if (!id) return out.fail(id.failure());
  const auto text = reason_of(args, true);
  if (!text) return out.fail(text.failure());
  const auto client = Client::connect();
  if (!client) return out.fail(client.failure());
  const auto request = (*client)->review(*id, *text);
  if (!request) return out.fail(request.failure());
  if (json()) return print(*request, {});
  out.line("reviewed: the emergency access of " + text_of(*request, "subject.name") + " (request " + text_of(*request, "id") + ")");
  return Exit::kDone;
}

Exit Verbs::away() {
  const std::string until = args.value(Option::kUntil);
  std::int64_t when = 0;
  if (until != "now") {
    const auto read = parse_ahead(until, std::int64_t{std::time(nullptr)} * 1000);
    if (!read) return out.fail({Exit::kUsage, "--until: give a time with its zone (2026-11-22T20:00:00Z), or how long from now (2d); now: you are back"});
    when = *read;
  }
  const auto client = Client::connect();
  if (!client) return out.fail(client.failure());
  const auto absence = (*client)->away(when);
  if (!absence) return out.fail(absence.failure());
  if (json()) return print(*absence, {});
  out.line(when == 0 ? "back: you are asked again" : "away until " + short_time(text_of(*absence, "until")) + ": you fill no seat; to come back earlier: jitctl away --until now");
  return Exit::kDone;
}

}  // namespace jit::cli
