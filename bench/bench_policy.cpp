// SPDX-License-Identifier: Apache-2.0
// What a decision costs, by the number of rules; allocations are counted. The naive evaluator of the tests and a bare parse
// by toml++ run beside it.
#include <benchmark/benchmark.h>
#include <toml++/toml.h>

#include <atomic>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <new>

#include "bench/naive.h"
#include "bench/policy_text.h"
#include "broker/core/record.h"
#include "cli/decision_record.h"
#include "evidence/text.h"
#include "policy/analysis/analyse.h"
#include "policy/analysis/question.h"
#include "policy/analysis/replay.h"
#include "policy/evaluate.h"
#include "policy/policy.h"
#include "tests/policy/oracle/compare.h"
#include "tests/policy/oracle/oracle.h"

namespace {

// Google Benchmark 1.7 (Debian 12) and 1.9 (Debian 13).
template <class Run>
bool failed(const Run& run) {
  if constexpr (requires { run.error_occurred; }) {
    return run.error_occurred;
  } else {
    return run.skipped != decltype(run.skipped){};
  }
}

std::atomic<std::size_t> allocations{0};

}  // namespace

// Where only one of a pair is inlined, g++ takes free() for a mismatch.
[[gnu::noinline]] void* operator new(std::size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* const out = std::malloc(size != 0 ? size : 1)) return out;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace {

using namespace jit;

std::shared_ptr<const policy::Policy> load(const std::vector<policy::Source>& files) {
  const std::vector<policy::Source> people{{"people.toml", bench::people_file(20)}};
  policy::Policy::Input input;
  input.rules = files;
  input.people = people;
  input.digest = evidence::sha256_hex;
  const auto loaded = policy::Policy::load(input);
  if (loaded.policy) return loaded.policy;
  for (const policy::Finding& finding : loaded.findings) std::fprintf(stderr, "%s\n", finding.text().c_str());
  std::exit(1);
}

const policy::Policy& usual(std::size_t rules) {
  static std::map<std::size_t, std::shared_ptr<const policy::Policy>> loaded;
  auto& held = loaded[rules];
  if (!held) held = load(bench::usual_policy(rules));
  return *held;
}

void count(benchmark::State& state, std::size_t before) {
  state.counters["allocations"] = static_cast<double>(allocations.load() - before) / static_cast<double>(state.iterations());
}

void decide(benchmark::State& state, const policy::Policy& policy, const policy::Request& request) {
  policy::Evaluation evaluation;
  for (int round = 0; round < 2; ++round) policy.evaluate(request, evaluation);  // what is best and what is looked at change places
  const std::size_t before = allocations.load();
  for (auto _ : state) {
    policy.evaluate(request, evaluation);
    benchmark::DoNotOptimize(evaluation.outcome);
  }
  count(state, before);
}

// Allowed, denied because nothing permits it (with the nearest rules), and denied by a guard.
void BM_Allow(benchmark::State& state) {
  const auto rules = static_cast<std::size_t>(state.range(0));
  const bench::Asked asked(rules);
  decide(state, usual(rules), asked.request());
}
void BM_DenyNothingPermits(benchmark::State& state) {
  const auto rules = static_cast<std::size_t>(state.range(0));
  const bench::Asked asked(rules);
  policy::Request request = asked.request();
  request.door = policy::Door::kSu;
  decide(state, usual(rules), request);
}
void BM_DenyByGuard(benchmark::State& state) {
  const auto rules = static_cast<std::size_t>(state.range(0));
  const bench::Asked asked(rules);
  policy::Request request = asked.request();
  request.facts = nullptr;  // what is not known lifts no guard
  decide(state, usual(rules), request);
}
// The naive evaluator on the policy and the request of BM_Allow.
void BM_Naive(benchmark::State& state) {
  const auto rules = static_cast<std::size_t>(state.range(0));
  const bench::Asked asked(rules);
  const policy::Request request = asked.request();
  const policy::oracle::Model model = bench::usual_model(rules);
  const std::string differs = policy::oracle::difference(usual(rules).decide(request), policy::oracle::decide(model, request));
  if (!differs.empty()) state.SkipWithError(differs.c_str());
  for (auto _ : state) benchmark::DoNotOptimize(policy::oracle::decide(model, request));
}
// As BM_Allow, with the text for people.
void BM_DecideWithText(benchmark::State& state) {
  const auto rules = static_cast<std::size_t>(state.range(0));
  const bench::Asked asked(rules);
  const policy::Request request = asked.request();
  const policy::Policy& policy = usual(rules);
  const std::size_t before = allocations.load();
  for (auto _ : state) benchmark::DoNotOptimize(policy.decide(request));
  count(state, before);
}
void BM_Worst(benchmark::State& state) {
  static const auto policy = load(bench::worst_policy(10'000));
  const bench::Asked asked(10'000);
  decide(state, *policy, asked.request());
}
void BM_Signed(benchmark::State& state) {
  static const auto policy = load(bench::signed_policy());
  const bench::Asked asked(10);
  decide(state, *policy, asked.request());
}

void BM_Load(benchmark::State& state) {
  const auto files = bench::usual_policy(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(load(files));
}
void BM_BareParse(benchmark::State& state) {
  const auto files = bench::usual_policy(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    for (const policy::Source& file : files) benchmark::DoNotOptimize(toml::parse(file.text));
  }
}

void BM_Warnings(benchmark::State& state) {
  const policy::Policy& policy = usual(static_cast<std::size_t>(state.range(0)));
  policy::analysis::Host host;
  host.now = bench::Asked(10).request().now;
  for (auto _ : state) benchmark::DoNotOptimize(policy::analysis::analyse(policy, host));
}
void BM_Diff(benchmark::State& state) {
  const auto rules = static_cast<std::size_t>(state.range(0));
  const auto more = load(bench::usual_policy(rules + 10));
  for (auto _ : state) benchmark::DoNotOptimize(policy::analysis::diff(usual(rules), *more, {.now = bench::Asked(10).request().now}));
}

// 10,000 entries of an audit log as the bus brings them: half of them allowed, half of them denied.
std::vector<std::string> history(std::size_t rules) {
  const bench::Asked asked(rules);
  std::vector<std::string> out;
  for (std::size_t i = 0; i < 10'000; ++i) {
    policy::Request request = asked.request();
    request.now += static_cast<std::int64_t>(i);
    if (i % 2 == 1) request.door = policy::Door::kSu;
    const std::string record = core::record_of(request, usual(rules).decide(request), 1, usual(rules).hash(), "");
    out.push_back("{\"sequence\":" + std::to_string(i + 1) + ",\"time\":\"2026-11-25T12:00:00Z\",\"type\":\"access.denied\",\"fields\":{\"argv\":[\"sudo\"," +
                  "\"restart\",\"app.service\"],\"decision\":" + record + "}}");
  }
  return out;
}
void replay_all(benchmark::State& state, std::size_t rules, const std::function<void(std::size_t, cli::Recorded&)>& read) {
  cli::Recorded one;
  for (auto _ : state) {
    policy::analysis::Replay replay(usual(rules));
    for (std::size_t i = 0; i < 10'000; ++i) {
      read(i, one);
      replay.add(one.past);
    }
    if (replay.changed() != 0) state.SkipWithError("the same policy decided otherwise");
  }
  state.SetItemsProcessed(state.iterations() * 10'000);
}
void must_read(const cli::Json& entry, cli::Recorded& out) {
  if (cli::read_decision(entry, out)) std::exit(1);
}
// Records as jitctl reads them, decided again and compared.
void BM_Replay(benchmark::State& state) {
  const auto rules = static_cast<std::size_t>(state.range(0));
  std::vector<cli::Json> entries;
  for (const std::string& text : history(rules)) entries.push_back(cli::Json::parse(text));
  replay_all(state, rules, [&](std::size_t i, cli::Recorded& out) { must_read(entries[i], out); });
}
// The same from the text of each entry.
void BM_ReplayText(benchmark::State& state) {
  const auto rules = static_cast<std::size_t>(state.range(0));
  const std::vector<std::string> entries = history(rules);
  replay_all(state, rules, [&](std::size_t i, cli::Recorded& out) { must_read(cli::Json::parse(entries[i]), out); });
}

BENCHMARK(BM_Allow)->Arg(10)->Arg(1'000)->Arg(100'000);
BENCHMARK(BM_DenyNothingPermits)->Arg(10)->Arg(1'000)->Arg(100'000);
BENCHMARK(BM_DenyByGuard)->Arg(10)->Arg(1'000)->Arg(100'000);
BENCHMARK(BM_DecideWithText)->Arg(10)->Arg(1'000)->Arg(100'000);
BENCHMARK(BM_Naive)->Arg(10)->Arg(1'000)->Arg(100'000)->Unit(benchmark::kMicrosecond);
BENCHMARK(BM_Worst)->Unit(benchmark::kMicrosecond);
BENCHMARK(BM_Signed);
BENCHMARK(BM_Load)->Arg(10'000)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_BareParse)->Arg(10'000)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_Warnings)->Arg(10'000)->Unit(benchmark::kMillisecond)->Iterations(1);
BENCHMARK(BM_Diff)->Arg(10'000)->Unit(benchmark::kMillisecond)->Iterations(1);
BENCHMARK(BM_Replay)->Arg(1'000)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_ReplayText)->Arg(1'000)->Unit(benchmark::kMillisecond);

// After the medians, their ratios.
class Ratios final : public benchmark::ConsoleReporter {
 public:
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      if (run.aggregate_name == "median" && !failed(run)) {
        medians_[run.run_name.str()] = run.GetAdjustedRealTime() / benchmark::GetTimeUnitMultiplier(run.time_unit);
      }
    }
    ConsoleReporter::ReportRuns(runs);
  }
  void Finalize() override {
    ratio("BM_Allow/100000", "BM_Allow/10");
    for (const char* const rules : {"10", "1000", "100000"}) ratio(std::string("BM_Naive/") + rules, std::string("BM_Allow/") + rules);
    ratio("BM_Load/10000", "BM_BareParse/10000");
  }

 private:
  void ratio(const std::string& over, const std::string& under) {
    const auto a = medians_.find(over), b = medians_.find(under);
    if (a == medians_.end() || b == medians_.end()) return;
    GetOutputStream() << over << " : " << under << " = " << a->second / b->second << '\n';
  }
  std::map<std::string, double> medians_;  // seconds an iteration
};

}  // namespace

int main(int argc, char** argv) {
  std::string repetitions = "--benchmark_repetitions=5", medians = "--benchmark_report_aggregates_only=true";
  std::vector<char*> words{argv[0], repetitions.data(), medians.data()};
  words.insert(words.end(), argv + 1, argv + argc);
  int count = static_cast<int>(words.size());
  benchmark::Initialize(&count, words.data());
  if (benchmark::ReportUnrecognizedArguments(count, words.data())) return 2;
  Ratios ratios;
  benchmark::RunSpecifiedBenchmarks(&ratios);
}
