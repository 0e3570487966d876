#include "multiproc/watch/progress_bar.h"

#include <algorithm>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "multiproc/executors/monotonic_clock.h"
#include "multiproc/pool/standard_stream.h"

namespace multiproc {
namespace {

constexpr absl::Duration kRateTime = absl::Seconds(10);
constexpr absl::Duration kSampleTime = absl::Milliseconds(50);
// Before this time the rate is chance.
constexpr absl::Duration kLeastRateTime = absl::Milliseconds(500);

// The cursor rests at the beginning of the first line between drawings, so that
// a terminal that is resized moves it with that line, however it wraps the
// rest. What stood there is written over, and erased behind the end of each
// line (EL), and of the last one to the end of the screen (ED): not before, as
// nothing would stand there for a moment, and tmux keeps what is erased from
// the top of the screen on in its history.
constexpr absl::string_view kEraseLine = "\x1b[K";
constexpr absl::string_view kEraseBelow = "\x1b[J";

using Style = ProgressBarOptions::Style;

Style StyleFor(const ProgressBarOptions& options, FileHandle output) {
  if (options.style == Style::kQuiet || !IsValidHandle(output)) {
    return Style::kQuiet;
  }
  // A console obeys only if it is prepared.
  const bool terminal =
      options.style != Style::kPlain && PrepareTerminal(output);
  if (options.style != Style::kAuto) return options.style;
  return terminal ? Style::kTerminal : Style::kPlain;
}

ProgressBarOptions WithClock(ProgressBarOptions options) {
  if (options.clock == nullptr) options.clock = MonotonicNow;
  return options;
}

FileHandle OutputOf(const ProgressBarOptions& options) {
  return IsValidHandle(options.output)
             ? options.output
             : StandardStream(WorkerOutput::Stream::kStderr);
}

}  // namespace

ProgressBar::ProgressBar(ProgressBarOptions options)
    : options_(WithClock(std::move(options))),
      output_(OutputOf(options_)),
      style_(StyleFor(options_, output_)),
      utf8_(TerminalShowsUtf8()),
      start_(options_.clock()),
      total_(options_.total),
      next_plain_(start_ + options_.plain_interval) {
  const absl::Duration interval =
      style_ == Style::kQuiet ? absl::InfiniteDuration() : options_.refresh;
  ticker_ = std::make_unique<Ticker>(interval, [this] { Update(); });
}

ProgressBar::~ProgressBar() { Finish(); }

void ProgressBar::set_total(uint64_t items) {
  absl::MutexLock lock(&mutex_);
  total_ = items;
}

// ---- What is shown ----

void ProgressBar::Print(absl::string_view line) {
  absl::MutexLock lock(&output_mutex_);
  if (style_ != Style::kTerminal || finished_) {
    Write(absl::StrCat(line, "\n"));
    return;
  }
  Write(absl::StrCat("\r", line, kEraseLine, "\r\n"));
  drawn_.clear();
  Draw(Look(/*finished=*/false));
}

void ProgressBar::Update() {
  absl::MutexLock lock(&output_mutex_);
  if (style_ == Style::kQuiet || finished_) return;
  const Progress progress = Look(/*finished=*/false);
  if (style_ == Style::kTerminal) return Draw(progress);
  if (options_.clock() < next_plain_) return;
  next_plain_ = options_.clock() + options_.plain_interval;
  WritePlain(progress);
}

void ProgressBar::Finish() {
  std::unique_ptr<Ticker> ticker;
  {
    absl::MutexLock lock(&output_mutex_);
    if (!finished_ && style_ != Style::kQuiet) {
      const Progress progress = Look(/*finished=*/true);
      if (style_ == Style::kTerminal) {
        Draw(progress);
        Write("\r\n");
      } else {
        WritePlain(progress);
      }
    }
    finished_ = true;
    ticker = std::move(ticker_);
  }
  // Joins at the end of this scope: its thread may wait for the lock.
}

void ProgressBar::Draw(const Progress& progress) {
  const TerminalSize size = SizeOfTerminal(output_);
  std::vector<std::string> lines = TerminalLines(progress, size, utf8_);
  if (lines == drawn_ && size.columns == drawn_size_.columns &&
      size.rows == drawn_size_.rows) {
    return;
  }
  std::string text =
      absl::StrCat("\r", absl::StrJoin(lines, absl::StrCat(kEraseLine, "\r\n")),
                   kEraseBelow);
  if (lines.size() > 1) absl::StrAppend(&text, "\x1b[", lines.size() - 1, "A");
  Write(absl::StrCat(text, progress.finished ? "" : "\r"));
  drawn_ = std::move(lines);
  drawn_size_ = size;
}

void ProgressBar::WritePlain(const Progress& progress) {
  Write(absl::StrCat(PlainLine(progress), "\n"));
}

void ProgressBar::Write(absl::string_view text) { WriteWhole(output_, text); }

// ---- What there is to show ----

Progress ProgressBar::Look(bool finished) {
  const absl::Time now = options_.clock();
  absl::MutexLock lock(&mutex_);
  Progress progress;
  progress.title = options_.title;
  progress.total = std::max(total_, submitted_);
  progress.done = done_;
  progress.failed = failed_;
  progress.cancelled = cancelled_;
  progress.elapsed = now - start_;
  progress.finished = finished;
  Measure(now, &progress);
  for (const auto& [id, worker] : workers_) {
    if (!worker.leases.empty()) ++progress.running;
    if (!options_.show_workers || finished) continue;
    WorkerProgress shown = {id, worker.pid, worker.ready, worker.done, "", {}};
    if (!worker.leases.empty()) {
      shown.task = worker.leases.front().second;
      shown.running = now - worker.head_since;
    }
    progress.workers.push_back(std::move(shown));
  }
  return progress;
}

// The last numbers are of the whole time.
void ProgressBar::Measure(absl::Time now, Progress* progress) {
  if (samples_.empty()) samples_.emplace_back(start_, 0);
  while (samples_.size() > 1 && now - samples_[1].first >= kRateTime) {
    samples_.pop_front();
  }
  const auto [since, done] = progress->finished
                                 ? std::pair<absl::Time, uint64_t>(start_, 0)
                                 : samples_.front();
  if (now - samples_.back().first >= kSampleTime) {
    samples_.emplace_back(now, done_);
  }
  const double seconds = absl::ToDoubleSeconds(now - since);
  if (now - since < kLeastRateTime) return;
  progress->rate = static_cast<double>(done_ - done) / seconds;
}

// ---- What the pool tells ----

void ProgressBar::OnSubmitted(absl::Time /*when*/, const ObservedTask& task) {
  absl::MutexLock lock(&mutex_);
  submitted_ += task.items;
}

void ProgressBar::OnLeased(absl::Time /*when*/, const ObservedTask& task) {
  absl::MutexLock lock(&mutex_);
  Worker& worker = workers_[task.worker_id];
  if (worker.leases.empty()) worker.head_since = options_.clock();
  std::string name;
  if (options_.show_workers) {
    name =
        absl::StrCat(task.function, task.label.empty() ? "" : " ", task.label);
  }
  worker.leases.emplace_back(task.id, std::move(name));
}

// It is mostly at one of the ends.
void ProgressBar::Leave(const ObservedTask& task) {
  const auto found = workers_.find(task.worker_id);
  if (found == workers_.end()) return;
  auto& leases = found->second.leases;
  const auto is_it = [&](const auto& lease) { return lease.first == task.id; };
  const auto lease = std::find_if(leases.begin(), leases.end(), is_it);
  if (lease == leases.end()) return;
  if (lease == leases.begin()) found->second.head_since = options_.clock();
  leases.erase(lease);
}

void ProgressBar::OnTakenBack(absl::Time /*when*/, const ObservedTask& task) {
  absl::MutexLock lock(&mutex_);
  Leave(task);
}

void ProgressBar::OnAnswered(absl::Time /*when*/, const ObservedTask& task,
                             const TaskRun& /*run*/) {
  absl::MutexLock lock(&mutex_);
  Leave(task);
  workers_[task.worker_id].done += task.items;
}

void ProgressBar::OnRetried(absl::Time /*when*/, const ObservedTask& task) {
  absl::MutexLock lock(&mutex_);
  Leave(task);
}

void ProgressBar::OnEnded(absl::Time /*when*/, const ObservedTask& task,
                          TaskOutcome outcome, const absl::Status& /*status*/) {
  absl::MutexLock lock(&mutex_);
  Leave(task);
  done_ += task.items;
  if (outcome == &TaskCounts::cancelled || outcome == &TaskCounts::cut_off) {
    cancelled_ += task.items;
  } else if (outcome != &TaskCounts::succeeded) {
    failed_ += task.items;
  }
}

void ProgressBar::OnWorkerStarted(absl::Time /*when*/,
                                  const ObservedWorker& worker) {
  absl::MutexLock lock(&mutex_);
  workers_[worker.id].pid = worker.pid;
}

void ProgressBar::OnWorkerReady(absl::Time /*when*/,
                                const ObservedWorker& worker) {
  absl::MutexLock lock(&mutex_);
  workers_[worker.id].ready = true;
}

void ProgressBar::OnWorkerEnded(absl::Time /*when*/,
                                const ObservedWorker& worker,
                                WorkerEnd /*cause*/,
                                const ExitStatus& /*exit_status*/) {
  absl::MutexLock lock(&mutex_);
  workers_.erase(worker.id);
}

}  // namespace multiproc
