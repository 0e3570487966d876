#include <google/protobuf/stubs/common.h>

#include <cstdio>

#include "absl/base/config.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "multiproc/executors/initialize.h"
#include "multiproc/pool/process_pool.h"

static_assert(ABSL_LTS_RELEASE_VERSION == 20260526,
              "not this project's Abseil");

absl::StatusOr<absl::Duration> Half(absl::Duration time) { return time / 2; }
MULTIPROC_FUNCTION(Half);

int main(int argc, char** argv) {
  multiproc::Initialize(&argc, &argv);
  multiproc::ProcessPoolOptions options;
  options.num_workers = 2;
  auto pool = multiproc::ProcessPool::Create(options);
  if (!pool.ok()) return 1;
  const absl::StatusOr<absl::Duration> half =
      (*pool)->Submit(Half, absl::Seconds(3)).Get();
  std::printf("Abseil %d, Protocol Buffers %d: %s\n", ABSL_LTS_RELEASE_VERSION,
              GOOGLE_PROTOBUF_VERSION, half.status().ToString().c_str());
  return half.ok() && *half == absl::Milliseconds(1500) ? 0 : 1;
}
