// How progress is put into words: what ProgressBar writes, from plain numbers.
//
//   Progress progress;
//   progress.done = 430;
//   progress.total = 1000;
//   for (const std::string& line : TerminalLines(progress, size, utf8)) ...
//
// Thread-safe: pure functions.

#ifndef MULTIPROC_WATCH_PROGRESS_LINE_H_
#define MULTIPROC_WATCH_PROGRESS_LINE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "multiproc/watch/terminal.h"

namespace multiproc {

// What one worker does.
struct WorkerProgress {
  uint64_t id = 0;
  int64_t pid = 0;
  bool ready = false;
  // How many items it has done.
  uint64_t done = 0;
  // What it runs, and for how long; empty if it has no task.
  std::string task;
  absl::Duration running;
};

// Numbers are of items: a chunk of Map is as many as it has.
struct Progress {
  std::string title;
  uint64_t total = 0;
  // Those with an outcome; of these, with an error, and cancelled.
  uint64_t done = 0;
  uint64_t failed = 0;
  uint64_t cancelled = 0;
  // Of workers that have a task.
  uint64_t running = 0;
  // Items in a second; nullopt if that is not known yet.
  std::optional<double> rate;
  absl::Duration elapsed;
  // Whether these are the last numbers.
  bool finished = false;
  std::vector<WorkerProgress> workers;
};

// "[0:12] title 430/1000 (43%), 2 failed, 4 running, 28.3/s, 0:21 left".
std::string PlainLine(const Progress& progress);

// "title   43%  |####    |  430/1000  2 failed  4 running  28.3/s  0:21 left",
// and a line for each of the workers; each in less columns than the terminal
// has, so that none wraps, and no more of them than fit. On a narrow terminal
// what matters least is left out, and the rest cut off.
std::vector<std::string> TerminalLines(const Progress& progress,
                                       TerminalSize size, bool utf8);

}  // namespace multiproc

#endif  // MULTIPROC_WATCH_PROGRESS_LINE_H_
