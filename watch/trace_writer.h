// Writes what a pool does to a file that chrome://tracing and
// https://ui.perfetto.dev open, and that //tools:timeline makes a page of.
//
//   auto trace = multiproc::TraceWriter::Create("/tmp/pool.json");
//   if (!trace.ok()) ...
//   multiproc::ProcessPoolOptions options;
//   options.observers = {trace->get()};
//   ...                                             // the pool comes and goes
//   absl::Status written = (*trace)->Finish();
//
// The file is a JSON array of the Trace Event Format
// (https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU),
// one event a line, written as things happen: memory does not grow with the
// number of tasks that have ended, and when the program is killed the file has
// all up to some milliseconds before. It lacks the "]" then, which the format
// allows; its last line may be cut off.
//
//   workers are threads, by their numbers; the slices there are "starting", and
//     each run of a task, by the worker's own clock. One whose worker died is
//     drawn from when it can have begun, with "lost": true
//   a task, from Submit to its outcome, is an asynchronous event of category
//     "task" with its number as the id: "leased", "taken back" and "retried"
//     are instants of it
//   "started", "killed" and the causes of WorkerEnds ("crashed", "timed_out"
//   ...)
//     are instants of their worker; a restart is the "started" of another one
//     after, or some microseconds before, the end of the first
//   counters: "queue", with the tasks that are queued and leased, and "memory"
//     of each worker, its resident set in MiB, where the system tells that
//     (pool/resident_memory.h)
//
// One for each pool: the numbers of two would mix. Thread-safe.

#ifndef MULTIPROC_WATCH_TRACE_WRITER_H_
#define MULTIPROC_WATCH_TRACE_WRITER_H_

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "multiproc/pool/pool_observer.h"
#include "multiproc/watch/ticker.h"

namespace multiproc {

// How a trace is written.
struct TraceWriterOptions {
  // From one look at the counters to the next. InfiniteDuration for none but by
  // Sample, and no thread.
  absl::Duration sample_interval = absl::Milliseconds(100);
};

// The trace of one pool, which it must outlive; see the top of this file.
class TraceWriter : public PoolObserver {
 public:
  // Makes the file at `path` (UTF-8), or empties it. UNAVAILABLE if it can't be
  // written.
  static absl::StatusOr<std::unique_ptr<TraceWriter>> Create(
      const std::string& path, const TraceWriterOptions& options = {});
  // Finish.
  ~TraceWriter() override;

  TraceWriter(const TraceWriter&) = delete;
  TraceWriter& operator=(const TraceWriter&) = delete;

  // Writes what the counters are now.
  void Sample();

  // Writes the rest and the "]", and closes the file; nothing is written from
  // then on. UNAVAILABLE, with the path, if any write has failed: from that on
  // nothing was written. Call it after the pool is gone, or was joined.
  absl::Status Finish();

  // For the pool alone.
  void OnSubmitted(absl::Time when, const ObservedTask& task) override;
  void OnLeased(absl::Time when, const ObservedTask& task) override;
  void OnTakenBack(absl::Time when, const ObservedTask& task) override;
  void OnAnswered(absl::Time when, const ObservedTask& task,
                  const TaskRun& run) override;
  void OnRetried(absl::Time when, const ObservedTask& task) override;
  void OnEnded(absl::Time when, const ObservedTask& task, TaskOutcome outcome,
               const absl::Status& status) override;
  void OnWorkerStarted(absl::Time when, const ObservedWorker& worker) override;
  void OnWorkerReady(absl::Time when, const ObservedWorker& worker) override;
  void OnWorkerKilled(absl::Time when, const ObservedWorker& worker,
                      const absl::Status& reason) override;
  void OnWorkerEnded(absl::Time when, const ObservedWorker& worker,
                     WorkerEnd cause, const ExitStatus& exit_status) override;
  void OnCaughtUp() override;

 private:
  struct Worker {
    int64_t pid = 0;
    absl::Time started;
    // Once it is, and while its start is not written.
    std::optional<absl::Time> ready;
    std::string memory_written;
  };

  TraceWriter(const std::string& path, std::ofstream file,
              const TraceWriterOptions& options);

  // Adds an event, whose members, but for pid, are `members`.
  void Add(absl::string_view members) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Of a worker's start, once, if it is ready. A task that it was leased before
  // may have begun before the pool knew that, which no slice may overlap.
  void AddStart(uint64_t worker_id, absl::Time no_later_than)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void AddSlice(const ObservedTask& task, absl::Time start, absl::Duration time,
                bool lost, const absl::Status& status)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void AddOfTask(char phase, absl::Time when, const ObservedTask& task,
                 absl::string_view name, absl::string_view args)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void AddOfWorker(absl::Time when, uint64_t worker_id, absl::string_view name,
                   absl::string_view args)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void AddName(uint64_t worker_id, absl::string_view kind,
               absl::string_view value) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The run that ends by the death of its worker, if there is one.
  void AddLostRun(absl::Time when, const ObservedTask& task,
                  const absl::Status& status)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // "ts" of `when`.
  std::string TimeOf(absl::Time when) const;
  void WriteOut() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::string path_;
  const absl::Time start_;
  const int64_t pid_;

  absl::Mutex mutex_;
  std::ofstream file_ ABSL_GUARDED_BY(mutex_);
  std::string buffer_ ABSL_GUARDED_BY(mutex_);
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
  // Tasks that wait for a worker, and that have one: since when.
  size_t queued_ ABSL_GUARDED_BY(mutex_) = 0;
  std::unordered_map<uint64_t, absl::Time> leased_ ABSL_GUARDED_BY(mutex_);
  std::map<uint64_t, Worker> workers_ ABSL_GUARDED_BY(mutex_);
  // When each worker, also one that has ended a moment ago, was last known to
  // have begun nothing more.
  std::map<uint64_t, absl::Time> free_since_ ABSL_GUARDED_BY(mutex_);
  // As they were last written.
  std::string queue_written_ ABSL_GUARDED_BY(mutex_);

  // Last: it uses the rest.
  std::unique_ptr<Ticker> ticker_;
};

}  // namespace multiproc

#endif  // MULTIPROC_WATCH_TRACE_WRITER_H_
