// SPDX-License-Identifier: Apache-2.0
// E2: texts that try to look like others.
#include "evidence/look_alike.h"

#include "tests/catch.h"
#include <string>

using jit::evidence::looks_alike;

TEST_CASE("words that mix scripts, and characters that do not show") {
  const char* const marked[] = {
      "\xd0\xb0" "dmin",                    // Cyrillic a
      "please ask \xd0\xb0" "dmin now",
      "r\xce\xbf" "ot",                     // Greek omicron
      "/usr/bin/\xd1\x95" "udo",            // Cyrillic dze
      "c\xd5\xaf" "d",                      // Armenian
      "\xe1\x8e\xaa" "dmin",               // Cherokee
      "\xef\xbd\x81" "dmin",               // full width
      "\xf0\x9d\x90\x9a" "dmin",          // mathematical
      "\xe2\x84\xb4" "ps",                 // letter-like
      "\xc9\xa1roup",                       // phonetic g
      "\xc3\xa4\xd0\xb4" "x",             // Latin with a mark of its own counts as Latin
      "4\xd0\xb0" "b2",
      "ad\xe2\x80\x8dmin",                 // joiner
      "ad\xe2\x80\x8bmin",                 // no width
      "\xe2\x80\xaegnp.exe",               // from right to left
      "\xe2\x81\xa6x\xe2\x81\xa9",      // isolates
      "adm\xcc\x81in",                      // joined to the letter before
      "a\xc2\xad" "b", "\xef\xbb\xbf", "\xe3\x85\xa4", "\xf3\xa0\x81\xa1",
      "ok \xff\xd0\xb0" "dmin",            // behind a byte that is none
  };
  for (const char* text : marked) {
    INFO(text);
    CHECK(looks_alike(text));
  }
}

TEST_CASE("a language of its own is no sign") {
  const char* const plain[] = {
      "", "admin", "/usr/bin/id -u", "caf\xc3\xa9 M\xc3\xbcller",
      "\xd0\xb4\xd0\xb8\xd1\x81\xd0\xba \xd0\xbf\xd0\xbe\xd0\xbb\xd0\xbe\xd0\xbd",  // Russian
      "\xd0\xb4\xd0\xb8\xd1\x81\xd0\xba web1",                     // beside a Latin word
      "nginx-\xd0\xb4\xd0\xb8\xd1\x81\xd0\xba",                     // two words
      "\xce\xb4\xce\xaf\xcf\x83\xce\xba\xce\xbf\xcf\x82", "\xe7\xa3\x81\xe7\x9b\xa4 full", "x\xe7\xa3\x81",
      "\xff\xfe", "\x01\x1b[2J", "\xd0", "a\xff\xd0\xb0",           // broken bytes part words
      "100\xe2\x82\xac", "\xf0\x9f\x94\xa5",
  };
  for (const char* text : plain) {
    INFO(text);
    CHECK_FALSE(looks_alike(text));
  }
  CHECK_FALSE(looks_alike(std::string("\0x\0", 3)));
}
