// SPDX-License-Identifier: Apache-2.0
#include "cli/commands.h"

namespace jit::cli {

Exit Verbs::grants() {
  auto filter = filter_of(args);
  if (!filter) return out.fail(filter.failure());
  if (!args.has(Option::kState) && !args.has(Option::kSince)) filter->emplace("living", sdbus::Variant(true));
  const auto client = Client::connect();
  if (!client) return out.fail(client.failure());
  const auto grants = (*client)->list_grants(*filter);
  if (!grants) return out.fail(grants.failure());
  return cut_list(*grants, "grants", grant_row);
}

Exit Verbs::end() {
  const auto id = id_of(args.words[0]);
  if (!id) return out.fail(id.failure());
  const auto client = Client::connect();
  if (!client) return out.fail(client.failure());
  const auto grant = (*client)->end(*id);
  if (!grant) return out.fail(grant.failure());
  if (json()) return print(*grant, {});
  out.line(ended_line("ended", *grant, text_of(*grant, "id")));
  return Exit::kDone;
}

Exit Verbs::revoke() {
  Dict which;
  if (!args.words.empty()) {
    const auto id = id_of(args.words[0]);
    if (!id) return out.fail(id.failure());
    which.emplace("id", sdbus::Variant(*id));
  }
  if (args.has(Option::kUser)) which.emplace("user", sdbus::Variant(args.value(Option::kUser)));
  if (args.has(Option::kPerson)) which.emplace("person", sdbus::Variant(args.value(Option::kPerson)));
  if (args.has(Option::kAll)) which.emplace("all", sdbus::Variant(true));
  if (which.size() != 1) return out.fail({Exit::kUsage, "say what to revoke: one of GRANT, --user, --person, --all"});
  const auto reason = reason_of(args, true);
  if (!reason) return out.fail(reason.failure());
  const auto client = Client::connect();
  if (!client) return out.fail(client.failure());
  const auto grants = (*client)->revoke(which, *reason);
  if (!grants) return out.fail(grants.failure());
  if (json()) return print(*grants, {});
  for (const Json& grant : *grants) out.line(ended_line("revoked", grant, text_of(grant, "id")));
  if (grants->empty()) out.note("no grant lives that matches");
  return Exit::kDone;
}

}  // namespace jit::cli
