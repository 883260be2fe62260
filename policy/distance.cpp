// SPDX-License-Identifier: Apache-2.0
#include "policy/distance.h"

#include "policy/crew.h"

namespace jit::policy {

std::string shown(const Identity& identity) {
  return identity.user.empty() ? "uid " + std::to_string(identity.uid) : identity.user;
}

std::string user_gap(const PrincipalTest& test, const Scene& scene, const Identity& identity) {
  std::string out;
  for (const Principal& leaf : test.leaves) {
    if (leaf.kind != Principal::Kind::kSet) continue;
    out += roster_gap(scene.policy, leaf.name, scene.request.now, out.empty() ? "" : ", ");
  }
  const bool silent = identity.user.empty() || !identity.groups_known;
  if (out.empty() || silent) out += std::string(out.empty() ? "" : ", ") + "the directory did not answer";
  return out;
}

std::string run_gap(const Request& request) {
  if (request.door != Door::kSudo) return "it is for commands, which only the door sudo knows";
  if (!request.command.known || request.command.path.empty()) return "which command would run is not known";
  return "the command is only claimed here";
}

std::string words_text(std::string_view what, const WordTest* test, std::span<const std::string> used, const Part& part, bool unknown) {
  if (unknown) return "which " + std::string(what) + "s are used is not known for sure";
  if (!part.permit) return "none of its " + std::string(what) + "s is used";
  std::string out;
  for (const std::string& word : used) {
    const bool listed = test != nullptr && std::ranges::any_of(test->words, [&](const Text& text) {
      const std::string_view own = text.value;
      return own.ends_with('*') ? word.starts_with(own.substr(0, own.size() - 1)) : word == own;
    });
    if (!listed) out += (out.empty() ? "" : ", ") + word;
  }
  return "it does not allow the " + std::string(what) + ' ' + out;
}

std::string facts_text(const std::vector<FactTest>& list, const Scene& scene, bool unknown, bool every) {
  std::string out;
  for (const FactTest& test : list) {
    const Known known = look_up(test, scene.request);
    const int value = holds(test, known);
    if (value > 0 || (unknown && value == 0)) continue;
    if (every && !unknown && value < 0) continue;  // another one is false, and that decides
    out += out.empty() ? "" : ", ";
    out += value < 0 ? gap_text(test, known) : test.text.value + " does not hold (it is " + literal(known) + ')';
  }
  return out;
}

}  // namespace jit::policy
