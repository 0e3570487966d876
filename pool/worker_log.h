// Puts the worker and its task in front of what it logs by Abseil's LOG:
//
//   [worker 3 task 17] W1126 03:34:25.123456 4711 model.cc:12] no cache
//
// (ProcessPoolOptions::tag_logs.) The tag is of use, as the thread id in
// Abseil's own prefix tells nothing: it is read once, and a forked worker has
// that of the thread that forked it.
//
// A LogSink writes the line to stderr, tag and all in one write, if its
// severity is that of absl::StderrThreshold() as it was, or higher. What writes
// such lines otherwise is silenced, by a threshold of infinity: so a program
// that sets the threshold in a worker gets them twice. Before
// absl::InitializeLog() Abseil writes to stderr whatever the threshold is: it
// is to be called before Initialize().
//
// Thread-safe, but for TagLogs.

#ifndef MULTIPROC_POOL_WORKER_LOG_H_
#define MULTIPROC_POOL_WORKER_LOG_H_

#include <atomic>
#include <cstdint>

namespace multiproc {

// Registers the sink, which does nothing yet; once in a process. The parent
// does it before it forks workers, as one of its threads may hold the lock of
// the list of sinks at that moment, and a child would wait for it for ever.
void PrepareLogTags();

// In a worker: tags what is logged from now on, within a task with the id of
// the task, which `task_id` holds at each time, and 0 outside; it must live
// until the process ends. A `worker_id` of 0 ends it: a worker that was forked
// in a worker of another pool begins with that one's tag. Before other threads
// log.
void TagLogs(uint64_t worker_id, const std::atomic<uint64_t>* task_id);

}  // namespace multiproc

#endif  // MULTIPROC_POOL_WORKER_LOG_H_
