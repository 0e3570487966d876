#include "multiproc/executors/default_executor.h"

#include <cstdlib>
#include <map>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/synchronization/mutex.h"
#include "multiproc/executors/platform_executors.h"

// Set by //executors:backend, see BUILD.
#ifndef MULTIPROC_BACKEND
#define MULTIPROC_BACKEND "auto"
#endif

namespace multiproc {
namespace {

constexpr absl::string_view kBuiltBackend = MULTIPROC_BACKEND;

class Backends {
 public:
  // Never destroyed: whoever got an Executor* may use it until the end.
  static Backends& Get() {
    static Backends* const backends = new Backends;
    return *backends;
  }

  bool Add(std::unique_ptr<Executor> executor) {
    absl::MutexLock lock(&mutex_);
    custom_ = std::string(executor->name());
    std::unique_ptr<Executor>& slot = by_name_[custom_];
    if (slot != nullptr) replaced_.push_back(std::move(slot));
    slot = std::move(executor);
    return true;
  }

  absl::StatusOr<Executor*> Find(absl::string_view name,
                                 absl::string_view asked_by) {
    absl::MutexLock lock(&mutex_);
    const auto found = by_name_.find(name);
    if (found != by_name_.end()) return found->second.get();
    return absl::NotFoundError(absl::StrCat(
        asked_by, " names the backend '", name, "', and this program has ",
        absl::StrJoin(NamesLocked(), ", ")));
  }

  std::vector<std::string> Names() {
    absl::MutexLock lock(&mutex_);
    return NamesLocked();
  }

  std::string Custom() {
    absl::MutexLock lock(&mutex_);
    return custom_;
  }

 private:
  Backends() {
    for (std::unique_ptr<Executor>& executor : MakePlatformExecutors()) {
      std::string name(executor->name());
      by_name_[std::move(name)] = std::move(executor);
    }
  }

  std::vector<std::string> NamesLocked() const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    std::vector<std::string> names;
    for (const auto& entry : by_name_) names.push_back(entry.first);
    return names;
  }

  absl::Mutex mutex_;
  std::map<std::string, std::unique_ptr<Executor>, std::less<>> by_name_
      ABSL_GUARDED_BY(mutex_);
  // Somebody may hold a pointer to these.
  std::vector<std::unique_ptr<Executor>> replaced_ ABSL_GUARDED_BY(mutex_);
  std::string custom_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

absl::StatusOr<Executor*> DefaultExecutor() {
  Backends& backends = Backends::Get();
  const char* wanted = std::getenv("MULTIPROC_EXECUTOR");
  if (wanted != nullptr && *wanted != '\0') {
    return backends.Find(wanted, "MULTIPROC_EXECUTOR");
  }
  if (kBuiltBackend != "auto") {
    return backends.Find(kBuiltBackend, "the flag //executors:backend");
  }
  const std::string custom = backends.Custom();
  return backends.Find(custom.empty() ? kPlatformDefault : custom,
                       "the platform's default");
}

absl::StatusOr<Executor*> ExecutorByName(absl::string_view name) {
  return Backends::Get().Find(name, "ExecutorByName");
}

std::vector<std::string> ExecutorNames() { return Backends::Get().Names(); }

bool RegisterExecutor(std::unique_ptr<Executor> executor) {
  return Backends::Get().Add(std::move(executor));
}

}  // namespace multiproc
