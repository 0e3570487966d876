#ifdef _WIN32
#error "Windows builds answer_wait_win.cc"
#endif

#include <poll.h>

#include "multiproc/executors/monotonic_clock.h"
#include "multiproc/executors/poll_timeout.h"
#include "multiproc/pool/answer_wait.h"

namespace multiproc {
namespace {

// Into memory between two system calls: some microseconds.
constexpr int kLooks = 1000;

}  // namespace

std::unique_ptr<AnswerWait> AnswerWait::Create() {
  absl::StatusOr<Pipe> stop = Pipe::Create(Pipe::NonBlocking::kBoth);
  if (!stop.ok()) return nullptr;
  return std::unique_ptr<AnswerWait>(new AnswerWait(*std::move(stop)));
}

bool AnswerWait::Wait(FileHandle responses, absl::Duration spin_time,
                      const std::function<bool()>& is_there,
                      absl::Time deadline) {
  struct pollfd entries[2] = {{responses, POLLIN, 0},
                              {stop_.read_end.get(), POLLIN, 0}};
  if (spin_time > absl::ZeroDuration()) {
    const absl::Time end = MonotonicNow() + spin_time;
    do {
      for (int i = 0; i < kLooks; ++i) {
        if (is_there()) return true;
      }
      if (poll(entries, 2, 0) > 0) return true;
    } while (MonotonicNow() < end);
  }
  absl::Duration rest = absl::InfiniteDuration();
  do {
    if (deadline != absl::InfiniteFuture()) rest = deadline - MonotonicNow();
    if (poll(entries, 2, PollTimeout(rest)) > 0) break;
  } while (rest > absl::ZeroDuration());
  return false;
}

void AnswerWait::Stop() {
  // A full pipe is a stop as it is.
  WriteSome(stop_.write_end.get(), "s").IgnoreError();
}

void AnswerWait::Reset() {
  char bytes[16];
  while (ReadSome(stop_.read_end.get(), bytes, sizeof(bytes)).ok()) {
  }
}

}  // namespace multiproc
