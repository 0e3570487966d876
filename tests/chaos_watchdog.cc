#include "tests/chaos_watchdog.h"

#include <cstdio>
#include <cstdlib>
#include <utility>

#include "absl/strings/str_cat.h"

namespace multiproc {
namespace {

// For describe, which may wait for whoever hangs.
constexpr absl::Duration kDescriptionTime = absl::Seconds(10);

void Print(const std::string& text) {
  std::fprintf(stderr, "chaos: %s\n", text.c_str());
  std::fflush(stderr);
}

}  // namespace

ChaosWatchdog::ChaosWatchdog(absl::Duration limit,
                             std::function<std::string()> describe)
    : limit_(limit),
      describe_(std::move(describe)),
      thread_(*LibraryThread::Start([this] { Watch(); })) {}

ChaosWatchdog::~ChaosWatchdog() { over_.Notify(); }

void ChaosWatchdog::Watch() {
  if (over_.WaitForNotificationWithTimeout(limit_)) return;
  Print(absl::StrCat("hangs for ", absl::FormatDuration(limit_)));
  absl::Notification described;
  LibraryThread::StartDetached([&] {
    Print(describe_());
    described.Notify();
  }).IgnoreError();
  if (!described.WaitForNotificationWithTimeout(kDescriptionTime)) {
    Print("and so does its description");
  }
  std::abort();
}

}  // namespace multiproc
