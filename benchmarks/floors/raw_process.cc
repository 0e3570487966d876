#include "multiproc/benchmarks/floors/raw_process.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <utility>

namespace multiproc {
namespace {

std::vector<int> AllowedCpus() {
  std::vector<int> cpus;
#ifdef __linux__
  cpu_set_t set;
  CPU_ZERO(&set);
  sched_getaffinity(0, sizeof(set), &set);
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
  }
#endif
  return cpus;
}

void AllowCpus(const std::vector<int>& cpus) {
#ifdef __linux__
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const int cpu : cpus) CPU_SET(cpu, &set);
  if (sched_setaffinity(0, sizeof(set), &set) != 0) Die("sched_setaffinity");
#else
  (void)cpus;
#endif
}

}  // namespace

void Die(const char* call) {
  std::perror(call);
  _exit(1);
}

void WriteExactly(int fd, const void* bytes, size_t size) {
  const char* next = static_cast<const char*>(bytes);
  while (size > 0) {
    const ssize_t written = write(fd, next, size);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) Die("write");
    next += written;
    size -= static_cast<size_t>(written);
  }
}

bool ReadExactly(int fd, void* bytes, size_t size) {
  char* next = static_cast<char*>(bytes);
  while (size > 0) {
    const ssize_t got = read(fd, next, size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) Die("read");
    if (got == 0) return false;
    next += got;
    size -= static_cast<size_t>(got);
  }
  return true;
}

RawPipe::RawPipe(int bytes) {
  int ends[2];
  if (pipe(ends) != 0) Die("pipe");
  read_end = ends[0];
  write_end = ends[1];
  fcntl(read_end, F_SETFD, FD_CLOEXEC);
  fcntl(write_end, F_SETFD, FD_CLOEXEC);
#ifdef F_SETPIPE_SZ
  if (bytes > 0 && fcntl(write_end, F_SETPIPE_SZ, bytes) < 0) {
    Die("fcntl(F_SETPIPE_SZ)");
  }
#else
  (void)bytes;
#endif
}

PipedChild::PipedChild(int pipe_bytes,
                       const std::function<void(int in, int out)>& serve) {
  const RawPipe request(pipe_bytes);
  const RawPipe response(pipe_bytes);
  pid_ = fork();
  if (pid_ < 0) Die("fork");
  if (pid_ == 0) {
    close(request.write_end);
    close(response.read_end);
    serve(request.read_end, response.write_end);
    _exit(0);
  }
  close(request.read_end);
  close(response.write_end);
  to_ = request.write_end;
  from_ = response.read_end;
}

PipedChild::PipedChild(PipedChild&& other) noexcept
    : to_(std::exchange(other.to_, -1)),
      from_(std::exchange(other.from_, -1)),
      pid_(std::exchange(other.pid_, -1)) {}

PipedChild::~PipedChild() {
  if (pid_ < 0) return;
  close(to_);
  close(from_);
  // Children that were forked after it have copies of its pipe's other end.
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

OnOneCpu::OnOneCpu() : cpus_(AllowedCpus()) {
  if (!cpus_.empty()) AllowCpus({cpus_.front()});
}

OnOneCpu::~OnOneCpu() {
  if (!cpus_.empty()) AllowCpus(cpus_);
}

}  // namespace multiproc
