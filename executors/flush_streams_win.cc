#ifndef _WIN32
#error "POSIX builds flush_streams_posix.cc"
#endif

#include <stdio.h>

#include "multiproc/executors/flush_streams.h"

namespace multiproc {

// The C runtime has no lock that can be tried: a thread that writes to a pipe
// that nobody reads holds this up, too.
void FlushStandardStreams() {
  fflush(stdout);
  fflush(stderr);
}

}  // namespace multiproc
