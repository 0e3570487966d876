// Flushing what was printed before a child starts, so that it is neither
// printed twice (a fork copies the buffers) nor after what the child prints.

#ifndef MULTIPROC_EXECUTORS_FLUSH_STREAMS_H_
#define MULTIPROC_EXECUTORS_FLUSH_STREAMS_H_

namespace multiproc {

// Flushes stdout and stderr, unless another thread keeps one of them locked for
// more than 10 ms (on Windows it waits for that). Like any printing, it waits
// for whoever reads them.
void FlushStandardStreams();

// In a forked child (POSIX): forgets what the parent had printed and not
// flushed.
void ForgetStandardStreams();

// Flushes every stream of the program (POSIX). To be called only where no other
// thread of the program can be within a call on one: a thread that waits for
// input keeps its stream locked as long.
void FlushAllStreams();

}  // namespace multiproc

#endif  // MULTIPROC_EXECUTORS_FLUSH_STREAMS_H_
