// Shows how far a pool is, on a terminal or in a log.
//
//   multiproc::ProgressBar bar;
//   multiproc::ProcessPoolOptions options;
//   options.observers = {&bar};
//   auto pool = multiproc::ProcessPool::Create(options);
//   bar.set_total(paths.size());
//   for (auto& counts : (*pool)->IMapUnordered(CountWords, paths)) ...
//   bar.Finish();
//
//    43%  |█████████▍            |  430/1000  2 failed  4 running  28.3/s  0:21
//    left
//
// On a terminal the line is drawn anew ten times a second, in the width that it
// has then. Elsewhere a line like this is written every ten seconds:
//
//   [0:12] 430/1000 (43%), 2 failed, 4 running, 28.3/s, 0:21 left
//
// Counted are items: a chunk of Map is as many as it has, and counts when it
// has ended. "Failed" are those of tasks with an error (and not items of a Map
// with OnError::kContinue that returned one: their chunk has succeeded). The
// rate is that of the last ten seconds.
//
// What else writes to the terminal is to be written by Print: it would stand in
// the bar's place otherwise.
//
// One for each pool: the numbers of two would mix.
//
// Thread-safe. Its methods never wait for the pool, and the pool never waits
// for the terminal.

#ifndef MULTIPROC_WATCH_PROGRESS_BAR_H_
#define MULTIPROC_WATCH_PROGRESS_BAR_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "multiproc/executors/file_handle.h"
#include "multiproc/pool/pool_observer.h"
#include "multiproc/watch/progress_line.h"
#include "multiproc/watch/terminal.h"
#include "multiproc/watch/ticker.h"

namespace multiproc {

// What a bar shows, where, and how often.
struct ProgressBarOptions {
  // How many items there will be; 0 for as many as were submitted so far, which
  // grows while a Map sends its items.
  uint64_t total = 0;

  // Stands before all else.
  std::string title;

  // What is written.
  enum class Style {
    // kTerminal where `output` is a terminal that can do it (terminal.h), else
    // kPlain.
    kAuto,
    kTerminal,
    kPlain,
    // Shows nothing.
    kQuiet,
  };
  // Which of these.
  Style style = Style::kAuto;

  // Where to; not closed, and open as long as the bar lives. The program's
  // stderr if it is invalid.
  FileHandle output = kInvalidFileHandle;

  // On a terminal: whether there is a line for each worker.
  bool show_workers = false;

  // On a terminal, from drawing to drawing; elsewhere, from line to line. A bar
  // whose refresh is InfiniteDuration has no thread, and is drawn by Update.
  absl::Duration refresh = absl::Milliseconds(100);
  absl::Duration plain_interval = absl::Seconds(10);

  // The time for the rate and what is left; null for MonotonicNow.
  std::function<absl::Time()> clock;
};

// The bar of one pool, which it must outlive; see the top of this file.
class ProgressBar : public PoolObserver {
 public:
  // Counts from now on: make it before the pool.
  explicit ProgressBar(ProgressBarOptions options = {});
  // Finish.
  ~ProgressBar() override;

  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  // Another ProgressBarOptions::total.
  void set_total(uint64_t items);

  // Writes a line above the bar. Also when quiet.
  void Print(absl::string_view line);

  // Draws if something has changed, or writes a line if that is due.
  void Update();

  // Shows the last numbers, without workers, on a line that stays, and nothing
  // from then on. Call it when the pool was joined, or the last result taken:
  // the pool tells of a task's end some microseconds after that.
  void Finish();

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
  void OnWorkerEnded(absl::Time when, const ObservedWorker& worker,
                     WorkerEnd cause, const ExitStatus& exit_status) override;

 private:
  using Style = ProgressBarOptions::Style;

  // A worker with its leases: the first one runs.
  struct Worker {
    int64_t pid = 0;
    bool ready = false;
    uint64_t done = 0;
    std::deque<std::pair<uint64_t, std::string>> leases;
    absl::Time head_since;
  };

  void Leave(const ObservedTask& task) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Progress Look(bool finished);
  void Measure(absl::Time now, Progress* progress)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  void Draw(const Progress& progress)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(output_mutex_);
  void WritePlain(const Progress& progress)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(output_mutex_);
  void Write(absl::string_view text)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(output_mutex_);

  const ProgressBarOptions options_;
  const FileHandle output_;
  const Style style_;
  const bool utf8_;
  const absl::Time start_;

  // Never held while something is written: a terminal may make that wait.
  absl::Mutex mutex_;
  // Of items.
  uint64_t total_ ABSL_GUARDED_BY(mutex_);
  uint64_t submitted_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t done_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t failed_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t cancelled_ ABSL_GUARDED_BY(mutex_) = 0;
  // What was done when, of the last seconds.
  std::deque<std::pair<absl::Time, uint64_t>> samples_ ABSL_GUARDED_BY(mutex_);
  std::map<uint64_t, Worker> workers_ ABSL_GUARDED_BY(mutex_);

  absl::Mutex output_mutex_ ABSL_ACQUIRED_BEFORE(mutex_);
  bool finished_ ABSL_GUARDED_BY(output_mutex_) = false;
  // What stands on the terminal, and its size then.
  std::vector<std::string> drawn_ ABSL_GUARDED_BY(output_mutex_);
  TerminalSize drawn_size_ ABSL_GUARDED_BY(output_mutex_);
  absl::Time next_plain_ ABSL_GUARDED_BY(output_mutex_);

  // Last: it uses the rest.
  std::unique_ptr<Ticker> ticker_;
};

}  // namespace multiproc

#endif  // MULTIPROC_WATCH_PROGRESS_BAR_H_
