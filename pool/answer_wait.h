// Lets a thread that wants one worker's answer wait for it where it comes, on
// the worker's pipe, instead of being woken by another thread that does: one
// switch of threads less in each round trip.
//
//   std::unique_ptr<AnswerWait> wait = AnswerWait::Create();
//   if (wait != nullptr) {
//     wait->Wait(responses, spin_time, [&] { return IsInMemory(); }, deadline);
//   }
//
//   wait->Stop();                       // by another thread
//
// Thread-safety: Wait by one thread at a time, Stop by any.

#ifndef MULTIPROC_POOL_ANSWER_WAIT_H_
#define MULTIPROC_POOL_ANSWER_WAIT_H_

#include <functional>
#include <memory>
#include <utility>

#include "absl/time/time.h"
#include "multiproc/executors/file_handle.h"

namespace multiproc {

class AnswerWait {
 public:
  // Null where it can't be had: on Windows, whose pipes are read by completion,
  // and where the system has no more handles.
  static std::unique_ptr<AnswerWait> Create();

  // Waits until `responses`, which stays open, can be read, Stop is called, or
  // `deadline` (MonotonicNow) has passed. The first `spin_time` of it without
  // sleeping, and until `is_there` says so, too, which is to take no system
  // call: returns whether that was enough.
  bool Wait(FileHandle responses, absl::Duration spin_time,
            const std::function<bool()>& is_there, absl::Time deadline);

  // Ends the current Wait, or the next one.
  void Stop();

  // Forgets a Stop that came too late.
  void Reset();

 private:
  explicit AnswerWait(Pipe stop) : stop_(std::move(stop)) {}

  Pipe stop_;
};

}  // namespace multiproc

#endif  // MULTIPROC_POOL_ANSWER_WAIT_H_
