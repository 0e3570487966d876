#include "tests/process_state.h"

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace multiproc {
namespace {

bool IsMore(const ProcessState& now, const ProcessState& before) {
  return now.descriptors > before.descriptors ||
         now.threads > before.threads + ProcessState::kMoreThreads ||
         now.children > before.children ||
         now.other_handles >
             before.other_handles + ProcessState::kMoreOtherHandles;
}

}  // namespace

std::string ProcessState::ToString() const {
  return absl::StrCat(descriptors, " descriptors, ", threads, " threads, ",
                      children, " children, ", other_handles, " other handles");
}

std::string LeftBehindSince(const ProcessState& before) {
  ProcessState now = ProcessState::Now();
  for (int i = 0; i < 500 && IsMore(now, before); ++i) {
    absl::SleepFor(absl::Milliseconds(10));
    now = ProcessState::Now();
  }
  if (!IsMore(now, before)) return "";
  return absl::StrCat(now.ToString(), "; before: ", before.ToString());
}

}  // namespace multiproc
