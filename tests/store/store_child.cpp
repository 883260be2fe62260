// SPDX-License-Identifier: Apache-2.0
// The process that killed.py kills.
//   write PATH COUNT  commits so many entries and grants, one after the other, and prints "yes N" or "no N" when told;
//                     ends without closing anything, at once after a "no"
//   read PATH         prints the numbers that are there
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "tests/store/samples.h"

using namespace jit;
using namespace jit::test;

namespace {

void say(const std::string& line) {
  if (::write(STDOUT_FILENO, line.data(), line.size()) != static_cast<ssize_t>(line.size())) ::_exit(3);
}

int write_all(store::Database& db, Mailbox& mail, std::uint64_t count) {
  const std::uint64_t first = db.last_sequence() + 1;
  for (std::uint64_t number = first; number < first + count; ++number) {
    core::Batch both = batch(entry("e" + std::to_string(number)));
    both.grants.push_back(grant(number));
    bool written = false;
    db.commit(std::move(both), [&written](bool ok) { written = ok; });
    mail.run_one();
    say((written ? "yes " : "no ") + std::to_string(number) + "\n");
    if (!written) ::_exit(0);
  }
  ::_exit(0);
}

int read_all(store::Database& db) {
  for (const core::AuditEntry& one : db.entries({0, 0, {}, "", "", false, 10'000})) {
    if (one.type != "e" + std::to_string(one.sequence) || !db.grant(id_of(one.sequence))) return 1;
    say(std::to_string(one.sequence) + "\n");
  }
  return db.last_error().empty() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  Mailbox mail;
  auto opened = store::Database::open(argv[2], mail.post(), words_log());
  if (!opened.database) {
    std::fprintf(stderr, "%s: %s\n", std::string(store::name_of(opened.error)).c_str(), opened.message.c_str());
    return 1;
  }
  if (std::strcmp(argv[1], "read") == 0) return read_all(*opened.database);
  return write_all(*opened.database, mail, argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 1);
}
