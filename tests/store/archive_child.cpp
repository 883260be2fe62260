// SPDX-License-Identifier: Apache-2.0
// The process that killed_archive.py kills.
//   live FOLDER  writes entries where there are none, brings them into the archive part by part, and erases a person meanwhile
//   look FOLDER  does the rest of it, verifies the parts and what is left as one log, and says how many entries it has
#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "tests/store/archive_host.h"

using namespace jit;
using namespace jit::test;

namespace {

constexpr std::uint64_t kEntries = 60;

void erase_bob(ArchiveHost& host) {
  core::Batch erase = batch(entry("log.erased", ""));
  erase.erased.push_back("bob");
  must(host.store->commit(erase));
}

void live(ArchiveHost& host) {
  if (host.db().last_sequence() < kEntries) {
    host.written = host.db().last_sequence();
    host.write(kEntries - host.written, 10);
  }
  must(host.store->seal());
  bool more = true;
  for (core::WallMs before = kBegin + 21'000; more || before <= kBegin + 61'000; before += 20'000) {
    more = host.archive_before(before);
    if (before == kBegin + 41'000) erase_bob(host);
  }
}

int look(ArchiveHost& host) {
  // What a crash left may be half erased: whoever asked was not told that it is done, and asks again.
  live(host);
  erase_bob(host);
  const evidence::Audited whole = host.audited_whole();
  std::string all = host.rest();
  for (const std::string& part : host.parts()) all += part;
  const bool told = tells_of_bob(all);
  std::printf("%s%s parts %zu entries %llu to %llu\n", evidence::text_of(whole).c_str(), told ? "bob is in it" : "", host.parts().size(),
              static_cast<unsigned long long>(whole.first), static_cast<unsigned long long>(whole.last));
  return whole.problem || whole.first != 1 || whole.last < kEntries || told ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  try {
    ArchiveHost host(argv[2], evidence::HostKey::from_secret(evidence::Bytes(32, 7)));
    if (std::strcmp(argv[1], "look") == 0) return look(host);
    live(host);
    ::_exit(0);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
