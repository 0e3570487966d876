// The backends that this platform has.

#ifndef MULTIPROC_EXECUTORS_PLATFORM_EXECUTORS_H_
#define MULTIPROC_EXECUTORS_PLATFORM_EXECUTORS_H_

#include <memory>
#include <vector>

#include "absl/strings/string_view.h"
#include "multiproc/executors/executor.h"

namespace multiproc {

std::vector<std::unique_ptr<Executor>> MakePlatformExecutors();

// The name of the one to prefer.
extern const absl::string_view kPlatformDefault;

}  // namespace multiproc

#endif  // MULTIPROC_EXECUTORS_PLATFORM_EXECUTORS_H_
