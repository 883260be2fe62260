// SPDX-License-Identifier: Apache-2.0
// A database that fails to answer once, at each of its questions.
#include <dlfcn.h>

#include "tests/outbox/room.h"

struct sqlite3_stmt;

namespace {

constexpr int kIoError = 10;  // SQLITE_IOERR
thread_local int steps_left = 0;  // 0: none fails; the writer's thread has its own

// The step after so many fails, once.
bool takes_failure(const std::function<void()>& reads, int step) {
  steps_left = step;
  reads();
  return std::exchange(steps_left, 0) == 0;
}

}  // namespace

extern "C" int sqlite3_step(sqlite3_stmt* statement) {
  if (steps_left > 0 && --steps_left == 0) return kIoError;
  static const auto real = reinterpret_cast<int (*)(sqlite3_stmt*)>(::dlsym(RTLD_NEXT, "sqlite3_step"));
  return real(statement);
}

using namespace jit;
using namespace jit::outbox_test;

TEST_CASE("a read that fails moves nobody, and the next answer is whole") {
  Room room;
  for (const Courier courier : {Courier::kRelay, Courier::kNotify}) room.next(0, courier);
  room.ask("one");
  room.write();
  room.world.restart(true);  // what is told of an earlier boot is found by its date
  room.outbox = room.make();
  room.ask("two");
  room.write();
  for (const Courier courier : {Courier::kRelay, Courier::kNotify}) {
    CAPTURE(name_of(courier));
    const Json whole = room.next(0, courier);
    REQUIRE_FALSE(whole["entries"].empty());
    const auto carried = room.store.db->carried(std::string(name_of(courier)));
    int step = 1;
    const auto answers = [&](const auto& call) {
      core::Error error = core::Error::kNone;
      bool failed = true;
      for (step = 1; failed; ++step) {
        CAPTURE(step);
        room.outbox = room.make();
        room.outbox->expect(":1.7");
        failed = takes_failure([&] { error = call(); }, step);
        CHECK(error == (failed ? core::Error::kUnavailable : core::Error::kNone));
        REQUIRE(room.store.commit({}));
        CHECK(room.store.db->carried(std::string(name_of(courier))) == carried);
        CHECK(room.next(0, courier) == whole);
      }
      CHECK(step > 3);
    };
    answers([&] { return room.outbox->next(courier, ":1.7", 0).error; });
    answers([&] { return room.outbox->open(courier, "").error; });
    answers([&] { return room.outbox->done(courier, carried.value_or(0)).error; });
    if (courier == Courier::kNotify) answers([&] { return room.outbox->acknowledged(courier, whole["entries"][0]["seq"], "pager").error; });
  }
}
