#ifdef _WIN32
#error "Windows builds flush_streams_win.cc"
#endif

#include <stdio.h>

#include "multiproc/executors/flush_streams.h"
#ifdef __linux__
#include <stdio_ext.h>
#endif

#include <iostream>
#include <typeinfo>
#if defined(__GLIBCXX__) && defined(__GXX_RTTI)
#include <ext/stdio_sync_filebuf.h>
#define MULTIPROC_KNOWS_BUFFERS 1
#endif

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

// Whether `stream` hands on at once what it is given, as std::cout does to
// stdout in a program that has not changed it.
bool KeepsNothing(const std::ostream& stream) {
#ifdef MULTIPROC_KNOWS_BUFFERS
  const std::streambuf* const buffer = stream.rdbuf();
  return buffer != nullptr &&
         typeid(*buffer) == typeid(__gnu_cxx::stdio_sync_filebuf<char>);
#else
  (void)stream;
  return false;
#endif
}

// A forked child has to fault in what it runs: it is spared the library's code
// that would find nothing to do.
void Flush(std::ostream& stream) {
  if (!KeepsNothing(stream)) stream.flush();
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
  Flush(std::cout);
  Flush(std::clog);
  fflush(nullptr);
}

}  // namespace multiproc
