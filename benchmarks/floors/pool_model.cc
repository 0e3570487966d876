// What a pool over pipes can reach: a throw-away one without errors, restarts,
// futures or messages of any kind but 32 bytes there and 32 back.
//
//   pool_model [--quick]
//
//   loop      one thread owns all workers, and waits in poll for their answers
//   threads   one thread for each worker, which waits in read
//   leases    how many tasks a worker has been sent at most; it is sent more,
//             in one write, when half of them are answered
//
// A worker answers what it has done when it has no more requests, or 100 us
// after it last answered.

#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/flags/parse.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "multiproc/benchmarks/call_times.h"
#include "multiproc/benchmarks/effort.h"
#include "multiproc/benchmarks/figure.h"
#include "multiproc/benchmarks/floors/raw_process.h"
#include "multiproc/benchmarks/task_bodies.h"

namespace multiproc {
namespace {

struct Frame {
  int64_t id = 0;
  int64_t value = 0;
  char function[16] = "function_1";
};

using TaskBody = void (*)();

void DoNothing() {}

// Whole frames out of a pipe.
class FrameBuffer {
 public:
  // Reads once. False at the end of the pipe.
  bool Fill(int fd) {
    if (begin_ > 0) std::memmove(&bytes_[0], &bytes_[begin_], end_ - begin_);
    end_ -= std::exchange(begin_, 0);
    const ssize_t got = read(fd, &bytes_[end_], bytes_.size() - end_);
    if (got > 0) end_ += static_cast<size_t>(got);
    return got > 0;
  }

  bool Next(Frame* frame) {
    if (end_ - begin_ < sizeof(*frame)) return false;
    std::memcpy(frame, &bytes_[begin_], sizeof(*frame));
    begin_ += sizeof(*frame);
    return true;
  }

 private:
  std::vector<char> bytes_ = std::vector<char>(64 << 10);
  size_t begin_ = 0;
  size_t end_ = 0;
};

void WriteFrames(int fd, std::vector<Frame>* frames) {
  if (frames->empty()) return;
  WriteExactly(fd, frames->data(), frames->size() * sizeof(Frame));
  frames->clear();
}

// What a worker process does.
void Serve(int in, int out, TaskBody body) {
  constexpr absl::Duration kLongestDelay = absl::Microseconds(100);
  FrameBuffer requests;
  std::vector<Frame> answers;
  while (requests.Fill(in)) {
    auto since_answer = std::make_unique<Stopwatch>();
    Frame frame;
    while (requests.Next(&frame)) {
      body();
      ++frame.value;
      answers.push_back(frame);
      if (since_answer->Elapsed() < kLongestDelay) continue;
      WriteFrames(out, &answers);
      since_answer = std::make_unique<Stopwatch>();
    }
    WriteFrames(out, &answers);
  }
}

// The tasks on their way from the submitting thread, and their results.
struct Tasks {
  explicit Tasks(size_t count) : results(count), left(count) {}

  absl::Mutex mutex;
  std::deque<Frame> queue;  // under the mutex
  bool closed = false;      // under the mutex
  std::vector<int64_t> results;
  std::atomic<size_t> left;
  absl::Notification done;
};

// The parent's side of a worker.
class Worker {
 public:
  explicit Worker(TaskBody body)
      : child_(0, [=](int in, int out) { Serve(in, out, body); }) {}

  int from() const { return child_.from(); }
  size_t leased() const { return leased_; }

  // Moves tasks from `queue` until `leases` are leased, if half are answered.
  void Take(std::deque<Frame>* queue, size_t leases) {
    if (leased_ > leases / 2) return;
    for (; leased_ < leases && !queue->empty(); ++leased_) {
      requests_.push_back(queue->front());
      queue->pop_front();
    }
  }

  void Send() { WriteFrames(child_.to(), &requests_); }

  // Reads answers once.
  void Collect(Tasks* tasks) {
    if (!answers_.Fill(from())) Die("a worker is gone; errno");
    size_t count = 0;
    for (Frame frame; answers_.Next(&frame); ++count) {
      tasks->results[static_cast<size_t>(frame.id)] = frame.value;
    }
    leased_ -= count;
    if (count > 0 && tasks->left.fetch_sub(count) == count) {
      tasks->done.Notify();
    }
  }

 private:
  PipedChild child_;
  FrameBuffer answers_;
  std::vector<Frame> requests_;
  size_t leased_ = 0;
};

using Workers = std::vector<std::unique_ptr<Worker>>;

// Starts the threads that serve the workers; Submit and WaitForAll are the
// user's.
class Pool {
 public:
  Pool(Workers* workers, Tasks* tasks, size_t leases)
      : workers_(*workers), tasks_(*tasks), leases_(leases) {}
  virtual ~Pool() = default;

  virtual void Submit(const Frame& frame) = 0;
  void WaitForAll() { tasks_.done.WaitForNotification(); }

 protected:
  Workers& workers_;
  Tasks& tasks_;
  const size_t leases_;
};

class LoopPool : public Pool {
 public:
  using Pool::Pool;
  ~LoopPool() override {
    {
      absl::MutexLock lock(&tasks_.mutex);
      tasks_.closed = true;
    }
    WriteExactly(wake_.write_end, "!", 1);
    thread_.join();
    close(wake_.read_end);
    close(wake_.write_end);
  }

  void Submit(const Frame& frame) override {
    {
      absl::MutexLock lock(&tasks_.mutex);
      tasks_.queue.push_back(frame);
    }
    if (asleep_.exchange(false)) WriteExactly(wake_.write_end, "!", 1);
  }

 private:
  void Run() {
    std::deque<Frame> queue;
    for (;;) {
      if (queue.empty() && !TakeSubmitted(&queue)) return;
      // A few tasks are for all workers, and not for the first.
      const size_t share =
          (queue.size() + workers_.size() - 1) / workers_.size();
      for (const auto& worker : workers_) {
        worker->Take(&queue, std::min(leases_, std::max<size_t>(share, 1)));
        worker->Send();
      }
      WaitAndCollect(!queue.empty());
    }
  }

  // False if the pool is closed.
  bool TakeSubmitted(std::deque<Frame>* queue) {
    absl::MutexLock lock(&tasks_.mutex);
    queue->swap(tasks_.queue);
    asleep_ = queue->empty();
    return !tasks_.closed;
  }

  // While tasks are queued, only answers make room for more.
  void WaitAndCollect(bool queued) {
    std::vector<pollfd> fds;
    for (const auto& worker : workers_)
      fds.push_back({worker->from(), POLLIN, 0});
    fds.push_back({queued ? -1 : wake_.read_end, POLLIN, 0});
    if (!queued) asleep_ = true;
    {
      absl::MutexLock lock(&tasks_.mutex);
      if (!queued && !tasks_.queue.empty()) asleep_ = false;
    }
    poll(fds.data(), fds.size(), asleep_ || queued ? -1 : 0);
    asleep_ = false;
    for (size_t i = 0; i < workers_.size(); ++i) {
      if (fds[i].revents != 0) workers_[i]->Collect(&tasks_);
    }
    char bytes[64];
    if (fds.back().revents != 0 &&
        read(wake_.read_end, bytes, sizeof(bytes)) < 0) {
      Die("read");
    }
  }

  const RawPipe wake_;
  std::atomic<bool> asleep_{false};
  std::thread thread_{[this] { Run(); }};
};

class ThreadsPool : public Pool {
 public:
  ThreadsPool(Workers* workers, Tasks* tasks, size_t leases)
      : Pool(workers, tasks, leases) {
    for (const auto& worker : workers_) {
      threads_.emplace_back([this, &worker] { Run(worker.get()); });
    }
  }
  ~ThreadsPool() override {
    {
      absl::MutexLock lock(&tasks_.mutex);
      tasks_.closed = true;
    }
    for (std::thread& thread : threads_) thread.join();
  }

  void Submit(const Frame& frame) override {
    absl::MutexLock lock(&tasks_.mutex);
    tasks_.queue.push_back(frame);
  }

 private:
  void Run(Worker* worker) {
    for (;;) {
      {
        const auto has_work = [&] {
          return worker->leased() > 0 || !tasks_.queue.empty() || tasks_.closed;
        };
        absl::MutexLock lock(&tasks_.mutex, absl::Condition(&has_work));
        if (tasks_.closed) return;
        worker->Take(&tasks_.queue, leases_);
      }
      worker->Send();
      worker->Collect(&tasks_);
    }
  }

  std::vector<std::thread> threads_;
};

template <typename PoolType>
double TasksPerSecond(int num_workers, size_t leases, TaskBody body,
                      size_t count) {
  Workers workers;
  for (int i = 0; i < num_workers; ++i) {
    workers.push_back(std::make_unique<Worker>(body));
  }
  Tasks tasks(count);
  PoolType pool(&workers, &tasks, leases);
  const Stopwatch stopwatch;
  for (size_t i = 0; i < count; ++i) {
    Frame frame;
    frame.id = frame.value = static_cast<int64_t>(i);
    pool.Submit(frame);
  }
  pool.WaitForAll();
  const double seconds = stopwatch.Seconds();
  for (size_t i = 0; i < count; ++i) {
    if (tasks.results[i] != static_cast<int64_t>(i) + 1) Die("a wrong result");
  }
  return static_cast<double>(count) / seconds;
}

template <typename PoolType>
void Measure(const std::string& design, size_t leases, const std::string& task,
             TaskBody body, size_t count) {
  constexpr int kWorkers = 2;
  std::vector<double> samples;
  for (int i = 0; i < Repetitions(); ++i) {
    samples.push_back(TasksPerSecond<PoolType>(kWorkers, leases, body, count));
  }
  Figure figure{"pool_model", "c_model"};
  figure.parameters = {{"design", design},
                       {"workers", absl::StrCat(kWorkers)},
                       {"leases", absl::StrCat(leases)},
                       {"task", task}};
  figure.metric = "tasks_per_s";
  PrintFigure(figure, samples);
}

void MeasureAll() {
  for (const size_t leases : {1, 4, 16, 256}) {
    const auto count = static_cast<size_t>(
        leases < 16 ? QuickOr(5000, 40000) : QuickOr(100000, 1000000));
    Measure<LoopPool>("loop", leases, "empty", DoNothing, count);
    Measure<ThreadsPool>("threads", leases, "empty", DoNothing, count);
  }
  const auto count = static_cast<size_t>(QuickOr(10000, 100000));
  Measure<LoopPool>("loop", 16, "busy10", BurnTenMicroseconds, count);
  Measure<ThreadsPool>("threads", 16, "busy10", BurnTenMicroseconds, count);
}

}  // namespace
}  // namespace multiproc

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  multiproc::MeasureAll();
}
