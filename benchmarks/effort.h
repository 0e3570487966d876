// How long the programs here measure: --quick, or not.
//
//   for (int i = 0; i < Repetitions(); ++i) {
//     samples.push_back(TimeCalls(RepetitionTime(), call).p50());
//   }
//
// To be called after absl::ParseCommandLine.

#ifndef MULTIPROC_BENCHMARKS_EFFORT_H_
#define MULTIPROC_BENCHMARKS_EFFORT_H_

#include <cstddef>
#include <cstdint>

#include "absl/flags/declare.h"
#include "absl/time/time.h"

ABSL_DECLARE_FLAG(bool, quick);

namespace multiproc {

// How often each figure is taken; its median counts. Fewer are enough for what
// hardly varies, such as memory.
int Repetitions();
int FewRepetitions();

// Of an echo of `size` bytes: great ones take long, as fresh memory does.
int EchoRepetitions(size_t size);

// How long one repetition takes, where that can be chosen.
absl::Duration RepetitionTime();

// The one or the other: for numbers of tasks.
int64_t QuickOr(int64_t quick, int64_t full);

}  // namespace multiproc

#endif  // MULTIPROC_BENCHMARKS_EFFORT_H_
