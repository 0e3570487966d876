// A thread of this library: it blocks every signal, so that the program's own
// handlers keep running on the program's threads, and it is counted, so that
// ForkExecutor can tell it from the program's.
//
//   absl::StatusOr<std::unique_ptr<LibraryThread>> thread =
//       LibraryThread::Start([this] { Loop(); });   // joined by the destructor
//
// Thread-safety: as std::thread.

#ifndef MULTIPROC_EXECUTORS_LIBRARY_THREAD_H_
#define MULTIPROC_EXECUTORS_LIBRARY_THREAD_H_

#include <functional>
#include <memory>
#include <thread>  // NOLINT(build/c++11)
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace multiproc {

class LibraryThread {
 public:
  // Runs `body` on a thread. RESOURCE_EXHAUSTED if the system has no more
  // threads.
  static absl::StatusOr<std::unique_ptr<LibraryThread>> Start(
      std::function<void()> body);

  // The same, on a thread that nobody joins.
  static absl::Status StartDetached(std::function<void()> body);

  ~LibraryThread() { Join(); }

  LibraryThread(const LibraryThread&) = delete;
  LibraryThread& operator=(const LibraryThread&) = delete;

  // Waits for the body to return. Not from the thread itself.
  void Join();

  // How many such threads this process has, and whether the caller is one.
  static int Count();
  static bool CallerIsOne();

  // In a forked child, where none of the others exists.
  static void ForgetAllInForkedChild();

 private:
  explicit LibraryThread(std::thread thread) : thread_(std::move(thread)) {}

  std::thread thread_;
};

}  // namespace multiproc

#endif  // MULTIPROC_EXECUTORS_LIBRARY_THREAD_H_
