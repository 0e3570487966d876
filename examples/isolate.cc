// Runs a parser that trusts every byte over broken files, in worker processes:
// what crashes or hangs is listed, and the rest is done. (Python's Pool would
// hang at the first crash.)
//
//   ./bazelw run //examples:isolate               over files of its own
//   ./bazelw run //examples:isolate -- FOLDER

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "multiproc/executors/current_process.h"
#include "multiproc/executors/initialize.h"
#include "multiproc/functions/task_status.h"
#include "multiproc/pool/process_pool.h"

namespace fs = std::filesystem;

// Adds up the numbers and letters of a value of Bencode (BitTorrent's BEP 3):
// "i42e", "4:spam", "l...e", "d...e". Returns what follows. Don't do it so.
const char* ParseValue(const char* at, int64_t& sum) {
  char* end = nullptr;
  if (*at == 'i') {
    sum += std::strtoll(at + 1, &end, 10);
    return end + 1;
  }
  if (*at == 'l' || *at == 'd') {
    for (++at; *at != 'e';) at = ParseValue(at, sum);
    return at + 1;
  }
  int64_t size = std::strtoll(at, &end, 10);
  if (end == at) return at;
  while (size-- > 0) sum += *++end;
  return end + 1;
}

absl::StatusOr<int64_t> ParseFile(const std::string& path) {
  std::ifstream file(fs::u8path(path), std::ios::binary);
  const std::string bytes(std::istreambuf_iterator<char>(file), {});
  if (bytes.find_first_of("ild0123456789") != 0) {
    return absl::InvalidArgumentError("it is no bencode, or can't be read");
  }
  int64_t sum = 0;
  ParseValue(bytes.c_str(), sum);
  return sum;
}
MULTIPROC_FUNCTION(ParseFile);

fs::path MakeBrokenFiles() {
  const fs::path folder =
      fs::temp_directory_path() /
      ("isolate." + std::to_string(multiproc::CurrentPid()));
  fs::create_directories(folder);
  const std::pair<const char*, std::string> files[] = {
      {"good", "d4:name5:hello4:sizei42e5:partsl2:ab2:cdee"},
      {"other", "<html>"},
      {"cut", "d4:name5:hello4:size"},         // There it hangs.
      {"long", "99999999999:spam"},            // Past the end of its memory.
      {"deep", std::string(1'000'000, 'l')}};  // Past the end of its stack.
  for (const auto& [name, bytes] : files) {
    std::ofstream(folder / name, std::ios::binary) << bytes;
  }
  return folder;
}

int Fail(const std::string& message) {
  std::fprintf(stderr, "%s\n", message.c_str());
  return 1;
}

const char* KindOf(const absl::Status& status) {
  if (multiproc::IsTaskError(status)) return "refused";
  if (absl::IsDeadlineExceeded(status)) return "hung";
  return status.ok() ? "parsed" : "crashed";
}

int main(int argc, char** argv) {
  multiproc::Initialize(&argc, &argv);
  // `bazel run` starts programs elsewhere.
  const char* const here = std::getenv("BUILD_WORKING_DIRECTORY");
  const fs::path folder =
      argc < 2 ? MakeBrokenFiles() : fs::u8path(here ? here : "") / argv[1];
  auto pool = multiproc::ProcessPool::Create();
  if (!pool.ok()) return Fail(pool.status().ToString());
  std::map<std::string, multiproc::Future<int64_t>> futures;  // By file.
  multiproc::TaskOptions options;
  options.timeout = absl::Seconds(5);
  std::error_code error;
  fs::directory_iterator entry(folder, error);
  for (; !error && entry != fs::end(entry); entry.increment(error)) {
    const std::string path = entry->path().u8string();
    futures[path] = (*pool)->Submit(options, ParseFile, path);
  }
  if (error) return Fail(folder.u8string() + ": " + error.message());
  std::map<std::string, int> counts;
  for (const auto& [path, future] : futures) {
    const absl::StatusOr<int64_t> sum = future.Get();
    ++counts[KindOf(sum.status())];
    absl::PrintF("%-9s%s: %s\n", KindOf(sum.status()),
                 fs::u8path(path).filename().u8string(),
                 sum.ok() ? absl::StrFormat("%d", *sum)
                          : std::string(sum.status().message()));
  }
  absl::PrintF("%d files:", futures.size());
  for (const auto& [kind, count] : counts) absl::PrintF(" %d %s", count, kind);
  absl::PrintF("\n");
  if (argc < 2) fs::remove_all(folder, error);
}
