// The bare calls of the floors: a forked child at the other end of two pipes,
// whole reads and writes. No library, and no errors but a message and the end.
//
//   PipedChild child(/*pipe_bytes=*/0, [](int in, int out) { ... });
//   WriteExactly(child.to(), "x", 1);
//   ReadExactly(child.from(), &byte, 1);
//
// Thread-compatible.

#ifndef MULTIPROC_BENCHMARKS_FLOORS_RAW_PROCESS_H_
#define MULTIPROC_BENCHMARKS_FLOORS_RAW_PROCESS_H_

#include <sys/types.h>

#include <cstddef>
#include <functional>
#include <vector>

namespace multiproc {

// Prints what `call` and errno say, and ends the process.
[[noreturn]] void Die(const char* call);

void WriteExactly(int fd, const void* bytes, size_t size);

// False at the end of the pipe.
bool ReadExactly(int fd, void* bytes, size_t size);

// Two ends that programs started later do not inherit.
struct RawPipe {
  // `bytes` is what the pipe holds; 0 for the system's default.
  explicit RawPipe(int bytes = 0);

  int read_end = -1;
  int write_end = -1;
};

// A forked child with a pipe to it and one from it.
class PipedChild {
 public:
  // `serve` gets the ends of the child, which exits when it returns.
  PipedChild(int pipe_bytes, const std::function<void(int in, int out)>& serve);
  // Closes the pipes, ends the child, and waits for it.
  ~PipedChild();

  PipedChild(PipedChild&& other) noexcept;
  PipedChild& operator=(PipedChild&&) = delete;

  int to() const { return to_; }
  int from() const { return from_; }

 private:
  int to_ = -1;
  int from_ = -1;
  pid_t pid_ = -1;
};

// Binds this process, and its children to come, to one CPU as long as it lives.
class OnOneCpu {
 public:
  OnOneCpu();
  ~OnOneCpu();

 private:
  std::vector<int> cpus_;
};

}  // namespace multiproc

#endif  // MULTIPROC_BENCHMARKS_FLOORS_RAW_PROCESS_H_
