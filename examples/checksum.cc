// The CRC-32C of every file of a tree, in worker processes: at most 1,000 files
// wait at a time, great ones go first, and Ctrl-C lets those that are being
// read come to their end. In Python: Pool.imap_unordered(checksum, files), and
// a KeyboardInterrupt somewhere.
//
//   ./bazelw run //examples:checksum -- FILE_OR_FOLDER...

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <system_error>

#include "absl/crc/crc32c.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "multiproc/executors/initialize.h"
#include "multiproc/executors/stop_signals.h"
#include "multiproc/pool/process_pool.h"

namespace fs = std::filesystem;

// A file of this size is read for long, and must not be the last to begin.
constexpr uintmax_t kGreatBytes = 16 << 20;

absl::StatusOr<uint32_t> Checksum(const std::string& path) {
  std::ifstream file(fs::u8path(path), std::ios::binary);
  if (!file) return absl::NotFoundError(absl::StrCat(path, " can't be read"));
  std::string buffer(1 << 18, '\0');
  absl::crc32c_t crc{0};
  do {
    file.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    crc = absl::ExtendCrc32c(
        crc,
        absl::string_view(buffer.data(), static_cast<size_t>(file.gcount())));
  } while (file);
  if (file.bad()) return absl::DataLossError(absl::StrCat(path, " ends early"));
  return static_cast<uint32_t>(crc);
}
MULTIPROC_FUNCTION(Checksum);

// Calls `visit` with a file, or each of a folder, until it returns false. False
// if part of the folder can't be listed.
bool VisitFiles(const std::string& root,
                const std::function<bool(const std::string& path)>& visit) {
  std::error_code error, ignored;
  fs::recursive_directory_iterator entry(fs::u8path(root), error);
  if (error) {
    visit(root);
    return true;
  }
  for (; !error && entry != fs::end(entry); entry.increment(error)) {
    // Neither links nor pipes.
    if (!fs::is_regular_file(entry->symlink_status(ignored))) continue;
    if (!visit(entry->path().u8string())) return true;
  }
  if (error) absl::FPrintF(stderr, "%s: %s\n", root, error.message());
  return !error;
}

int Fail(const absl::Status& status) {
  absl::FPrintF(stderr, "%s\n", status.ToString());
  return 1;
}

int main(int argc, char** argv) {
  multiproc::Initialize(&argc, &argv);
  if (argc < 2) {
    std::fprintf(stderr, "usage: checksum FILE_OR_FOLDER...\n");
    return 2;
  }
  // `bazel run` starts programs elsewhere.
  if (const char* folder = std::getenv("BUILD_WORKING_DIRECTORY")) {
    std::error_code ignored;
    fs::current_path(fs::u8path(folder), ignored);
  }
  multiproc::ProcessPoolOptions options;
  options.max_pending = 1000;  // Submit waits for room.
  auto pool = multiproc::ProcessPool::Create(options);
  if (!pool.ok()) return Fail(pool.status());
  auto stop = multiproc::StopSignals::Handle(
      [&pool](int) { (*pool)->CancelPending(); });
  if (!stop.ok()) return Fail(stop.status());
  // Callbacks have a thread of their own, one for all.
  int64_t done = 0, failed = 0, cancelled = 0;
  const auto submit = [&](const std::string& path) {
    std::error_code error;
    const uintmax_t size = fs::file_size(fs::u8path(path), error);
    multiproc::TaskOptions task;
    task.priority = !error && size >= kGreatBytes ? 1 : 0;
    (*pool)
        ->Submit(task, Checksum, path)
        .OnDone([&, path](const absl::StatusOr<uint32_t>& crc) {
          if (crc.ok()) {
            ++done;
            absl::PrintF("%08x  %s\n", *crc, path);
          } else if (absl::IsCancelled(crc.status())) {
            ++cancelled;
          } else {
            ++failed;
            Fail(crc.status());
          }
        });
    return (*stop)->signal() == 0;
  };
  int64_t unlisted = 0;
  for (int i = 1; i < argc; ++i) unlisted += !VisitFiles(argv[i], submit);
  (*pool)->Close();
  (*pool)->Join().IgnoreError();
  absl::PrintF("%d files, %d failed, %d cancelled\n", done, failed, cancelled);
  (*stop)->PassOn();
  return failed + unlisted == 0 ? 0 : 1;
}
