#include "multiproc/watch/prometheus.h"

#include <cstdint>
#include <functional>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "multiproc/pool/histogram.h"
#include "multiproc/pool/stats_names.h"

namespace multiproc {
namespace {

// A line without its labels of the pool: what follows the metric's name, the
// metric's own label, if it has one, and the value.
struct Line {
  absl::string_view suffix;
  absl::string_view label;
  std::string label_value;
  std::string value;
};

struct Metric {
  absl::string_view name;
  absl::string_view type;
  absl::string_view help;
  std::function<std::vector<Line>(const PoolStats&)> lines;
};

Line Plain(uint64_t value) { return {"", "", "", absl::StrCat(value)}; }

Line By(absl::string_view label, absl::string_view label_value,
        uint64_t value) {
  return {"", label, std::string(label_value), absl::StrCat(value)};
}

std::string Seconds(double seconds) { return absl::StrFormat("%.9g", seconds); }

// Its buckets are 1400: as a summary it is three lines.
std::vector<Line> Summary(const Histogram& times) {
  std::vector<Line> lines;
  for (const double p : {0.5, 0.9, 0.99}) {
    // Of nothing there is no quantile.
    const std::string value =
        times.count() == 0 ? "NaN"
                           : Seconds(absl::ToDoubleSeconds(times.Quantile(p)));
    lines.push_back({"", "quantile", absl::StrCat(p), value});
  }
  lines.push_back({"_sum", "", "",
                   absl::StrFormat("%.15g", times.SumNanoseconds() * 1e-9)});
  lines.push_back({"_count", "", "", absl::StrCat(times.count())});
  return lines;
}

// One of `number` of all pools.
template <typename Number>
std::function<std::vector<Line>(const PoolStats&)> One(Number number) {
  return [number](const PoolStats& stats) {
    return std::vector<Line>{Plain(uint64_t{number(stats)})};
  };
}

std::vector<Line> TasksByOutcome(const PoolStats& stats) {
  std::vector<Line> lines;
  for (const NamedCount<TaskCounts>& outcome : AllTaskOutcomes()) {
    lines.push_back(By("outcome", outcome.name, stats.tasks.*outcome.member));
  }
  return lines;
}

std::vector<Line> WorkersByState(const PoolStats& stats) {
  const WorkerCounts& workers = stats.workers;
  return {By("state", "starting", workers.starting),
          By("state", "idle", workers.idle), By("state", "busy", workers.busy),
          By("state", "spare", workers.spare),
          By("state", "leaving", workers.leaving)};
}

std::vector<Line> EndsByCause(const PoolStats& stats) {
  std::vector<Line> lines;
  for (const NamedCount<WorkerEnds>& end : AllWorkerEnds()) {
    lines.push_back(By("cause", end.name, stats.worker_ends.*end.member));
  }
  return lines;
}

std::vector<Metric> AllMetrics() {
  using S = PoolStats;
  return {
      {"tasks_queued", "gauge", "Tasks that no worker has.",
       One([](const S& s) { return s.tasks.queued; })},
      {"tasks_queued_bytes", "gauge", "Bytes of their packed arguments.",
       One([](const S& s) { return s.tasks.queued_bytes; })},
      {"tasks_leased", "gauge", "Tasks that a worker has.",
       One([](const S& s) { return s.tasks.leased; })},
      {"tasks_submitted_total", "counter", "Tasks that the pool has taken.",
       One([](const S& s) { return s.tasks.submitted; })},
      {"tasks_ended_total", "counter", "Tasks that have an outcome, by it.",
       TasksByOutcome},
      {"task_retries_total", "counter", "Further attempts of tasks.",
       One([](const S& s) { return s.tasks.retries; })},
      {"tasks_refused_total", "counter", "Calls that the pool has not taken.",
       One([](const S& s) { return s.tasks.refused; })},
      {"tasks_run_by_caller_total", "counter",
       "Calls that found the queue full, and ran in the caller.",
       One([](const S& s) { return s.tasks.run_by_caller; })},
      {"workers", "gauge", "Worker processes, by state.", WorkersByState},
      {"workers_started_total", "counter", "Worker processes started.",
       One([](const S& s) { return s.workers.started; })},
      {"worker_starts_refused_total", "counter",
       "Starts of workers that the system has refused.",
       One([](const S& s) { return s.workers.refused_starts; })},
      {"worker_ends_total", "counter", "Worker processes that ended, by cause.",
       EndsByCause},
      {"worker_oom_kills_total", "counter",
       "Of those that crashed: by the out-of-memory killer.",
       One([](const S& s) { return s.worker_ends.oom_killed; })},
      {"task_run_seconds", "summary", "Run time of tasks in their workers.",
       [](const S& s) { return Summary(s.run_time); }},
      {"task_latency_seconds", "summary", "From Submit to the outcome.",
       [](const S& s) { return Summary(s.latency); }},
      {"channel_bytes_total", "counter", "Bytes to and from workers.",
       [](const S& s) {
         return std::vector<Line>{
             By("direction", "sent", s.bytes_sent),
             By("direction", "received", s.bytes_received)};
       }},
  };
}

// ---- Labels ----

bool IsTaken(absl::string_view name) {
  for (const absl::string_view own :
       {"outcome", "state", "cause", "direction", "quantile"}) {
    if (name == own) return true;
  }
  return false;
}

std::string LabelName(absl::string_view name) {
  std::string legal;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    legal += absl::ascii_isalnum(byte) ? c : '_';
  }
  if (legal.empty() ||
      absl::ascii_isdigit(static_cast<unsigned char>(legal.front()))) {
    legal.insert(0, 1, '_');
  }
  return IsTaken(legal) ? absl::StrCat("exported_", legal) : legal;
}

void AppendLabel(absl::string_view name, absl::string_view value,
                 std::string* labels) {
  absl::StrAppend(labels, labels->empty() ? "" : ",", name, "=\"",
                  absl::StrReplaceAll(
                      value, {{"\\", "\\\\"}, {"\"", "\\\""}, {"\n", "\\n"}}),
                  "\"");
}

void AppendLines(const Metric& metric, const PoolStats& stats,
                 const PrometheusLabels& labels, std::string* text) {
  for (const Line& line : metric.lines(stats)) {
    std::string joined;
    for (const auto& [name, value] : labels) {
      AppendLabel(LabelName(name), value, &joined);
    }
    if (!line.label.empty()) {
      AppendLabel(line.label, line.label_value, &joined);
    }
    if (!joined.empty()) joined = absl::StrCat("{", joined, "}");
    absl::StrAppend(text, "multiproc_", metric.name, line.suffix, joined, " ",
                    line.value, "\n");
  }
}

}  // namespace

std::string PrometheusText(const PoolStats& stats,
                           const PrometheusLabels& labels) {
  return PrometheusText(std::vector<LabelledStats>{{stats, labels}});
}

std::string PrometheusText(const std::vector<LabelledStats>& pools) {
  std::string text;
  for (const Metric& metric : AllMetrics()) {
    absl::StrAppend(&text, "# HELP multiproc_", metric.name, " ", metric.help,
                    "\n# TYPE multiproc_", metric.name, " ", metric.type, "\n");
    for (const LabelledStats& pool : pools) {
      AppendLines(metric, pool.stats, pool.labels, &text);
    }
  }
  return text;
}

}  // namespace multiproc
