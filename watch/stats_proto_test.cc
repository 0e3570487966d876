#include "multiproc/watch/stats_proto.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "multiproc/pool/stats_names.h"

namespace multiproc {
namespace {

// Across the wire.
PoolStatsProto RoundTrip(const PoolStats& stats) {
  std::string bytes;
  EXPECT_TRUE(ToProto(stats).SerializeToString(&bytes));
  PoolStatsProto proto;
  EXPECT_TRUE(proto.ParseFromString(bytes));
  return proto;
}

TEST(StatsProtoTest, Tasks) {
  PoolStats stats;
  stats.tasks = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13};
  const PoolStatsProto::Tasks tasks = RoundTrip(stats).tasks();
  EXPECT_EQ(tasks.queued(), stats.tasks.queued);
  EXPECT_EQ(tasks.queued_bytes(), stats.tasks.queued_bytes);
  EXPECT_EQ(tasks.leased(), stats.tasks.leased);
  EXPECT_EQ(tasks.submitted(), stats.tasks.submitted);
  EXPECT_EQ(tasks.succeeded(), stats.tasks.succeeded);
  EXPECT_EQ(tasks.failed(), stats.tasks.failed);
  EXPECT_EQ(tasks.lost(), stats.tasks.lost);
  EXPECT_EQ(tasks.timed_out(), stats.tasks.timed_out);
  EXPECT_EQ(tasks.cancelled(), stats.tasks.cancelled);
  EXPECT_EQ(tasks.cut_off(), stats.tasks.cut_off);
  EXPECT_EQ(tasks.retries(), stats.tasks.retries);
  EXPECT_EQ(tasks.refused(), stats.tasks.refused);
  EXPECT_EQ(tasks.run_by_caller(), stats.tasks.run_by_caller);
}

TEST(StatsProtoTest, Workers) {
  PoolStats stats;
  stats.workers.starting = 1;
  stats.workers.idle = 2;
  stats.workers.busy = 3;
  stats.workers.spare = 4;
  stats.workers.leaving = 5;
  stats.workers.started = 6;
  stats.workers.refused_starts = 7;
  WorkerStats worker;
  worker.id = 8;
  worker.pid = 4711;
  worker.state = WorkerState::kSpare;
  worker.tasks_done = 9;
  worker.tasks_leased = 10;
  worker.running_task_id = 11;
  worker.age = absl::Nanoseconds(12);
  stats.each_worker = {worker, WorkerStats()};
  const PoolStatsProto proto = RoundTrip(stats);
  EXPECT_EQ(proto.workers().starting(), 1u);
  EXPECT_EQ(proto.workers().idle(), 2u);
  EXPECT_EQ(proto.workers().busy(), 3u);
  EXPECT_EQ(proto.workers().spare(), 4u);
  EXPECT_EQ(proto.workers().leaving(), 5u);
  EXPECT_EQ(proto.workers().started(), 6u);
  EXPECT_EQ(proto.workers().refused_starts(), 7u);
  ASSERT_EQ(proto.each_worker_size(), 2);
  EXPECT_EQ(proto.each_worker(0).id(), 8u);
  EXPECT_EQ(proto.each_worker(0).pid(), 4711);
  EXPECT_EQ(proto.each_worker(0).state(), PoolStatsProto::Worker::SPARE);
  EXPECT_EQ(proto.each_worker(0).tasks_done(), 9u);
  EXPECT_EQ(proto.each_worker(0).tasks_leased(), 10u);
  EXPECT_EQ(proto.each_worker(0).running_task_id(), 11u);
  EXPECT_EQ(proto.each_worker(0).age_ns(), 12);
  EXPECT_EQ(proto.each_worker(1).state(), PoolStatsProto::Worker::STARTING);
}

TEST(StatsProtoTest, EveryStateHasItsOwn) {
  PoolStats stats;
  for (const WorkerState state :
       {WorkerState::kStarting, WorkerState::kIdle, WorkerState::kBusy,
        WorkerState::kSpare, WorkerState::kLeaving}) {
    stats.each_worker.emplace_back().state = state;
  }
  const PoolStatsProto proto = RoundTrip(stats);
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(static_cast<int>(proto.each_worker(i).state()), i);
  }
}

TEST(StatsProtoTest, TheEndsOfWorkers) {
  PoolStats stats;
  uint64_t number = 0;
  for (const NamedCount<WorkerEnds>& end : AllWorkerEnds()) {
    stats.worker_ends.*end.member = ++number;
  }
  stats.worker_ends.oom_killed = 100;
  const PoolStatsProto::WorkerEnds ends = RoundTrip(stats).worker_ends();
  EXPECT_EQ(ends.oom_killed(), 100u);
  // By their names, which are those of the members.
  const auto* const descriptor = PoolStatsProto::WorkerEnds::descriptor();
  EXPECT_EQ(descriptor->field_count(),
            static_cast<int>(AllWorkerEnds().size()) + 1);
  for (const NamedCount<WorkerEnds>& end : AllWorkerEnds()) {
    const auto* const field =
        descriptor->FindFieldByName(std::string(end.name));
    ASSERT_NE(field, nullptr) << end.name;
    EXPECT_EQ(ends.GetReflection()->GetUInt64(ends, field),
              stats.worker_ends.*end.member)
        << end.name;
  }
}

TEST(StatsProtoTest, TimesAndBytes) {
  PoolStats stats;
  for (int64_t i = 1; i <= 50; ++i) stats.run_time.Record(i);
  stats.bytes_sent = 31;
  stats.bytes_received = 32;
  const PoolStatsProto proto = RoundTrip(stats);
  EXPECT_EQ(proto.run_time().count(), 50u);
  EXPECT_EQ(proto.run_time().mean_ns(), 25);
  EXPECT_EQ(proto.run_time().min_ns(), 1);
  EXPECT_EQ(proto.run_time().max_ns(), 50);
  EXPECT_EQ(proto.run_time().p50_ns(), 25);
  EXPECT_EQ(proto.run_time().p90_ns(), 45);
  EXPECT_EQ(proto.run_time().p99_ns(), 50);
  EXPECT_EQ(proto.latency().count(), 0u);
  EXPECT_EQ(proto.bytes_sent(), 31u);
  EXPECT_EQ(proto.bytes_received(), 32u);
}

}  // namespace
}  // namespace multiproc
