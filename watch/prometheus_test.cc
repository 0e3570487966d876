#include "multiproc/watch/prometheus.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

namespace multiproc {
namespace {

using ::testing::ElementsAre;

PoolStats SomeStats() {
  PoolStats stats;
  stats.tasks.queued = 1;
  stats.tasks.queued_bytes = 20;
  stats.tasks.leased = 3;
  stats.tasks.submitted = 100;
  stats.tasks.succeeded = 80;
  stats.tasks.failed = 5;
  stats.tasks.lost = 4;
  stats.tasks.timed_out = 3;
  stats.tasks.cancelled = 2;
  stats.tasks.cut_off = 2;
  stats.tasks.retries = 7;
  stats.tasks.refused = 8;
  stats.tasks.run_by_caller = 9;
  stats.workers.starting = 11;
  stats.workers.idle = 12;
  stats.workers.busy = 13;
  stats.workers.spare = 14;
  stats.workers.leaving = 15;
  stats.workers.started = 16;
  stats.workers.refused_starts = 17;
  stats.worker_ends.crashed = 21;
  stats.worker_ends.oom_killed = 22;
  stats.worker_ends.terminated = 23;
  for (int i = 0; i < 3; ++i) stats.run_time.Record(20'000'000);
  stats.bytes_sent = 31;
  stats.bytes_received = 32;
  return stats;
}

constexpr absl::string_view kText =
    R"(# HELP multiproc_tasks_queued Tasks that no worker has.
# TYPE multiproc_tasks_queued gauge
multiproc_tasks_queued 1
# HELP multiproc_tasks_queued_bytes Bytes of their packed arguments.
# TYPE multiproc_tasks_queued_bytes gauge
multiproc_tasks_queued_bytes 20
# HELP multiproc_tasks_leased Tasks that a worker has.
# TYPE multiproc_tasks_leased gauge
multiproc_tasks_leased 3
# HELP multiproc_tasks_submitted_total Tasks that the pool has taken.
# TYPE multiproc_tasks_submitted_total counter
multiproc_tasks_submitted_total 100
# HELP multiproc_tasks_ended_total Tasks that have an outcome, by it.
# TYPE multiproc_tasks_ended_total counter
multiproc_tasks_ended_total{outcome="succeeded"} 80
multiproc_tasks_ended_total{outcome="failed"} 5
multiproc_tasks_ended_total{outcome="lost"} 4
multiproc_tasks_ended_total{outcome="timed_out"} 3
multiproc_tasks_ended_total{outcome="cancelled"} 2
multiproc_tasks_ended_total{outcome="cut_off"} 2
# HELP multiproc_task_retries_total Further attempts of tasks.
# TYPE multiproc_task_retries_total counter
multiproc_task_retries_total 7
# HELP multiproc_tasks_refused_total Calls that the pool has not taken.
# TYPE multiproc_tasks_refused_total counter
multiproc_tasks_refused_total 8
# HELP multiproc_tasks_run_by_caller_total Calls that found the queue full, and ran in the caller.
# TYPE multiproc_tasks_run_by_caller_total counter
multiproc_tasks_run_by_caller_total 9
# HELP multiproc_workers Worker processes, by state.
# TYPE multiproc_workers gauge
multiproc_workers{state="starting"} 11
multiproc_workers{state="idle"} 12
multiproc_workers{state="busy"} 13
multiproc_workers{state="spare"} 14
multiproc_workers{state="leaving"} 15
# HELP multiproc_workers_started_total Worker processes started.
# TYPE multiproc_workers_started_total counter
multiproc_workers_started_total 16
# HELP multiproc_worker_starts_refused_total Starts of workers that the system has refused.
# TYPE multiproc_worker_starts_refused_total counter
multiproc_worker_starts_refused_total 17
# HELP multiproc_worker_ends_total Worker processes that ended, by cause.
# TYPE multiproc_worker_ends_total counter
multiproc_worker_ends_total{cause="not_ready"} 0
multiproc_worker_ends_total{cause="crashed"} 21
multiproc_worker_ends_total{cause="timed_out"} 0
multiproc_worker_ends_total{cause="cancelled"} 0
multiproc_worker_ends_total{cause="broken_channel"} 0
multiproc_worker_ends_total{cause="max_tasks"} 0
multiproc_worker_ends_total{cause="max_age"} 0
multiproc_worker_ends_total{cause="max_memory"} 0
multiproc_worker_ends_total{cause="restarted"} 0
multiproc_worker_ends_total{cause="sigterm"} 0
multiproc_worker_ends_total{cause="idle"} 0
multiproc_worker_ends_total{cause="resized"} 0
multiproc_worker_ends_total{cause="closed"} 0
multiproc_worker_ends_total{cause="terminated"} 23
# HELP multiproc_worker_oom_kills_total Of those that crashed: by the out-of-memory killer.
# TYPE multiproc_worker_oom_kills_total counter
multiproc_worker_oom_kills_total 22
# HELP multiproc_task_run_seconds Run time of tasks in their workers.
# TYPE multiproc_task_run_seconds summary
multiproc_task_run_seconds{quantile="0.5"} 0.02
multiproc_task_run_seconds{quantile="0.9"} 0.02
multiproc_task_run_seconds{quantile="0.99"} 0.02
multiproc_task_run_seconds_sum 0.06
multiproc_task_run_seconds_count 3
# HELP multiproc_task_latency_seconds From Submit to the outcome.
# TYPE multiproc_task_latency_seconds summary
multiproc_task_latency_seconds{quantile="0.5"} NaN
multiproc_task_latency_seconds{quantile="0.9"} NaN
multiproc_task_latency_seconds{quantile="0.99"} NaN
multiproc_task_latency_seconds_sum 0
multiproc_task_latency_seconds_count 0
# HELP multiproc_channel_bytes_total Bytes to and from workers.
# TYPE multiproc_channel_bytes_total counter
multiproc_channel_bytes_total{direction="sent"} 31
multiproc_channel_bytes_total{direction="received"} 32
)";

TEST(PrometheusTest, AllOfIt) { EXPECT_EQ(PrometheusText(SomeStats()), kText); }

// The lines with values of the metric.
std::vector<std::string> LinesOf(const std::string& text,
                                 absl::string_view metric) {
  std::vector<std::string> lines;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    if (absl::StartsWith(line, metric)) lines.emplace_back(line);
  }
  return lines;
}

TEST(PrometheusTest, LabelsStandBeforeTheMetricsOwn) {
  const std::string text =
      PrometheusText(SomeStats(), {{"pool", "a"}, {"host", "b"}});
  EXPECT_THAT(LinesOf(text, "multiproc_tasks_queued{"),
              ElementsAre("multiproc_tasks_queued{pool=\"a\",host=\"b\"} 1"));
  EXPECT_THAT(LinesOf(text, "multiproc_channel_bytes_total"),
              ElementsAre("multiproc_channel_bytes_total{pool=\"a\",host=\"b\","
                          "direction=\"sent\"} 31",
                          "multiproc_channel_bytes_total{pool=\"a\",host=\"b\","
                          "direction=\"received\"} 32"));
}

TEST(PrometheusTest, ValuesAreEscaped) {
  EXPECT_THAT(LinesOf(PrometheusText(SomeStats(), {{"p", "a\\b\"c\nd 任务"}}),
                      "multiproc_tasks_leased{"),
              ElementsAre(R"(multiproc_tasks_leased{p="a\\b\"c\nd 任务"} 3)"));
}

TEST(PrometheusTest, NamesAreMadeLegal) {
  const std::string text = PrometheusText(SomeStats(), {{"my-pool.x", "1"},
                                                        {"2nd", "2"},
                                                        {"", "3"},
                                                        {"état", "4"},
                                                        {"state", "5"}});
  EXPECT_THAT(LinesOf(text, "multiproc_tasks_leased{"),
              ElementsAre("multiproc_tasks_leased{my_pool_x=\"1\",_2nd=\"2\","
                          "_=\"3\",__tat=\"4\",exported_state=\"5\"} 3"));
}

TEST(PrometheusTest, TheLinesOfAMetricStandTogether) {
  PoolStats other;
  other.tasks.leased = 77;
  const std::string text = PrometheusText(
      {{SomeStats(), {{"pool", "a"}}}, {other, {{"pool", "b"}}}});
  EXPECT_THAT(LinesOf(text, "multiproc_tasks_leased{"),
              ElementsAre("multiproc_tasks_leased{pool=\"a\"} 3",
                          "multiproc_tasks_leased{pool=\"b\"} 77"));
  EXPECT_THAT(LinesOf(text, "# TYPE multiproc_tasks_leased "),
              ElementsAre("# TYPE multiproc_tasks_leased gauge"));
}

}  // namespace
}  // namespace multiproc
