// That all public headers are clean where warnings are strict (tests/BUILD has
// the flags), each with what it needs, and what users make of the templates.

#include "multiproc/executors/active_children.h"
#include "multiproc/executors/command.h"
#include "multiproc/executors/cpu_count.h"
#include "multiproc/executors/current_process.h"
#include "multiproc/executors/default_executor.h"
#include "multiproc/executors/executor.h"
#include "multiproc/executors/exit_status.h"
#include "multiproc/executors/file_handle.h"
#include "multiproc/executors/initialize.h"
#include "multiproc/executors/limits.h"
#include "multiproc/executors/process.h"
#include "multiproc/executors/run.h"
#include "multiproc/executors/stop_signals.h"
#include "multiproc/executors/wait_many.h"
#include "multiproc/functions/codec.h"
#include "multiproc/functions/function.h"
#include "multiproc/functions/status_codec.h"
#include "multiproc/functions/task_status.h"
#include "multiproc/pool/combinators.h"
#include "multiproc/pool/current_task.h"
#include "multiproc/pool/future.h"
#include "multiproc/pool/histogram.h"
#include "multiproc/pool/item_index.h"
#include "multiproc/pool/map_options.h"
#include "multiproc/pool/map_sequence.h"
#include "multiproc/pool/pool_observer.h"
#include "multiproc/pool/pool_options.h"
#include "multiproc/pool/pool_stats.h"
#include "multiproc/pool/process_pool.h"
#include "multiproc/pool/worker_hook.h"
#include "multiproc/pool/worker_output.h"
#include "multiproc/watch/progress_bar.h"
#include "multiproc/watch/prometheus.h"
#include "multiproc/watch/stats_proto.h"
#include "multiproc/watch/trace_writer.h"
#ifdef _WIN32
#include "multiproc/executors/windows_executor.h"
#else
#include "multiproc/executors/fork_executor.h"
#include "multiproc/executors/posix_spawn_executor.h"
#endif

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

namespace {

int32_t Add(int32_t a, int32_t b) { return a + b; }
MULTIPROC_FUNCTION(Add);

std::string Twice(const std::string& text) { return text + text; }
MULTIPROC_FUNCTION(Twice);

absl::Status Check(const std::vector<double>& numbers) {
  return numbers.empty() ? absl::NotFoundError("none") : absl::OkStatus();
}
MULTIPROC_FUNCTION(Check);

TEST(PublicHeadersTest, TheirTemplatesAreClean) {
  multiproc::ProcessPoolOptions options;
  options.num_workers = 1;
  multiproc::ProgressBarOptions quiet;
  quiet.style = multiproc::ProgressBarOptions::Style::kQuiet;
  multiproc::ProgressBar bar(quiet);
  options.observers = {&bar};
  auto pool = multiproc::ProcessPool::Create(options);
  ASSERT_TRUE(pool.ok()) << pool.status();
  EXPECT_EQ(*(*pool)->Apply(Add, 1, 2), 3);
  const std::vector<std::string> texts = {"a", "b"};
  EXPECT_EQ(*(*pool)->Map(Twice, texts),
            (std::vector<std::string>{"aa", "bb"}));
  std::vector<std::string> unordered;
  for (auto& text : (*pool)->IMapUnordered(Twice, texts)) {
    unordered.push_back(*text);
  }
  EXPECT_EQ(unordered.size(), 2u);
  EXPECT_EQ((*pool)->Submit(Check, std::vector<double>()).Get().code(),
            absl::StatusCode::kNotFound);
  std::vector<multiproc::Future<int32_t>> futures;
  futures.push_back((*pool)->Submit(Add, 3, 4));
  for (auto& [index, future] : multiproc::AsCompleted(futures)) {
    EXPECT_EQ(*future.Get(), 7) << index;
  }
  EXPECT_NE(multiproc::PrometheusText((*pool)->Stats()), "");
  EXPECT_EQ(multiproc::ToProto((*pool)->Stats()).tasks().failed(), 1u);
}

}  // namespace
