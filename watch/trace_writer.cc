#include "multiproc/watch/trace_writer.h"

#include <algorithm>
#include <filesystem>
#include <ios>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "multiproc/executors/current_process.h"
#include "multiproc/executors/monotonic_clock.h"
#include "multiproc/pool/resident_memory.h"
#include "multiproc/pool/stats_names.h"
#include "multiproc/watch/json_text.h"

namespace multiproc {
namespace {

// Written at once, if events come faster than they can be told one by one.
constexpr size_t kBufferBytes = size_t{64} << 10;

// Workers that are gone are remembered until so many are.
constexpr size_t kMostFreeSince = 20'000;

std::string Microseconds(absl::Duration time) {
  return absl::StrFormat("%.3f", absl::ToDoubleMicroseconds(time));
}

std::string MemberOf(absl::string_view name, absl::string_view text) {
  return absl::StrCat(",\"", name, "\":", JsonText(text));
}

// What is left out is the usual.
std::string ArgsOf(const ObservedTask& task) {
  std::string args = absl::StrCat("\"task\":", task.id);
  if (task.items != 1) absl::StrAppend(&args, ",\"items\":", task.items);
  if (task.attempt != 1) absl::StrAppend(&args, ",\"attempt\":", task.attempt);
  if (!task.label.empty())
    absl::StrAppend(&args, MemberOf("label", task.label));
  return args;
}

// Without payloads, which are not for people.
std::string TextOf(const absl::Status& status) {
  return status.ToString(absl::StatusToStringMode::kWithNoExtraData);
}

std::string ErrorArg(const absl::Status& status) {
  return status.ok() ? "" : MemberOf("error", TextOf(status));
}

}  // namespace

absl::StatusOr<std::unique_ptr<TraceWriter>> TraceWriter::Create(
    const std::string& path, const TraceWriterOptions& options) {
  std::ofstream file;
  // What is written is in the system's hands at once: this has a buffer of its
  // own, and a fork of the program has no copy of half a line.
  file.rdbuf()->pubsetbuf(nullptr, 0);
  file.open(std::filesystem::u8path(path), std::ios::binary | std::ios::trunc);
  if (!file) {
    return absl::UnavailableError(
        absl::StrCat("the trace ", path, " can't be written"));
  }
  return std::unique_ptr<TraceWriter>(
      new TraceWriter(path, std::move(file), options));
}

TraceWriter::TraceWriter(const std::string& path, std::ofstream file,
                         const TraceWriterOptions& options)
    : path_(path),
      start_(MonotonicNow()),
      pid_(CurrentPid()),
      file_(std::move(file)) {
  {
    absl::MutexLock lock(&mutex_);
    buffer_ = "[\n";
    AddName(0, "process_name", "multiproc pool");
    AddName(0, "thread_name", "queue");
    WriteOut();
  }
  ticker_ =
      std::make_unique<Ticker>(options.sample_interval, [this] { Sample(); });
}

TraceWriter::~TraceWriter() { Finish().IgnoreError(); }

absl::Status TraceWriter::Finish() {
  std::unique_ptr<Ticker> ticker;
  {
    absl::MutexLock lock(&mutex_);
    ticker = std::move(ticker_);
  }
  // Joins; its thread may wait for the lock.
  ticker = nullptr;
  absl::MutexLock lock(&mutex_);
  if (finished_) return status_;
  for (const auto& [id, worker] : workers_) {
    AddStart(id, absl::InfiniteFuture());
  }
  WriteOut();
  if (status_.ok()) {
    // The last one has no comma behind it.
    AddName(0, "process_labels", "complete");
    buffer_.replace(buffer_.size() - 2, 2, "\n]\n");
    WriteOut();
  }
  file_.close();
  finished_ = true;
  return status_;
}

void TraceWriter::OnCaughtUp() {
  absl::MutexLock lock(&mutex_);
  WriteOut();
}

void TraceWriter::WriteOut() {
  if (finished_ || !status_.ok() || buffer_.empty()) return;
  file_.write(buffer_.data(), static_cast<std::streamsize>(buffer_.size()));
  file_.flush();
  buffer_.clear();
  if (!file_) {
    status_ = absl::UnavailableError(
        absl::StrCat("the trace ", path_, " could not be written to its end"));
  }
}

// ---- Events ----

void TraceWriter::Add(absl::string_view members) {
  if (finished_ || !status_.ok()) return;
  absl::StrAppend(&buffer_, "{\"pid\":", pid_, members, "},\n");
  if (buffer_.size() >= kBufferBytes) WriteOut();
}

std::string TraceWriter::TimeOf(absl::Time when) const {
  return absl::StrCat(",\"ts\":", Microseconds(when - start_));
}

void TraceWriter::AddName(uint64_t worker_id, absl::string_view kind,
                          absl::string_view value) {
  const absl::string_view key = kind == "process_labels" ? "labels" : "name";
  Add(absl::StrCat(",\"tid\":", worker_id, ",\"ph\":\"M\"",
                   MemberOf("name", kind), ",\"args\":{\"", key,
                   "\":", JsonText(value), "}"));
}

void TraceWriter::AddOfTask(char phase, absl::Time when,
                            const ObservedTask& task, absl::string_view name,
                            absl::string_view args) {
  Add(absl::StrCat(",\"tid\":0,\"ph\":\"", std::string(1, phase),
                   "\",\"cat\":\"task\",\"id\":\"", task.id, "\"", TimeOf(when),
                   MemberOf("name", name), ",\"args\":{", args, "}"));
}

void TraceWriter::AddOfWorker(absl::Time when, uint64_t worker_id,
                              absl::string_view name, absl::string_view args) {
  Add(absl::StrCat(",\"tid\":", worker_id,
                   ",\"ph\":\"i\",\"s\":\"t\",\"cat\":\"worker\"", TimeOf(when),
                   MemberOf("name", name), ",\"args\":{", args, "}"));
}

void TraceWriter::AddStart(uint64_t worker_id, absl::Time no_later_than) {
  const auto found = workers_.find(worker_id);
  if (found == workers_.end() || !found->second.ready.has_value()) return;
  Worker& worker = found->second;
  const absl::Time ready = std::max(
      std::min(*std::exchange(worker.ready, std::nullopt), no_later_than),
      worker.started);
  Add(absl::StrCat(",\"tid\":", worker_id, ",\"ph\":\"X\",\"cat\":\"worker\"",
                   TimeOf(worker.started),
                   ",\"dur\":", Microseconds(ready - worker.started),
                   ",\"name\":\"starting\",\"args\":{}"));
}

void TraceWriter::AddSlice(const ObservedTask& task, absl::Time start,
                           absl::Duration time, bool lost,
                           const absl::Status& status) {
  AddStart(task.worker_id, start);
  Add(absl::StrCat(",\"tid\":", task.worker_id, ",\"ph\":\"X\",\"cat\":\"run\"",
                   TimeOf(start), ",\"dur\":", Microseconds(time),
                   MemberOf("name", task.function), ",\"args\":{", ArgsOf(task),
                   lost ? ",\"lost\":true" : "", ErrorArg(status), "}"));
}

// It may have begun when it was leased, and not before its worker had ended
// what came before.
void TraceWriter::AddLostRun(absl::Time when, const ObservedTask& task,
                             const absl::Status& status) {
  const auto leased = leased_.find(task.id);
  if (leased == leased_.end()) return;
  const absl::Time start =
      std::min(when, std::max(leased->second, free_since_[task.worker_id]));
  leased_.erase(leased);
  AddSlice(task, start, when - start, /*lost=*/true, status);
}

// ---- Tasks ----

void TraceWriter::OnSubmitted(absl::Time when, const ObservedTask& task) {
  absl::MutexLock lock(&mutex_);
  ++queued_;
  AddOfTask('b', when, task, task.function,
            absl::StrCat(ArgsOf(task), ",\"bytes\":", task.argument_bytes));
}

void TraceWriter::OnLeased(absl::Time when, const ObservedTask& task) {
  absl::MutexLock lock(&mutex_);
  --queued_;
  leased_[task.id] = when;
  AddOfTask('n', when, task, "leased",
            absl::StrCat("\"worker\":", task.worker_id));
}

void TraceWriter::OnTakenBack(absl::Time when, const ObservedTask& task) {
  absl::MutexLock lock(&mutex_);
  ++queued_;
  leased_.erase(task.id);
  AddOfTask('n', when, task, "taken back",
            absl::StrCat("\"worker\":", task.worker_id));
}

void TraceWriter::OnAnswered(absl::Time /*when*/, const ObservedTask& task,
                             const TaskRun& run) {
  absl::MutexLock lock(&mutex_);
  leased_.erase(task.id);
  free_since_[task.worker_id] = run.start + run.time;
  AddSlice(task, run.start, run.time, /*lost=*/false, run.status);
}

void TraceWriter::OnRetried(absl::Time when, const ObservedTask& task) {
  absl::MutexLock lock(&mutex_);
  ObservedTask before = task;
  --before.attempt;
  AddLostRun(when, before, absl::OkStatus());
  ++queued_;
  AddOfTask('n', when, task, "retried",
            absl::StrCat("\"attempt\":", task.attempt));
}

void TraceWriter::OnEnded(absl::Time when, const ObservedTask& task,
                          TaskOutcome outcome, const absl::Status& status) {
  absl::MutexLock lock(&mutex_);
  AddLostRun(when, task, status);
  // Of the rest those that no worker had were queued.
  if (task.worker_id == 0) --queued_;
  AddOfTask('e', when, task, task.function,
            absl::StrCat("\"task\":", task.id,
                         MemberOf("outcome", TaskOutcomeName(outcome)),
                         ErrorArg(status)));
}

// ---- Workers ----

void TraceWriter::OnWorkerStarted(absl::Time when,
                                  const ObservedWorker& worker) {
  absl::MutexLock lock(&mutex_);
  workers_[worker.id] = {worker.pid, when, std::nullopt, ""};
  free_since_[worker.id] = when;
  if (free_since_.size() > kMostFreeSince) {
    free_since_.erase(free_since_.begin());
  }
  AddName(worker.id, "thread_name",
          absl::StrCat("worker ", worker.id, " (pid ", worker.pid, ")"));
  AddOfWorker(when, worker.id, "started", absl::StrCat("\"pid\":", worker.pid));
}

void TraceWriter::OnWorkerReady(absl::Time when, const ObservedWorker& worker) {
  absl::MutexLock lock(&mutex_);
  free_since_[worker.id] = when;
  workers_[worker.id].ready = when;
}

void TraceWriter::OnWorkerKilled(absl::Time when, const ObservedWorker& worker,
                                 const absl::Status& reason) {
  absl::MutexLock lock(&mutex_);
  AddOfWorker(when, worker.id, "killed",
              absl::StrCat("\"reason\":", JsonText(TextOf(reason))));
}

void TraceWriter::OnWorkerEnded(absl::Time when, const ObservedWorker& worker,
                                WorkerEnd cause,
                                const ExitStatus& exit_status) {
  absl::MutexLock lock(&mutex_);
  AddStart(worker.id, when);
  workers_.erase(worker.id);
  AddOfWorker(when, worker.id, WorkerEndName(cause),
              absl::StrCat("\"exit\":", JsonText(exit_status.ToString())));
}

// ---- Counters ----

void TraceWriter::Sample() {
  absl::MutexLock lock(&mutex_);
  const std::string time = TimeOf(MonotonicNow());
  const std::string queue =
      absl::StrCat("\"queued\":", queued_, ",\"leased\":", leased_.size());
  if (queue != queue_written_) {
    Add(absl::StrCat(",\"tid\":0,\"ph\":\"C\"", time,
                     ",\"name\":\"queue\",\"args\":{", queue, "}"));
    queue_written_ = queue;
  }
  for (auto& [id, worker] : workers_) {
    const std::optional<uint64_t> bytes = ResidentBytes(worker.pid);
    if (!bytes.has_value()) continue;
    std::string memory =
        absl::StrFormat("%.1f", static_cast<double>(*bytes) / (1 << 20));
    if (memory == worker.memory_written) continue;
    Add(absl::StrCat(",\"tid\":", id, ",\"ph\":\"C\"", time,
                     ",\"name\":\"memory of worker ", id,
                     "\",\"args\":{\"MiB\":", memory, "}"));
    worker.memory_written = std::move(memory);
  }
  WriteOut();
}

}  // namespace multiproc
