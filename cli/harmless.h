// SPDX-License-Identifier: Apache-2.0
// What another host prints, on its way to our terminal: text, and nothing that a terminal obeys. On a screen also the few sequences
// that jitctl itself draws with there; none of them makes a terminal answer, type, write a file or change its name.
#pragma once

#include <string>
#include <string_view>

#include "cli/client.h"

namespace jit::cli {

class Harmless {
 public:
  explicit Harmless(bool screen) : screen_(screen) {}
  std::string pass(std::string_view bytes);  // a sequence that is cut is kept until its rest comes
  std::string end();                         // what was kept, as text

 private:
  std::string taken(bool whole);
  bool screen_;
  std::string kept_;
};

std::string harmless_line(std::string_view line);  // without its end; all but printable ASCII escaped
Json harmless_document(Json document);                      // each text and each name of it

}  // namespace jit::cli
