// SPDX-License-Identifier: Apache-2.0
// Does a text try to look like another? All of it is shown escaped in any case; this is the mark beside it.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace jit::evidence {

// True where a word (letters and digits, between anything else in ASCII) mixes Latin letters with those of a script that has
// twins of them (Cyrillic, Greek, Armenian, Cherokee, Coptic, Lisu, phonetic and mathematical letters, full width), or
// where the text holds a mark that joins the letter before it, or a character without a width of its own (joiners,
// directions, fillers). A word of one such script alone is somebody's language, and no sign.
bool looks_alike(std::string_view bytes);

// The texts of a request that people read before they answer.
struct TextsRead {
  std::string_view user, person, tty, target, group, path, cwd, reason, ticket;
  std::span<const std::string> argv, options, env;
};
// The members of its document in which one looks alike.
std::vector<std::string_view> look_alikes(const TextsRead& texts);

}  // namespace jit::evidence
