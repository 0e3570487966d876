// A thread of this library: it blocks every signal, so that the program's own
// handlers keep running on the program's threads, and it is counted, so that
// ForkExecutor can tell it from the program's.
//
//   LibraryThread thread([this] { Loop(); });   // joined by the destructor
//
// Thread-safety: as std::thread.

#ifndef MULTIPROC_EXECUTORS_LIBRARY_THREAD_H_
#define MULTIPROC_EXECUTORS_LIBRARY_THREAD_H_

#include <functional>
#include <thread>  // NOLINT(build/c++11)

namespace multiproc {

class LibraryThread {
 public:
  explicit LibraryThread(std::function<void()> body);
  ~LibraryThread() { Join(); }

  LibraryThread(const LibraryThread&) = delete;
  LibraryThread& operator=(const LibraryThread&) = delete;

  // Waits for the body to return. Not from the thread itself.
  void Join();

  // Whether the calling thread is this one.
  bool IsCurrent() const {
    return thread_.get_id() == std::this_thread::get_id();
  }

  // Runs `body` on a thread of its own that nobody joins.
  static void RunDetached(std::function<void()> body);

  // How many such threads this process has, and whether the caller is one.
  static int Count();
  static bool CallerIsOne();

  // In a forked child, where none of the others exists.
  static void ForgetAllInForkedChild();

 private:
  static std::thread Start(std::function<void()> body);

  std::thread thread_;
};

}  // namespace multiproc

#endif  // MULTIPROC_EXECUTORS_LIBRARY_THREAD_H_
