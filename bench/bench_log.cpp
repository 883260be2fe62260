// SPDX-License-Identifier: Apache-2.0
// bench_log [FOLDER] [ROUNDS]: how many entries a second the log takes, each awaited until it is durable, and what one commit
// takes beside a bare fdatasync of as many bytes. FOLDER (the working one) must be on a disk, and nobody else's.
//
// The callers are what the broker's requests are: continuations on its own event loop, each of which asks for its next commit
// once it was told that the last one is durable. As threads, each blocked until then, they are measured too: there the figure is
// mostly that of waking them.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <semaphore>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "bench/asker.h"
#include "broker/core/events.h"
#include "broker/loop.h"
#include "broker/store/store.h"

namespace {

using namespace jit;

constexpr std::size_t kCallers = 64;
constexpr std::size_t kAlone = 2'000;       // commits of a round
constexpr std::size_t kTogether = 100'000;
constexpr std::size_t kThreads = 20'000;
constexpr std::size_t kFill = 50'000;  // entries after which the write-ahead log has its size

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

core::Id id_of(std::uint64_t number) {
  core::Id id;
  number = (number + 1) * 0x9e3779b97f4a7c15ULL;  // ids are random
  for (std::size_t i = 0; i < id.bytes.size(); ++i) id.bytes[i] = static_cast<std::uint8_t>(number >> (8 * (i % 8)));
  return id;
}

// What the broker writes when a grant is used.
core::AuditEntry entry_of(std::uint64_t number) {
  core::Grant grant;
  auto subject = std::make_shared<policy::Identity>();
  subject->uid = 1000 + static_cast<std::uint32_t>(number % 500);
  subject->user = "user" + std::to_string(subject->uid);
  subject->person = "person " + std::to_string(subject->uid);
  auto target = std::make_shared<policy::Identity>();
  target->uid = 0;
  target->user = "root";
  grant.subject.identity = subject;
  grant.target = target;
  grant.id = id_of(2 * number);
  grant.request = id_of(2 * number + 1);
  grant.door = policy::Door::kSudo;
  grant.rule = "dba-on-database-hosts";
  grant.policy_hash = std::string(64, 'a');
  grant.uses = static_cast<std::uint32_t>(number);
  grant.expires_wall = 1'790'000'000'000;
  core::AuditEntry entry = core::events::grant(core::events::kGrantUsed, grant);
  entry.boot_id = "7c0b5f39-6d35-4a5e-9b0f-0d3d1f2f5a11";
  entry.boottime = 9'000'000 + static_cast<core::BootMs>(number);
  entry.wall = 1'790'000'000'000 + static_cast<core::WallMs>(number);
  return entry;
}

core::Batch batch_of(core::AuditEntry entry) {
  core::Batch batch;
  batch.entries.push_back(std::move(entry));
  return batch;
}

store::Log log_of_words() {
  return {[](std::uint64_t size, const evidence::Hash& root, std::int64_t epoch) {
            return std::to_string(size) + " " + evidence::to_hex(root) + " " + std::to_string(epoch);
          },
          [](const core::Head&, std::int64_t) {}};
}

std::unique_ptr<store::Database> open(const std::string& path, core::Post post) {
  auto opened = store::Database::open(path, std::move(post), log_of_words());
  if (!opened.database) bench::fail("%s", opened.message.c_str());
  return std::move(opened.database);
}

// One round: `callers` that together await `count` commits. Prepared first, so that what the core does for an entry is not in it.
class Round {
 public:
  Round(broker::Loop& loop, store::Database& database, std::size_t callers, std::size_t count) : loop_(loop), database_(database), callers_(callers) {
    for (std::size_t i = 0; i < count; ++i) batches_.push_back(batch_of(entry_of(i)));
  }

  double run() {
    const bench::Ns begin = bench::now_ns();
    for (std::size_t i = 0; i < callers_; ++i) next();
    while (told_ < batches_.size()) sd_event_run(loop_.event(), UINT64_MAX);
    return static_cast<double>(batches_.size()) * 1e9 / static_cast<double>(bench::now_ns() - begin);
  }

 private:
  void next() {
    if (begun_ == batches_.size()) return;
    database_.commit(std::move(batches_[begun_++]), [this](bool written) {
      if (!written) bench::fail("not written: %s", database_.last_error().c_str());
      ++told_;
      next();
    });
  }
  broker::Loop& loop_;
  store::Database& database_;
  std::size_t callers_;
  std::vector<core::Batch> batches_;
  std::size_t begun_ = 0, told_ = 0;
};

double with_threads(const std::string& path) {
  // Whoever is told wakes its own thread, without a loop between.
  const auto database = open(path, [](const std::function<void()>& work) { work(); });
  std::vector<std::thread> threads;
  std::vector<std::vector<core::Batch>> batches(kCallers);
  for (std::size_t i = 0; i < kThreads; ++i) batches[i % kCallers].push_back(batch_of(entry_of(i)));
  const bench::Ns begin = bench::now_ns();
  for (std::vector<core::Batch>& own : batches) {
    threads.emplace_back([&own, &database] {
      for (core::Batch& batch : own) {
        std::promise<bool> told;
        database->commit(std::move(batch), [&told](bool written) { told.set_value(written); });
        if (!told.get_future().get()) bench::fail("not written");
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  return static_cast<double>(kThreads) * 1e9 / static_cast<double>(bench::now_ns() - begin);
}

std::set<std::string> threads_of_this() {
  std::set<std::string> out;
  for (const auto& each : std::filesystem::directory_iterator("/proc/self/task")) out.insert(each.path().filename());
  return out;
}

int processor_of(const std::string& thread) {
  std::ifstream in("/proc/self/task/" + thread + "/stat");
  std::string text((std::istreambuf_iterator<char>(in)), {});
  std::istringstream fields(text.substr(text.rfind(')') + 2));
  std::string field;
  for (int i = 3; i <= 39; ++i) fields >> field;  // proc_pid_stat(5): processor
  return std::stoi(field);
}

// A write and fdatasync, by a thread on the same processor as the writer was last: one takes the disk's interrupts, and is a third quicker.
class Bare {
 public:
  Bare(int fd, std::string bytes, std::string writer) : fd_(fd), bytes_(std::move(bytes)), writer_(std::move(writer)) {}
  ~Bare() {
    ask(-1);
    thread_.join();
  }
  double us(off_t at) {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(static_cast<std::size_t>(processor_of(writer_)), &one);
    if (pthread_setaffinity_np(thread_.native_handle(), sizeof one, &one) != 0) bench::fail("cannot move a thread");
    ask(at);
    answered_.acquire();
    return us_;
  }

 private:
  void ask(off_t at) {
    at_ = at;
    asked_.release();
  }
  void run() {
    for (asked_.acquire(); at_ >= 0; asked_.acquire()) {
      const bench::Ns begin = bench::now_ns();
      if (pwrite(fd_, bytes_.data(), bytes_.size(), at_) < 0 || fdatasync(fd_) != 0) bench::fail("cannot sync the bare file");
      us_ = static_cast<double>(bench::now_ns() - begin) / 1e3;
      answered_.release();
    }
  }
  int fd_;
  std::string bytes_, writer_;
  off_t at_ = 0;
  double us_ = 0;
  std::binary_semaphore asked_{0}, answered_{0};
  std::thread thread_{[this] { run(); }};
};

// By turns, so that what else the disk does meets both: commits, and a write and fdatasync of as many bytes for each.
struct Medians {
  double commit_us = 0, bare_us = 0;
  double ratio() const { return commit_us / bare_us; }
};
struct Beside {
  Medians one, row;  // one of each in a turn, and kRow
  double alone = 0;
  std::size_t bytes = 0;
};
constexpr std::size_t kRow = 50;

Medians by_turns(broker::Loop& loop, store::Database& database, Bare& bare, std::size_t bytes, std::size_t each) {
  std::vector<double> commits, syncs;
  while (syncs.size() < kAlone) {
    for (std::size_t i = 0; i < each; ++i) {
      Round one(loop, database, 1, 1);
      const bench::Ns begin = bench::now_ns();
      one.run();
      commits.push_back(static_cast<double>(bench::now_ns() - begin) / 1e3);
    }
    for (std::size_t i = 0; i < each; ++i) syncs.push_back(bare.us(static_cast<off_t>(syncs.size() * bytes)));
  }
  return {median(commits), median(syncs)};
}

std::size_t size_of(const std::string& path) {
  struct stat st {};
  if (stat(path.c_str(), &st) != 0) bench::fail("%s is not there", path.c_str());
  return static_cast<std::size_t>(st.st_size);
}

Beside beside(broker::Loop& loop, const std::string& folder) {
  const std::string path = folder + "/beside.db";
  std::set<std::string> before_it = threads_of_this();
  const auto database = open(path, loop.post());
  std::string writer;
  for (const std::string& each : threads_of_this()) {
    if (!before_it.contains(each)) writer = each;
  }
  constexpr std::size_t kFirst = 100;
  Round(loop, *database, 1, kFirst).run();
  const std::size_t before = size_of(path + "-wal");
  Round(loop, *database, 1, kFirst).run();
  Beside out;
  out.bytes = (size_of(path + "-wal") - before) / kFirst;  // the first time that the write-ahead log is filled
  // From then on it is written over, as it is in a broker that runs since an hour.
  Round(loop, *database, kCallers, kFill).run();

  const std::string beside = folder + "/bare";
  const int fd = ::open(beside.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  const std::string bytes(out.bytes, 'x');
  for (std::size_t i = 0; i < kAlone; ++i) {
    if (pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(i * bytes.size())) < 0) bench::fail("cannot write %s", beside.c_str());
  }
  if (fd < 0 || fsync(fd) != 0) bench::fail("cannot write %s", beside.c_str());
  {
    Bare bare(fd, bytes, writer);
    out.one = by_turns(loop, *database, bare, out.bytes, 1);
    out.row = by_turns(loop, *database, bare, out.bytes, kRow);
  }
  close(fd);
  out.alone = Round(loop, *database, 1, kAlone).run();
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string parent = argc > 1 ? argv[1] : ".";
  const std::size_t rounds = argc > 2 ? bench::number(argv[2]) : 5;
  std::string folder = std::filesystem::canonical(parent) / "bench-log-XXXXXX";
  if (mkdtemp(folder.data()) == nullptr) bench::fail("cannot make a folder in %s", parent.c_str());
  const auto loop = broker::Loop::open();
  std::vector<double> alone, together, threads;
  std::vector<Medians> one, row;
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < rounds; ++i) {
    const Beside both = beside(*loop, folder);
    alone.push_back(both.alone);
    one.push_back(both.one);
    row.push_back(both.row);
    bytes = both.bytes;
    {
      const auto database = open(folder + "/together.db", loop->post());
      Round(*loop, *database, kCallers, kFill).run();
      together.push_back(Round(*loop, *database, kCallers, kTogether).run());
    }
    threads.push_back(with_threads(folder + "/threads.db"));
    for (const char* name : {"beside.db", "together.db", "threads.db"}) {
      for (const char* end : {"", "-wal", "-shm"}) std::filesystem::remove(folder + "/" + name + end);
    }
    std::printf("round %zu: alone %.0f/s; commit / bare fdatasync of %zu bytes, us: %.1f / %.1f = %.2f, %zu in a row %.1f / %.1f = %.2f; %zu callers on one loop %.0f/s; as threads %.0f/s\n",
                i + 1, alone.back(), bytes, both.one.commit_us, both.one.bare_us, both.one.ratio(), kRow, both.row.commit_us, both.row.bare_us, both.row.ratio(), kCallers,
                together.back(), threads.back());
    std::fflush(stdout);
  }
  std::filesystem::remove_all(folder);
  std::printf("medians of %zu rounds\n", rounds);
  std::printf("  alone, each awaited                 %10.0f entries/s   (asked: 5,000)\n", median(alone));
  std::printf("  %zu callers on one event loop        %10.0f entries/s   (asked: 100,000)\n", kCallers, median(together));
  std::printf("  %zu callers, a thread each           %10.0f entries/s\n", kCallers, median(threads));
  const auto tell = [&](const char* how, const std::vector<Medians>& rounds_of_it) {
    std::vector<double> commit, bare, ratio;
    for (const Medians& each : rounds_of_it) {
      commit.push_back(each.commit_us);
      bare.push_back(each.bare_us);
      ratio.push_back(each.ratio());
    }
    std::printf("  a commit / a bare fdatasync, %-7s%10.2f             (asked: 1.5)   %.1f / %.1f us, %zu bytes\n", how, median(ratio), median(commit), median(bare), bytes);
  };
  tell("by one", one);
  tell("in rows", row);
  return 0;
}
