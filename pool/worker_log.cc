#include "multiproc/pool/worker_log.h"

#include <string>

#include "absl/base/log_severity.h"
#include "absl/base/no_destructor.h"
#include "absl/log/globals.h"
#include "absl/log/log_entry.h"
#include "absl/log/log_sink.h"
#include "absl/log/log_sink_registry.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "multiproc/pool/standard_stream.h"
#include "multiproc/pool/worker_output.h"

namespace multiproc {
namespace {

class TaggingSink : public absl::LogSink {
 public:
  TaggingSink() { absl::AddLogSink(this); }

  void Tag(uint64_t worker_id, const std::atomic<uint64_t>* task_id) {
    const bool was_tagging = worker_id_.exchange(0) != 0;
    if (worker_id != 0 && !was_tagging) {
      threshold_ = absl::StderrThreshold();
      absl::SetStderrThreshold(absl::LogSeverityAtLeast::kInfinity);
    } else if (worker_id == 0 && was_tagging) {
      absl::SetStderrThreshold(threshold_);
    }
    task_id_ = task_id;
    worker_id_ = worker_id;
  }

  void Send(const absl::LogEntry& entry) override {
    const uint64_t worker_id = worker_id_;
    if (worker_id == 0 || entry.log_severity() < threshold_) return;
    const uint64_t task_id = *task_id_;
    const std::string task =
        task_id == 0 ? "" : absl::StrCat(" task ", task_id);
    // A FATAL entry comes twice: the second time for its stack trace alone.
    const absl::string_view text =
        entry.stacktrace().empty()
            ? entry.text_message_with_prefix_and_newline()
            : entry.stacktrace();
    WriteWhole(StandardStream(WorkerOutput::Stream::kStderr),
               absl::StrCat("[worker ", worker_id, task, "] ", text));
  }

 private:
  // 0 as long as nothing is tagged. The others are set before it is.
  std::atomic<uint64_t> worker_id_{0};
  const std::atomic<uint64_t>* task_id_ = nullptr;
  absl::LogSeverityAtLeast threshold_ = absl::LogSeverityAtLeast::kInfinity;
};

std::atomic<bool> is_prepared{false};

TaggingSink& TheSink() {
  static absl::NoDestructor<TaggingSink> sink;
  return *sink;
}

}  // namespace

void PrepareLogTags() {
  TheSink();
  is_prepared = true;
}

void TagLogs(uint64_t worker_id, const std::atomic<uint64_t>* task_id) {
  if (worker_id != 0) PrepareLogTags();
  if (is_prepared) TheSink().Tag(worker_id, task_id);
}

}  // namespace multiproc
