// What the chaos test tells its workers, by a variable of their environment,
// and what they tell it: each has a file of its own, in which it writes down
// what it does before it does it. So what is told is true however the worker
// ends.
//
//   options.worker_environment[kChaosVariable] = ChaosVariable({seed, folder});
//   ... in a worker ...
//   RecordOfWorker(*ThisChaosWorker(), WorkerRecord::kRun, index);
//   ... when all are gone ...
//   std::map<int64_t, WorkerRecords> records = ReadWorkerRecords(folder);
//
// Thread-safe, while nobody changes the environment. A worker records on one
// thread.

#ifndef MULTIPROC_TESTS_CHAOS_WORKER_H_
#define MULTIPROC_TESTS_CHAOS_WORKER_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace multiproc {

inline constexpr char kChaosVariable[] = "MULTIPROC_CHAOS";

struct ChaosWorker {
  uint64_t seed = 0;
  // For the files.
  std::string folder;
};

std::string ChaosVariable(const ChaosWorker& worker);

// Of this process; nullopt if it is no worker of the chaos test.
std::optional<ChaosWorker> ThisChaosWorker();

enum class WorkerRecord : char {
  // It begins a task; the number is the task's, or the item's.
  kRun = 'R',
  // The injector kills it, or stops it for ever; after so many bytes.
  kKilled = 'K',
  kStopped = 'S',
  // Its task does so.
  kDies = 'D',
  kStops = 'T',
  // Its task writes to every descriptor, or closes them all.
  kGarbage = 'G',
  kClosed = 'C',
};

void RecordOfWorker(const ChaosWorker& worker, WorkerRecord record,
                    uint64_t number);

// What one worker has told.
struct WorkerRecords {
  // The numbers, in order.
  std::vector<uint64_t> runs;
  // How often.
  std::map<WorkerRecord, size_t> counts;

  bool Has(WorkerRecord record) const { return counts.count(record) > 0; }
};

// Of all, by their process ids.
std::map<int64_t, WorkerRecords> ReadWorkerRecords(const std::string& folder);

}  // namespace multiproc

#endif  // MULTIPROC_TESTS_CHAOS_WORKER_H_
