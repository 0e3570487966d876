#include "multiproc/benchmarks/payload_figures.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "multiproc/benchmarks/call_times.h"
#include "multiproc/benchmarks/effort.h"
#include "multiproc/benchmarks/figure_reporter.h"
#include "multiproc/benchmarks/pool_setup.h"
#include "multiproc/benchmarks/process_usage.h"
#include "multiproc/pool/process_pool.h"

namespace multiproc {
namespace {

std::string Echo(const std::string& bytes) { return bytes; }
MULTIPROC_FUNCTION(Echo);

absl::Cord EchoCord(const absl::Cord& bytes) { return bytes; }
MULTIPROC_FUNCTION(EchoCord);

absl::StatusOr<int64_t> WorkerPeakBytes() { return PeakResidentBytes(); }
MULTIPROC_FUNCTION(WorkerPeakBytes);

ProcessPoolOptions EchoOptions(size_t size) {
  ProcessPoolOptions options = Workers(1);
  options.max_frame_bytes = size + (1 << 20);
  return options;
}

// The size of what is sent, counted once, over the time until it is back.
template <typename T>
void EchoBandwidth(benchmark::State& state, size_t size,
                   T (*function)(const T&)) {
  const auto pool = MakePool(state, EchoOptions(size));
  const T bytes(std::string(size, 'x'));
  for (auto _ : state) {
    if (pool == nullptr) break;
    const auto call = [&] {
      const absl::StatusOr<T> echo = pool->Submit(function, bytes).Get();
      if (Check(state, echo.status()) && echo->size() != size) {
        state.SkipWithError("a wrong result");
      }
    };
    call();
    const CallTimes times = TimeCalls(RepetitionTime(), 2, call);
    state.counters["bandwidth"] =
        times.per_second() * static_cast<double>(size) / 1e6;
  }
}

// The parent's or the worker's greatest memory during one echo, less what it
// had before, in payloads. The caller gives its own copy up after Submit.
template <typename T>
void EchoMemory(
    benchmark::State& state, size_t size, T (*function)(const T&),
    const std::function<absl::StatusOr<int64_t>(ProcessPool&)>& peak_bytes) {
  const auto pool = MakePool(state, EchoOptions(size));
  for (auto _ : state) {
    if (pool == nullptr) break;
    ReleaseFreedMemory();
    if (!Check(state, ResetPeakResidentBytes())) return;
    const absl::StatusOr<int64_t> before = peak_bytes(*pool);
    if (!Check(state, before.status())) return;
    auto bytes = std::make_unique<T>(std::string(size, 'x'));
    const Future<T> future = pool->Submit(function, *bytes);
    bytes.reset();
    if (!Check(state, future.Get().status())) return;
    state.counters["payloads"] =
        static_cast<double>(*peak_bytes(*pool) - *before) /
        static_cast<double>(size);
  }
}

template <typename T>
void AddFiguresOf(const std::string& type, T (*function)(const T&)) {
  for (const size_t size : {1 << 10, 1 << 20, 64 << 20}) {
    AddFigures(
        absl::StrCat("payload_echo/size:", size, "/type:", type),
        [=](benchmark::State& state) { EchoBandwidth(state, size, function); },
        EchoRepetitions(size));
  }
  constexpr size_t kLarge = 64 << 20;
  AddFigures(
      absl::StrCat("payload_memory/of:parent/type:", type),
      [=](benchmark::State& state) {
        EchoMemory(state, kLarge, function,
                   [](ProcessPool&) { return PeakResidentBytes(); });
      },
      FewRepetitions());
  AddFigures(
      absl::StrCat("payload_memory/of:worker/type:", type),
      [=](benchmark::State& state) {
        EchoMemory(state, kLarge, function, [](ProcessPool& pool) {
          return pool.Submit(WorkerPeakBytes).Get();
        });
      },
      FewRepetitions());
}

}  // namespace

void AddPayloadFigures() {
  AddFiguresOf("string", Echo);
  AddFiguresOf("cord", EchoCord);
}

}  // namespace multiproc
