// A call of a registered function that each worker of a pool makes: before its
// first task, or when it leaves.
//
//   void LoadModel(const std::string& path) { ... }
//   MULTIPROC_FUNCTION(LoadModel);
//
//   ProcessPoolOptions options;
//   options.initializer = WorkerHook::Of(LoadModel, "model.bin");
//
// A value; copies share the packed arguments. Thread-compatible.

#ifndef MULTIPROC_POOL_WORKER_HOOK_H_
#define MULTIPROC_POOL_WORKER_HOOK_H_

#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "multiproc/functions/function.h"
#include "multiproc/proto/task.pb.h"

namespace multiproc {

// A call, or none.
class WorkerHook {
 public:
  // No call.
  WorkerHook() = default;

  // The call of `fn` with `args`, which are packed now. Its result is of no
  // account but for an error: a status that is not OK, or an exception.
  template <typename R, typename... P, typename... Args>
  static WorkerHook Of(R (*fn)(P...), const Args&... args) {
    WorkerHook hook;
    hook.call_ = std::make_shared<const absl::StatusOr<FunctionCall>>(
        MakeCall(fn, args...));
    return hook;
  }

  // Why there can be no such call (PackCall's errors); OK if there can, or if
  // there is none.
  absl::Status status() const {
    return call_ == nullptr ? absl::OkStatus() : call_->status();
  }

  // The call, or null. Lives as long as the hook. status() must be OK.
  const FunctionCall* call() const {
    return call_ == nullptr ? nullptr : &**call_;
  }

 private:
  std::shared_ptr<const absl::StatusOr<FunctionCall>> call_;
};

}  // namespace multiproc

#endif  // MULTIPROC_POOL_WORKER_HOOK_H_
