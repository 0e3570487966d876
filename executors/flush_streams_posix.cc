#ifdef _WIN32
#error "Windows builds flush_streams_win.cc"
#endif

#include <stdio.h>

#include "multiproc/executors/flush_streams.h"
#ifdef __linux__
#include <stdio_ext.h>
#endif

#include <iostream>

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace multiproc {
namespace {

void FlushUnlessBusy(FILE* stream) {
  for (int i = 0; i < 10; ++i) {
    if (ftrylockfile(stream) == 0) {
      fflush(stream);
      funlockfile(stream);
      return;
    }
    absl::SleepFor(absl::Milliseconds(1));
  }
}

}  // namespace

void FlushStandardStreams() {
  FlushUnlessBusy(stdout);
  FlushUnlessBusy(stderr);
}

void ForgetStandardStreams() {
#ifdef __linux__
  __fpurge(stdout);
#else
  fpurge(stdout);
#endif
}

void FlushAllStreams() {
  std::cout.flush();
  std::clog.flush();
  fflush(nullptr);
}

}  // namespace multiproc
