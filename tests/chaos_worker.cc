#include "tests/chaos_worker.h"

#include <cstdlib>
#include <filesystem>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "multiproc/executors/current_process.h"
#include "tests/read_file.h"
#include "tests/test_os.h"

namespace multiproc {
namespace {

// Files of workers begin with it: others may be in the folder, too.
constexpr absl::string_view kPrefix = "worker_";

WorkerRecords Parse(const std::vector<std::string>& lines) {
  WorkerRecords records;
  for (const std::string& line : lines) {
    uint64_t number = 0;
    if (line.empty() || !absl::SimpleAtoi(line.substr(1), &number)) continue;
    const auto record = static_cast<WorkerRecord>(line[0]);
    ++records.counts[record];
    if (record == WorkerRecord::kRun) records.runs.push_back(number);
  }
  return records;
}

}  // namespace

std::string ChaosVariable(const ChaosWorker& worker) {
  return absl::StrCat(worker.seed, " ", worker.folder);
}

std::optional<ChaosWorker> ThisChaosWorker() {
  const char* const value = std::getenv(kChaosVariable);
  if (value == nullptr) return std::nullopt;
  const absl::string_view text = value;
  const size_t space = text.find(' ');
  ChaosWorker worker;
  if (space == text.npos ||
      !absl::SimpleAtoi(text.substr(0, space), &worker.seed)) {
    return std::nullopt;
  }
  worker.folder = std::string(text.substr(space + 1));
  return worker;
}

void RecordOfWorker(const ChaosWorker& worker, WorkerRecord record,
                    uint64_t number) {
  const char kind = static_cast<char>(record);
  AppendLine(absl::StrCat(worker.folder, "/", kPrefix, CurrentPid()),
             absl::StrCat(absl::string_view(&kind, 1), " ", number));
}

std::map<int64_t, WorkerRecords> ReadWorkerRecords(const std::string& folder) {
  std::map<int64_t, WorkerRecords> all;
  for (const auto& file : std::filesystem::directory_iterator(folder)) {
    const std::string name = file.path().filename().string();
    int64_t pid = 0;
    if (name.rfind(kPrefix.data(), 0) == 0 &&
        absl::SimpleAtoi(name.substr(kPrefix.size()), &pid)) {
      all[pid] = Parse(ReadLines(file.path().string()));
    }
  }
  return all;
}

}  // namespace multiproc
